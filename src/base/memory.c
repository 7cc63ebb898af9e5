/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_IN_HEAP (4 * 1024 * 1024)
#define OUTSIDE_HEAP (1024 * 1024) /* what is larger is rare, and the kernel's at once again */

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("hgs: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void memory_keep_freed(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_IN_HEAP);
    mallopt(M_MMAP_THRESHOLD, OUTSIDE_HEAP);
}

void *memory_allocate(size_t size)
{
    return must(malloc(size > 0 ? size : 1));
}

void *memory_allocate_zero(size_t count, size_t size)
{
    return must(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    return must(reallocarray(memory, count > 0 ? count : 1, size > 0 ? size : 1));
}

char *memory_copy_text(const char *text)
{
    return must(strdup(text));
}

char *memory_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must(size < 0 ? NULL : text);
}

void memory_free_pointer(void *pointer)
{
    free(*(void **)pointer);
    *(void **)pointer = NULL;
}
