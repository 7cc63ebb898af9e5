/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/backup.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "guest.h"
#include "keyholder/sealed.h"
#include "running.h"

#define PASSWORD slice_from_text("correct horse")
#define REST_SIZE 200000

static const uint8_t here[32] = {1}, there[32] = {2};
#define HERE slice_of(here, sizeof here)
#define THERE slice_of(there, sizeof there)

static struct private_key *keys[2];
static const enum key_purpose purposes[2] = {KEY_PURPOSE_AUDIT, KEY_PURPOSE_GUARDIAN_ENCRYPTION};
static struct buf document; /* sealed with here */
static struct buf backup;   /* of the document */

static int memory_file(struct slice bytes)
{
    int fd = memfd_create("backup", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(file_write_fd(fd, bytes, "memfd", err));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void contents(struct buf *out, int fd)
{
    buf_reset(out);
    lseek(fd, 0, SEEK_SET);
    assert_ok(file_read_fd(out, fd, "memfd", err));
}

static void append_rest(struct buf *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf_append_u8(out, (uint8_t)(i * 7 + i / 1000));
}

static void append_sealed(struct buf *out, struct slice sealing_key, enum key_purpose purpose,
                          const struct private_key *key)
{
    struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    sealed_format(&sealed, sealing_key, purpose, key);
    buf_append_u32_le(out, (uint32_t)sealed.size);
    buf_append(out, buf_slice(&sealed));
    buf_done(&sealed);
}

/* A backup of bytes into out; with the key derivation of every backup. */
static bool create(struct buf *out, struct slice bytes, struct slice password, struct error *err)
{
    _cleanup_fd_ int in = memory_file(bytes);
    _cleanup_fd_ int to = memory_file(SLICE_EMPTY);
    bool ok = backup_create(in, to, HERE, password, err);
    contents(out, to);
    return ok;
}

static bool restore(struct buf *out, struct slice bytes, struct slice password, struct error *err)
{
    _cleanup_fd_ int from = memory_file(bytes);
    _cleanup_fd_ int to = memory_file(SLICE_EMPTY);
    bool ok = backup_restore(from, to, THERE, password, err);
    contents(out, to);
    return ok;
}

static int make_backup(void **state)
{
    (void)state;
    buf_init(&document, 1 << 20);
    buf_init(&backup, 1 << 20);
    assert_ok(private_key_generate(&keys[0], PRIVATE_KEY_P256, err));
    assert_ok(private_key_generate(&keys[1], PRIVATE_KEY_RSA_2048, err));
    buf_append_u32_le(&document, 2);
    for (size_t i = 0; i < 2; i++)
        append_sealed(&document, HERE, purposes[i], keys[i]);
    append_rest(&document, REST_SIZE);
    assert_ok(create(&backup, buf_slice(&document), PASSWORD, err));
    return 0;
}

static int free_backup(void **state)
{
    (void)state;
    private_key_free(&keys[0]);
    private_key_free(&keys[1]);
    buf_done(&document);
    buf_done(&backup);
    return 0;
}

static void check_document(struct slice bytes, struct slice sealing_key)
{
    struct reader reader = reader_of(bytes);
    assert_int_equal(reader_u32_le(&reader), 2);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_private_key_ struct private_key *key = NULL;
        enum key_purpose purpose;
        struct slice sealed = reader_bytes(&reader, reader_u32_le(&reader));
        assert_ok(sealed_parse(&key, &purpose, sealing_key, sealed, err));
        assert_int_equal(purpose, purposes[i]);
        assert_memory_equal(public_key_digest(private_key_public(key)),
                            public_key_digest(private_key_public(keys[i])), KEY_ID_SIZE);
    }
    _cleanup_buf_ struct buf rest;
    buf_init(&rest, REST_SIZE);
    append_rest(&rest, REST_SIZE);
    assert_true(slice_equal(reader.rest, buf_slice(&rest)));
}

static void a_document_comes_back_sealed_for_the_other_cluster(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf restored;
    buf_init(&restored, 1 << 20);
    assert_ok(restore(&restored, buf_slice(&backup), PASSWORD, err));
    check_document(buf_slice(&restored), THERE);
    /* Nothing of it stands in the backup. */
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, keys[1]);
    assert_null(memmem(backup.data, backup.size, pkcs8.data + 100, 16));
    assert_null(memmem(backup.data, backup.size, document.data + document.size - 100, 16));
}

static void small_documents_come_back(void **state)
{
    (void)state;
    for (size_t rest = 0; rest < 2; rest++) {
        _cleanup_buf_ struct buf small, made, restored;
        buf_init(&small, 100);
        buf_init(&made, 1000);
        buf_init(&restored, 1000);
        buf_append_u32_le(&small, 0);
        append_rest(&small, rest);
        assert_ok(create(&made, buf_slice(&small), PASSWORD, err));
        assert_ok(restore(&restored, buf_slice(&made), PASSWORD, err));
        assert_true(slice_equal(buf_slice(&small), buf_slice(&restored)));
    }
}

static void the_password_must_be_right(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf restored;
    buf_init(&restored, 1 << 20);
    static const char *const wrong[] = {"", "correct hors", "correct horse ", "Correct horse"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(restore(&restored, buf_slice(&backup), slice_from_text(wrong[i]), err),
                       "backup.password");
        assert_int_equal(restored.size, 0);
    }
    assert_refused(create(&restored, buf_slice(&document), SLICE_EMPTY, err), "backup.password");
    assert_int_equal(restored.size, 0);
}

/*
 * The header decides alone, before the costly key derivation; so damage behind it is tried with the
 * key at hand.
 */
static struct secret backup_key_of(const struct buf *file)
{
    struct backup_header header;
    assert_ok(backup_parse_header(&header, slice_of(file->data, BACKUP_HEADER_SIZE), err));
    struct secret key = SECRET_EMPTY;
    assert_ok(kdf_scrypt(&key, PASSWORD, slice_of(header.salt, sizeof header.salt), 1 << 16, 8, 1,
                         32, err));
    return key;
}

static bool read_behind_header(struct slice bytes, const struct secret *key, struct error *err)
{
    uint8_t binding[32];
    digest_sha256(binding, slice_of(backup.data, BACKUP_HEADER_SIZE));
    _cleanup_fd_ int from = memory_file(bytes);
    _cleanup_fd_ int to = memory_file(SLICE_EMPTY);
    _cleanup_chunks_ struct chunks chunks;
    chunks_init(&chunks, from, "test", secret_slice(key), binding);
    return backup_read_document(&chunks, to, THERE, err);
}

#define CHUNKS_AT (BACKUP_HEADER_SIZE + AEAD_TAG_SIZE)
#define SEALED_CHUNK (4 + CHUNKS_PLAIN + AEAD_TAG_SIZE)

static void every_cut_is_found(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf restored;
    buf_init(&restored, 1 << 20);
    for (size_t size = 0; size < CHUNKS_AT; size++)
        assert_refused(restore(&restored, slice_of(backup.data, size), PASSWORD, err),
                       "backup.malformed");
    _cleanup_secret_ struct secret key = backup_key_of(&backup);
    struct slice chunks = {backup.data + CHUNKS_AT, backup.size - CHUNKS_AT};
    assert_ok(read_behind_header(chunks, &key, err));
    for (size_t size = 0; size < chunks.size; size += 1000)
        assert_refused(read_behind_header(slice_of(chunks.data, size), &key, err),
                       "backup.malformed");
    for (size_t size = 0; size < chunks.size; size += SEALED_CHUNK)
        for (size_t around = size < 3 ? 0 : size - 3; around < size + 6; around++)
            assert_refused(read_behind_header(slice_of(chunks.data, around), &key, err),
                           "backup.malformed");
    /* Through the front door, too. */
    for (size_t chunk = 0; chunk < 4; chunk++)
        assert_refused(restore(&restored, slice_of(backup.data, CHUNKS_AT + chunk * SEALED_CHUNK),
                               PASSWORD, err),
                       "backup.malformed");
}

static void flipped_bytes_are_found(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf restored;
    buf_init(&restored, 1 << 20);
    for (size_t at = 0; at < BACKUP_HEADER_SIZE - BACKUP_SALT_SIZE; at++) {
        const char *code = at >= 10 && at < 14 ? NULL : "backup.malformed";
        backup.data[at] ^= 0x40;
        if (code == NULL)
            code = "backup.newer";
        assert_refused(restore(&restored, buf_slice(&backup), PASSWORD, err), code);
        backup.data[at] ^= 0x40;
    }
    static const size_t salt_and_check[] = {26, 57, 58, 73};
    for (size_t i = 0; i < 4; i++) {
        backup.data[salt_and_check[i]] ^= 1;
        assert_refused(restore(&restored, buf_slice(&backup), PASSWORD, err), "backup.password");
        backup.data[salt_and_check[i]] ^= 1;
    }
    _cleanup_secret_ struct secret key = backup_key_of(&backup);
    struct slice chunks = {backup.data + CHUNKS_AT, backup.size - CHUNKS_AT};
    for (size_t at = 0; at < chunks.size; at = at < 100 ? at + 1 : at + 1777) {
        backup.data[CHUNKS_AT + at] ^= 1;
        assert_refused(read_behind_header(chunks, &key, err), "backup.malformed");
        backup.data[CHUNKS_AT + at] ^= 1;
    }
    buf_append_u8(&backup, 0);
    assert_refused(restore(&restored, buf_slice(&backup), PASSWORD, err), "backup.malformed");
    backup.size--;
}

static void the_header_is_checked(void **state)
{
    (void)state;
    uint8_t bytes[BACKUP_HEADER_SIZE];
    struct backup_header header = {.scrypt_log2_n = 15, .salt = {3, [31] = 4}}, got;
    backup_format_header(bytes, &header);
    assert_memory_equal(bytes, "HGSBACKUP\n\1\0\0\0\17\0\0\0\10\0\0\0\1\0\0\0\3", 27);
    assert_ok(backup_parse_header(&got, slice_of(bytes, sizeof bytes), err));
    assert_int_equal(got.scrypt_log2_n, 15);
    assert_memory_equal(got.salt, header.salt, sizeof got.salt);
    static const struct {
        size_t at;
        uint8_t value;
        const char *code;
    } samples[] = {
        {0, 'h', "backup.malformed"},  {10, 0, "backup.malformed"},  {10, 2, "backup.newer"},
        {13, 0x80, "backup.newer"},    {14, 13, "backup.malformed"}, {14, 18, "backup.malformed"},
        {17, 1, "backup.malformed"},   {18, 9, "backup.malformed"},  {22, 0, "backup.malformed"},
        {22, 255, "backup.malformed"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        uint8_t kept = bytes[samples[i].at];
        bytes[samples[i].at] = samples[i].value;
        assert_refused(backup_parse_header(&got, slice_of(bytes, sizeof bytes), err),
                       samples[i].code);
        bytes[samples[i].at] = kept;
    }
    /* A newer one may have a header of any length behind its version. */
    bytes[10] = 2;
    assert_refused(backup_parse_header(&got, slice_of(bytes, 14), err), "backup.newer");
}

static void refused_document(const struct buf *bad, const char *code)
{
    _cleanup_buf_ struct buf made;
    buf_init(&made, 1 << 20);
    assert_refused(create(&made, buf_slice(bad), PASSWORD, err), code);
}

static void documents_must_begin_with_keys_of_this_cluster(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bad;
    buf_init(&bad, 1 << 20);
    refused_document(&bad, "backup.malformed"); /* empty */
    buf_append_u32_le(&bad, 257);
    refused_document(&bad, "backup.malformed");
    buf_reset(&bad);
    buf_append_u32_le(&bad, 1);
    refused_document(&bad, "backup.malformed"); /* no key follows */
    buf_append_u32_le(&bad, KEYHOLDER_SEALED_MAX + 1);
    refused_document(&bad, "backup.malformed");
    buf_reset(&bad);
    buf_append_u32_le(&bad, 1);
    buf_append_u32_le(&bad, 100);
    append_rest(&bad, 99);
    refused_document(&bad, "backup.malformed");
    append_rest(&bad, 1);
    refused_document(&bad, "keyholder.sealed");
    buf_reset(&bad);
    buf_append_u32_le(&bad, 1);
    append_sealed(&bad, THERE, purposes[0], keys[0]);
    refused_document(&bad, "keyholder.sealed");
}

/* A stream of which everything is authentic but not what it should be. */
static void refused_plaintext(const struct buf *plain, const char *code)
{
    static const uint8_t binding[32] = {5};
    _cleanup_fd_ int fd = memory_file(SLICE_EMPTY);
    _cleanup_fd_ int to = memory_file(SLICE_EMPTY);
    struct chunks chunks;
    chunks_init(&chunks, fd, "test", HERE, binding);
    assert_ok(chunks_write(&chunks, buf_slice(plain), err));
    assert_ok(chunks_finish(&chunks, err));
    chunks_done(&chunks);
    lseek(fd, 0, SEEK_SET);
    chunks_init(&chunks, fd, "test", HERE, binding);
    assert_refused(backup_read_document(&chunks, to, THERE, err), code);
    chunks_done(&chunks);
}

static void what_is_inside_is_checked_too(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, keys[0]);
    _cleanup_buf_ struct buf plain;
    buf_init(&plain, 1 << 16);
    refused_plaintext(&plain, "backup.malformed");
    buf_append_u32_le(&plain, 257);
    refused_plaintext(&plain, "backup.malformed");
    static const struct {
        uint32_t purpose, size;
        const char *code;
    } samples[] = {
        {KEY_PURPOSE_AUDIT, 0, "backup.malformed"},
        {KEY_PURPOSE_AUDIT, KEYHOLDER_SEALED_MAX + 1, "backup.malformed"},
        {KEY_PURPOSE_AUDIT, 4000, "backup.malformed"},
        {KEY_PURPOSE_AUDIT, 10, "crypto.key-malformed"},
        {0, 10, "backup.malformed"},
        {6, 10, "backup.malformed"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        buf_reset(&plain);
        buf_append_u32_le(&plain, 1);
        buf_append_u32_le(&plain, samples[i].purpose);
        buf_append_u32_le(&plain, samples[i].size);
        buf_append(&plain, secret_slice(&pkcs8));
        refused_plaintext(&plain, samples[i].code);
    }
    buf_reset(&plain);
    buf_append_u32_le(&plain, 1);
    buf_append_u32_le(&plain, KEY_PURPOSE_GUARDIAN_SIGNING); /* a P-256 key */
    buf_append_u32_le(&plain, (uint32_t)pkcs8.size);
    buf_append(&plain, secret_slice(&pkcs8));
    refused_plaintext(&plain, "crypto.key-unsupported");
}

/* Through real processes: from one cluster to another. */
static int open_permit(const struct running *running)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", running->folder, KEYHOLDER_PERMIT_FILE);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* permit and out are taken over. */
static bool back_up(const struct running *running, int permit, struct slice content,
                    struct slice password, int out, struct error *err)
{
    struct guest guest;
    struct meeting files = MEETING_NONE;
    files.fds[MEETING_PERMIT] = permit;
    files.fds[MEETING_PASSWORD] = memory_file(password);
    files.fds[MEETING_BACKUP] = out;
    int meeting = guest_come(&guest, KEYHOLDER_BACKUP, files, running->pid);
    bool done = keyholder_backup(running->keyholder, meeting, memory_file(content), err);
    assert_true(guest_go(&guest));
    return done;
}

static bool restore_into(const struct running *running, int from, struct slice password, int to,
                         struct error *err)
{
    struct guest guest;
    struct meeting files = MEETING_NONE;
    files.fds[MEETING_PASSWORD] = memory_file(password);
    files.fds[MEETING_BACKUP] = from;
    int meeting = guest_come(&guest, KEYHOLDER_RESTORE, files, running->pid);
    bool done = keyholder_restore(running->keyholder, meeting, to, err);
    assert_true(guest_go(&guest));
    return done;
}

static void keys_move_from_process_to_process(void **state)
{
    (void)state;
    struct running from, to;
    running_start(&from, 2);
    running_start(&to, 2);
    _cleanup_buf_ struct buf sealed, moving, restored;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&moving, 100000);
    buf_init(&restored, 100000);
    _cleanup_public_key_ struct public_key *key =
        running_key(&from, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, &sealed);
    buf_append_u32_le(&moving, 1);
    buf_append_u32_le(&moving, (uint32_t)sealed.size);
    buf_append(&moving, buf_slice(&sealed));
    append_rest(&moving, 70000);

    _cleanup_fd_ int file = memory_file(SLICE_EMPTY);
    struct slice with_newline = slice_from_text("correct horse\n");
    assert_ok(back_up(&from, open_permit(&from), buf_slice(&moving), with_newline, dup(file), err));
    lseek(file, 0, SEEK_SET);
    _cleanup_fd_ int result = memory_file(SLICE_EMPTY);
    assert_refused(restore_into(&to, dup(file), slice_from_text("wrong"), dup(result), err),
                   "backup.password");
    lseek(file, 0, SEEK_SET);
    assert_ok(restore_into(&to, dup(file), PASSWORD, dup(result), err));
    contents(&restored, result);
    struct reader reader = reader_of(buf_slice(&restored));
    assert_int_equal(reader_u32_le(&reader), 1);
    struct slice resealed = reader_bytes(&reader, reader_u32_le(&reader));
    assert_int_equal(reader.rest.size, 70000);
    _cleanup_public_key_ struct public_key *moved = NULL;
    assert_ok(keyholder_load(to.keyholder, resealed, &moved, err));
    assert_memory_equal(public_key_digest(moved), public_key_digest(key), KEY_ID_SIZE);
    running_stop(&from);
    running_stop(&to);
}

static void no_backup_without_permit(void **state)
{
    (void)state;
    struct running running, other;
    running_start(&running, 1);
    running_start(&other, 1);
    struct slice empty = slice_of("\0\0\0\0", 4);
    int permits[] = {-1, open("/dev/null", O_RDONLY | O_CLOEXEC), -1};
    struct public_key *key = running_key(&other, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    public_key_free(&key); /* it only told us that the process is ready, and its folder made */
    key = running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    public_key_free(&key);
    permits[2] = open_permit(&other);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_fd_ int out = memory_file(SLICE_EMPTY);
        assert_refused(back_up(&running, permits[i], empty, PASSWORD, dup(out), err),
                       "keyholder.permit");
        assert_int_equal(lseek(out, 0, SEEK_END), 0);
    }
    _cleanup_fd_ int out = memory_file(SLICE_EMPTY);
    assert_refused(back_up(&running, open_permit(&running), empty, SLICE_EMPTY, dup(out), err),
                   "backup.password");
    assert_ok(back_up(&running, open_permit(&running), empty, PASSWORD, dup(out), err));
    running_stop(&running);
    running_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_comes_back_sealed_for_the_other_cluster),
        cmocka_unit_test(small_documents_come_back),
        cmocka_unit_test(the_password_must_be_right),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(flipped_bytes_are_found),
        cmocka_unit_test(the_header_is_checked),
        cmocka_unit_test(documents_must_begin_with_keys_of_this_cluster),
        cmocka_unit_test(what_is_inside_is_checked_too),
        cmocka_unit_test(keys_move_from_process_to_process),
        cmocka_unit_test(no_backup_without_permit),
    };
    return cmocka_run_group_tests(tests, make_backup, free_backup);
}
