/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the tests of crypto/ share: a folder of files that lives as long as the test, and programs
 * (openssl, python3) that make and check vectors in it, independently of the code under test.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../folder.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/memory.h"

#define TOOL_FILE_MAX (4 * 1024 * 1024)

static char tool_folder[FOLDER_SIZE];

/* Runs a shell command in the folder and gives its exit status. */
__attribute__((unused, format(printf, 1, 2))) static int tool_status(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    char *line = memory_format("cd %s && { %s\n} >log 2>&1", tool_folder, command);
    int status = system(line);
    free(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

__attribute__((unused)) static void tool_show_log(void)
{
    char *path = memory_format("%s/log", tool_folder);
    FILE *file = fopen(path, "r");
    free(path);
    for (int c; file != NULL && (c = fgetc(file)) != EOF;)
        fputc(c, stderr);
    if (file != NULL)
        fclose(file);
}

/* The same for a command that must succeed; what it printed is shown when it does not. */
#define tool_run(...)                                                \
    do {                                                             \
        if (tool_status(__VA_ARGS__) != 0) {                         \
            tool_show_log();                                         \
            fail_msg("command failed at %s:%d", __FILE__, __LINE__); \
        }                                                            \
    } while (0)

__attribute__((unused)) static void tool_write(const char *name, struct slice bytes)
{
    char *path = memory_format("%s/%s", tool_folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(bytes.size == 0 ? 0 : fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* Reads a whole file into out, which is initialised here. */
__attribute__((unused)) static struct slice tool_read(struct buf *out, const char *name)
{
    char *path = memory_format("%s/%s", tool_folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("no file %s", path);
    free(path);
    buf_init(out, TOOL_FILE_MAX);
    uint8_t part[4096];
    size_t size;
    while ((size = fread(part, 1, sizeof part, file)) > 0)
        buf_append_bytes(out, part, size);
    fclose(file);
    return buf_slice(out);
}

__attribute__((unused)) static struct slice tool_hex(struct buf *out, const char *text)
{
    buf_init(out, TOOL_FILE_MAX);
    assert_true(hex_parse(out, slice_from_text(text), NULL));
    return buf_slice(out);
}

__attribute__((unused)) static int tool_set_up(void **state)
{
    (void)state;
    folder_make(tool_folder);
    return 0;
}

__attribute__((unused)) static int tool_tear_down(void **state)
{
    (void)state;
    folder_remove(tool_folder);
    return 0;
}
