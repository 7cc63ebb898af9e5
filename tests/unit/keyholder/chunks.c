/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/chunks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../testing.h"
#include "base/memory.h"

#define SEALED_CHUNK (4 + CHUNKS_PLAIN + AEAD_TAG_SIZE)

static uint8_t key_bytes[32] = {7, 8, 9};
static uint8_t binding[CHUNKS_BINDING_SIZE] = {1, 2, 3};

static int memory_file(void)
{
    int fd = memfd_create("chunks", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static uint8_t *pattern(size_t size)
{
    uint8_t *bytes = memory_allocate(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    return bytes;
}

/* A memory file with the stream of size bytes, written in portions. */
static int write_stream(size_t size, size_t portion)
{
    _cleanup_free_ uint8_t *bytes = pattern(size);
    int fd = memory_file();
    struct chunks chunks;
    chunks_init(&chunks, fd, "test", slice_of(key_bytes, 32), binding);
    for (size_t at = 0; at < size; at += portion) {
        size_t count = size - at < portion ? size - at : portion;
        assert_ok(chunks_write(&chunks, slice_of(bytes + at, count), err));
    }
    assert_ok(chunks_finish(&chunks, err));
    chunks_done(&chunks);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Reads all in portions; *total says how much came before the end. */
static bool read_stream(int fd, size_t portion, size_t *total, struct error *err)
{
    struct chunks chunks;
    chunks_init(&chunks, fd, "test", slice_of(key_bytes, 32), binding);
    _cleanup_free_ uint8_t *bytes = memory_allocate(portion);
    size_t got = portion;
    bool ok = true;
    *total = 0;
    while (ok && got == portion) {
        ok = chunks_read(&chunks, bytes, portion, &got, err);
        for (size_t i = 0; ok && i < got; i++, ++*total)
            assert_int_equal(bytes[i], (uint8_t)(*total * 31 + *total / 256));
    }
    chunks_done(&chunks);
    return ok;
}

static const size_t sizes[] = {
    0, 1, 100, CHUNKS_PLAIN - 1, CHUNKS_PLAIN, CHUNKS_PLAIN + 1, 2 * CHUNKS_PLAIN, 200000};

static void streams_of_every_size_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static const size_t portions[] = {1000, CHUNKS_PLAIN, 100000};
        for (size_t p = 0; p < 3; p++) {
            int fd = write_stream(sizes[i], portions[p]);
            size_t total, chunk_count = sizes[i] <= CHUNKS_PLAIN
                                            ? 1
                                            : (sizes[i] + CHUNKS_PLAIN - 1) / CHUNKS_PLAIN;
            assert_int_equal(lseek(fd, 0, SEEK_END), sizes[i] + chunk_count * (4 + AEAD_TAG_SIZE));
            lseek(fd, 0, SEEK_SET);
            assert_ok(read_stream(fd, portions[2 - p], &total, err));
            assert_int_equal(total, sizes[i]);
            close(fd);
        }
    }
}

static int from_bytes(const uint8_t *bytes, size_t size)
{
    int fd = memory_file();
    assert_int_equal(write(fd, bytes, size), size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

struct file {
    uint8_t bytes[4 * SEALED_CHUNK];
    size_t size;
};

static struct file *stream_in_memory(size_t size)
{
    struct file *file = memory_allocate_zero(1, sizeof *file);
    int fd = write_stream(size, CHUNKS_PLAIN);
    ssize_t got = read(fd, file->bytes, sizeof file->bytes);
    assert_true(got > 0);
    file->size = (size_t)got;
    close(fd);
    return file;
}

static void assert_malformed(const uint8_t *bytes, size_t size)
{
    int fd = from_bytes(bytes, size);
    size_t total;
    assert_refused(read_stream(fd, 10000, &total, err), "backup.malformed");
    close(fd);
}

static void every_cut_is_found(void **state)
{
    (void)state;
    _cleanup_free_ struct file *file = stream_in_memory(3 * CHUNKS_PLAIN);
    for (size_t size = 0; size < file->size; size += 997)
        assert_malformed(file->bytes, size);
    for (size_t chunk = 0; chunk < 3; chunk++)
        for (size_t more = 0; more < 24; more++)
            assert_malformed(file->bytes, chunk * SEALED_CHUNK + more);
    for (size_t less = 1; less < 24; less++)
        assert_malformed(file->bytes, file->size - less);
}

static void extensions_swaps_and_repetitions_are_found(void **state)
{
    (void)state;
    _cleanup_free_ struct file *file = stream_in_memory(3 * CHUNKS_PLAIN);
    assert_int_equal(file->size, 3 * SEALED_CHUNK);
    uint8_t *chunk[4];
    for (size_t i = 0; i < 4; i++)
        chunk[i] = file->bytes + i * SEALED_CHUNK;
    _cleanup_free_ struct file *changed = memory_allocate_zero(1, sizeof *changed);

    assert_malformed(file->bytes, file->size + 1); /* one more byte */
    memcpy(changed->bytes, file->bytes, file->size);
    memcpy(changed->bytes + file->size, chunk[2], SEALED_CHUNK); /* the last one twice */
    assert_malformed(changed->bytes, file->size + SEALED_CHUNK);

    memcpy(changed->bytes, chunk[1], SEALED_CHUNK); /* 1 and 2 swapped */
    memcpy(changed->bytes + SEALED_CHUNK, chunk[0], SEALED_CHUNK);
    assert_malformed(changed->bytes, file->size);

    memcpy(changed->bytes, chunk[0], SEALED_CHUNK); /* 2 left out */
    memcpy(changed->bytes + SEALED_CHUNK, chunk[2], SEALED_CHUNK);
    assert_malformed(changed->bytes, 2 * SEALED_CHUNK);

    memcpy(changed->bytes, file->bytes, file->size); /* the second declared the last */
    changed->bytes[SEALED_CHUNK + 3] |= 0x80;
    assert_malformed(changed->bytes, 2 * SEALED_CHUNK);

    memcpy(changed->bytes, file->bytes, file->size); /* the last declared not to be */
    changed->bytes[2 * SEALED_CHUNK + 3] &= 0x7F;
    assert_malformed(changed->bytes, file->size);
}

static void flipped_bits_are_found(void **state)
{
    (void)state;
    _cleanup_free_ struct file *file = stream_in_memory(CHUNKS_PLAIN + 500);
    for (size_t at = 0; at < file->size; at = at < 40 ? at + 1 : at + 1009) {
        file->bytes[at] ^= 0x10;
        assert_malformed(file->bytes, file->size);
        file->bytes[at] ^= 0x10;
    }
}

static void another_key_or_binding_does_not_open(void **state)
{
    (void)state;
    _cleanup_free_ struct file *file = stream_in_memory(100);
    key_bytes[0] ^= 1;
    assert_malformed(file->bytes, file->size);
    key_bytes[0] ^= 1;
    binding[0] ^= 1;
    assert_malformed(file->bytes, file->size);
    binding[0] ^= 1;
    int fd = from_bytes(file->bytes, file->size);
    size_t total;
    assert_ok(read_stream(fd, 64, &total, err));
    close(fd);
}

static void the_key_check_depends_on_key_and_binding(void **state)
{
    (void)state;
    struct chunks chunks;
    uint8_t tag[AEAD_TAG_SIZE], again[AEAD_TAG_SIZE];
    chunks_init(&chunks, -1, "test", slice_of(key_bytes, 32), binding);
    chunks_key_check(&chunks, tag);
    chunks_key_check(&chunks, again);
    assert_memory_equal(tag, again, sizeof tag);
    key_bytes[0] ^= 1;
    chunks_key_check(&chunks, again);
    assert_memory_not_equal(tag, again, sizeof tag);
    key_bytes[0] ^= 1;
    chunks.binding[0] ^= 1;
    chunks_key_check(&chunks, again);
    assert_memory_not_equal(tag, again, sizeof tag);
    chunks_done(&chunks);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct chunks chunks;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    chunks_init(&chunks, fileno(full), "the backup", slice_of(key_bytes, 32), binding);
    assert_refused(chunks_finish(&chunks, err), "base.file-unwritable");
    chunks_done(&chunks);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_every_size_come_back),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(extensions_swaps_and_repetitions_are_found),
        cmocka_unit_test(flipped_bits_are_found),
        cmocka_unit_test(another_key_or_binding_does_not_open),
        cmocka_unit_test(the_key_check_depends_on_key_and_binding),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
