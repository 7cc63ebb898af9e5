/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/cabinet.h"

#include <mspack.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tpm/errors.h"

/* What the library opens by name: the cabinet, to read, and the file to be extracted, to write. */
#define NAME_IN "in"
#define NAME_OUT "out"

struct memory {
    struct mspack_system system; /* first: the library hands back its address */
    struct slice in;
    struct buf out;
};

struct open_file {
    struct memory *memory;
    bool writes;
    size_t position; /* of one that is read */
};

static struct mspack_file *open_file(struct mspack_system *self, const char *name, int mode)
{
    bool writes = mode == MSPACK_SYS_OPEN_WRITE;
    if (strcmp(name, writes ? NAME_OUT : NAME_IN) != 0)
        return NULL;
    struct open_file *file = memory_allocate_zero(1, sizeof *file);
    file->memory = (struct memory *)self;
    file->writes = writes;
    return (void *)file;
}

static void close_file(struct mspack_file *file)
{
    free(file);
}

/* On some damaged cabinets the library goes on with a file that it has closed: NULL. */
static int read_file(struct mspack_file *opaque, void *to, int size)
{
    struct open_file *file = (void *)opaque;
    if (file == NULL || file->writes || size < 0)
        return -1;
    size_t left = file->memory->in.size - file->position;
    size_t part = (size_t)size < left ? (size_t)size : left;
    if (part > 0)
        memcpy(to, file->memory->in.data + file->position, part);
    file->position += part;
    return (int)part;
}

static int write_file(struct mspack_file *opaque, void *from, int size)
{
    struct open_file *file = (void *)opaque;
    if (file == NULL || !file->writes || size < 0)
        return -1;
    buf_append_bytes(&file->memory->out, from, (size_t)size);
    return file->memory->out.overflow ? -1 : size;
}

static int seek_file(struct mspack_file *opaque, off_t offset, int mode)
{
    struct open_file *file = (void *)opaque;
    if (file == NULL)
        return -1;
    off_t size = (off_t)file->memory->in.size;
    off_t base = mode == MSPACK_SYS_SEEK_START ? 0
                 : mode == MSPACK_SYS_SEEK_CUR ? (off_t)file->position
                                               : size;
    if (file->writes || offset < -base || offset > size - base)
        return -1;
    file->position = (size_t)(base + offset);
    return 0;
}

static off_t tell_file(struct mspack_file *opaque)
{
    const struct open_file *file = (const void *)opaque;
    if (file == NULL)
        return -1;
    return (off_t)(file->writes ? file->memory->out.size : file->position);
}

/* Warnings of the library; its results say what matters. */
static void ignore_message(struct mspack_file *file, const char *format, ...)
{
    (void)file;
    (void)format;
}

static void *allocate(struct mspack_system *self, size_t size)
{
    (void)self;
    return malloc(size);
}

static void copy(void *from, void *to, size_t size)
{
    memcpy(to, from, size);
}

static const struct mspack_system in_memory = {
    .open = open_file,
    .close = close_file,
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .tell = tell_file,
    .message = ignore_message,
    .alloc = allocate,
    .free = free,
    .copy = copy,
};

bool cabinet_is(struct slice bytes)
{
    return bytes.size >= 4 && memcmp(bytes.data, "MSCF", 4) == 0;
}

static bool damaged(struct error *err, const char *what)
{
    return error_set(err, &tpm_trust_file, "MS-CAB", NULL, "%s", what);
}

/* Windows separates folders by backslashes. */
static char *copy_name(const char *name)
{
    char *copied = memory_copy_text(name);
    for (char *at = copied; *at != '\0'; at++)
        if (*at == '\\')
            *at = '/';
    return copied;
}

/* What extracting the wanted files costs, in bytes that are unpacked: who goes back in a folder, or
 * to another one, begins at its start. */
static uint64_t count_work(const struct mscabd_cabinet *cabinet, bool (*wanted)(const char *name))
{
    const struct mscabd_folder *folder = NULL;
    uint64_t work = 0, position = 0;
    for (const struct mscabd_file *file = cabinet->files; file != NULL; file = file->next) {
        _cleanup_free_ char *name = copy_name(file->filename);
        if (!wanted(name))
            continue;
        if (file->folder != folder || file->offset < position)
            position = 0;
        folder = file->folder;
        uint64_t end = (uint64_t)file->offset + file->length;
        work += end - position;
        position = end;
    }
    return work;
}

/* Limits before anything is extracted. */
static bool check_limits(const struct mscabd_cabinet *cabinet, bool (*wanted)(const char *name),
                         struct error *err)
{
    size_t files = 0;
    for (const struct mscabd_file *file = cabinet->files; file != NULL; file = file->next)
        if (++files > CABINET_FILES_MAX)
            return damaged(err, "the cabinet holds more files than any list of authorities does");
    return count_work(cabinet, wanted) <= CABINET_WORK_MAX ||
           damaged(err, "the cabinet holds more than any list of authorities does");
}

static const char *extract(struct memory *memory, struct mscab_decompressor *decompressor,
                           struct mscabd_file *file)
{
    buf_reset(&memory->out);
    if (file->length > CABINET_FILE_SIZE_MAX)
        return "it is larger than any certificate";
    if (decompressor->extract(decompressor, file, NAME_OUT) != MSPACK_ERR_OK ||
        memory->out.size != file->length)
        return "it cannot be extracted: the cabinet is damaged there";
    return NULL;
}

static bool read_files(struct memory *memory, struct mscab_decompressor *decompressor,
                       struct mscabd_cabinet *cabinet, bool (*wanted)(const char *name),
                       bool (*each)(void *context, const struct cabinet_file *file,
                                    struct error *err),
                       void *context, struct error *err)
{
    if (!check_limits(cabinet, wanted, err))
        return false;
    for (struct mscabd_file *file = cabinet->files; file != NULL; file = file->next) {
        _cleanup_free_ char *name = copy_name(file->filename);
        if (!wanted(name))
            continue;
        struct cabinet_file read = {.name = name};
        read.problem = extract(memory, decompressor, file);
        if (read.problem == NULL)
            read.contents = buf_slice(&memory->out);
        if (!each(context, &read, err))
            return false;
    }
    return true;
}

bool cabinet_read(struct slice bytes, bool (*wanted)(const char *name),
                  bool (*each)(void *context, const struct cabinet_file *file, struct error *err),
                  void *context, struct error *err)
{
    struct memory memory = {.system = in_memory, .in = bytes};
    buf_init(&memory.out, CABINET_FILE_SIZE_MAX);
    struct mscab_decompressor *decompressor = mspack_create_cab_decompressor(&memory.system);
    if (decompressor == NULL)
        abort(); /* only memory could be missing */
    struct mscabd_cabinet *cabinet = decompressor->open(decompressor, NAME_IN);
    bool good = cabinet != NULL
                    ? read_files(&memory, decompressor, cabinet, wanted, each, context, err)
                    : damaged(err, "the cabinet's headers are damaged");
    if (cabinet != NULL)
        decompressor->close(decompressor, cabinet);
    mspack_destroy_cab_decompressor(decompressor);
    buf_done(&memory.out);
    return good;
}
