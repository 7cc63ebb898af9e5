/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/backup.h"

#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "keyholder/errors.h"
#include "keyholder/purpose.h"
#include "keyholder/sealed.h"
#include "keyholder/stream.h"

static const char magic[] = "HGSBACKUP\n";
#define MAGIC_SIZE (sizeof magic - 1)

#define SCRYPT_LOG2_N 16 /* 64 MiB, about a fifth of a second */
#define SCRYPT_LOG2_N_MIN 14
#define SCRYPT_LOG2_N_MAX 17
#define SCRYPT_R 8
#define SCRYPT_P 1
#define PKCS8_MAX KEYHOLDER_SEALED_MAX

static const char backup_name[] = "the backup";
static const char document_name[] = "the document";

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &backup_malformed, NULL, backup_name, "%s", what);
}

bool backup_parse_header(struct backup_header *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct slice found = reader_bytes(&reader, MAGIC_SIZE);
    uint32_t version = reader_u32_le(&reader);
    if (reader.failed || memcmp(found.data, magic, MAGIC_SIZE) != 0)
        return malformed(err, "does not begin like a backup of this project");
    if (version > BACKUP_VERSION)
        return error_set(err, &backup_newer, NULL, backup_name,
                         "is of version %u; this program reads up to version %d", version,
                         BACKUP_VERSION);
    if (version != BACKUP_VERSION)
        return malformed(err, "is of version 0, which does not exist");

    struct backup_header header = {.scrypt_log2_n = reader_u32_le(&reader)};
    uint32_t r = reader_u32_le(&reader);
    uint32_t p = reader_u32_le(&reader);
    struct slice salt = reader_bytes(&reader, BACKUP_SALT_SIZE);
    if (!reader_done(&reader))
        return malformed(err, "is cut within its header");
    if (header.scrypt_log2_n < SCRYPT_LOG2_N_MIN || header.scrypt_log2_n > SCRYPT_LOG2_N_MAX ||
        r != SCRYPT_R || p != SCRYPT_P)
        return malformed(err, "has parameters of scrypt that no version wrote");
    memcpy(header.salt, salt.data, BACKUP_SALT_SIZE);
    *out = header;
    return true;
}

void backup_format_header(uint8_t out[BACKUP_HEADER_SIZE], const struct backup_header *header)
{
    struct buf bytes;
    buf_init(&bytes, BACKUP_HEADER_SIZE);
    buf_append_text(&bytes, magic);
    buf_append_u32_le(&bytes, BACKUP_VERSION);
    buf_append_u32_le(&bytes, header->scrypt_log2_n);
    buf_append_u32_le(&bytes, SCRYPT_R);
    buf_append_u32_le(&bytes, SCRYPT_P);
    buf_append_bytes(&bytes, header->salt, BACKUP_SALT_SIZE);
    memcpy(out, bytes.data, BACKUP_HEADER_SIZE);
    buf_done(&bytes);
}

static bool derive(struct secret *key, const struct backup_header *header, struct slice password,
                   struct error *err)
{
    return kdf_scrypt(key, password, slice_of(header->salt, BACKUP_SALT_SIZE),
                      (uint64_t)1 << header->scrypt_log2_n, SCRYPT_R, SCRYPT_P, AEAD_KEY_SIZE, err);
}

/* The next four bytes of a document; *out is how many keys, or a size. */
static bool read_u32(uint32_t *out, int fd, struct error *err)
{
    uint8_t bytes[4];
    size_t got;
    if (!stream_read(fd, bytes, sizeof bytes, &got, document_name, err))
        return false;
    struct reader reader = reader_of(slice_of(bytes, got));
    *out = reader_u32_le(&reader);
    return !reader.failed ||
           error_set(err, &backup_malformed, NULL, document_name, "ends within its list of keys");
}

static bool write_u32(struct chunks *chunks, uint32_t value, struct error *err)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    return chunks_write(chunks, slice_of(bytes, sizeof bytes), err);
}

static bool read_sealed(struct buf *sealed, int fd, struct error *err)
{
    uint32_t size;
    size_t got;
    if (!read_u32(&size, fd, err))
        return false;
    buf_reset(sealed);
    if (size > KEYHOLDER_SEALED_MAX)
        return error_set(err, &backup_malformed, NULL, document_name,
                         "has a sealed key of %u bytes", size);
    if (!stream_read(fd, buf_reserve(sealed, size), size, &got, document_name, err))
        return false;
    buf_added(sealed, got);
    return got == size ||
           error_set(err, &backup_malformed, NULL, document_name, "ends within its list of keys");
}

/* One sealed key of the document goes, in the clear, into the encrypted stream. */
static bool write_key(struct chunks *chunks, struct slice sealed, struct slice sealing_key,
                      struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose;
    if (!sealed_parse(&key, &purpose, sealing_key, sealed, err))
        return false;
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, key);
    return write_u32(chunks, (uint32_t)purpose, err) &&
           write_u32(chunks, (uint32_t)pkcs8.size, err) &&
           chunks_write(chunks, secret_slice(&pkcs8), err);
}

static bool write_rest(struct chunks *chunks, int in_fd, struct error *err)
{
    _cleanup_secret_ struct secret portion = SECRET_EMPTY;
    secret_init(&portion, CHUNKS_PLAIN);
    size_t got = portion.size;
    while (got == portion.size) {
        if (!stream_read(in_fd, portion.data, portion.size, &got, document_name, err) ||
            !chunks_write(chunks, slice_of(portion.data, got), err))
            return false;
    }
    return true;
}

bool backup_write_document(struct chunks *chunks, int in_fd, struct slice sealing_key,
                           struct error *err)
{
    uint32_t count;
    if (!read_u32(&count, in_fd, err))
        return false;
    if (count > BACKUP_KEYS_MAX)
        return error_set(err, &backup_malformed, NULL, document_name,
                         "has %u keys; at most %d are allowed", count, BACKUP_KEYS_MAX);
    if (!write_u32(chunks, count, err))
        return false;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (!read_sealed(&sealed, in_fd, err) ||
            !write_key(chunks, buf_slice(&sealed), sealing_key, err))
            return false;
    return write_rest(chunks, in_fd, err) && chunks_finish(chunks, err);
}

/* Begins the chunks of a backup with this header. */
static void bind_chunks(struct chunks *chunks, int fd, struct slice key,
                        const uint8_t header[BACKUP_HEADER_SIZE])
{
    uint8_t binding[CHUNKS_BINDING_SIZE];
    digest_sha256(binding, slice_of(header, BACKUP_HEADER_SIZE));
    chunks_init(chunks, fd, backup_name, key, binding);
}

bool backup_create(int in_fd, int out_fd, struct slice sealing_key, struct slice password,
                   struct error *err)
{
    if (password.size == 0)
        return error_set(err, &backup_password, NULL, backup_name,
                         "the password is empty; a backup holds private keys and needs one");
    struct backup_header header = {.scrypt_log2_n = SCRYPT_LOG2_N};
    random_bytes(header.salt, sizeof header.salt);
    uint8_t bytes[BACKUP_HEADER_SIZE], tag[AEAD_TAG_SIZE];
    backup_format_header(bytes, &header);
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    if (!derive(&key, &header, password, err))
        return false;
    _cleanup_chunks_ struct chunks chunks;
    bind_chunks(&chunks, out_fd, secret_slice(&key), bytes);
    chunks_key_check(&chunks, tag);
    return file_write_fd(out_fd, slice_of(bytes, sizeof bytes), backup_name, err) &&
           file_write_fd(out_fd, slice_of(tag, sizeof tag), backup_name, err) &&
           backup_write_document(&chunks, in_fd, sealing_key, err);
}

/* size bytes of the plaintext, where the list of keys must still go on. */
static bool take(struct chunks *chunks, void *to, size_t size, struct error *err)
{
    size_t got;
    if (!chunks_read(chunks, to, size, &got, err))
        return false;
    return got == size || malformed(err, "ends within its list of keys");
}

static bool take_u32(uint32_t *out, struct chunks *chunks, struct error *err)
{
    uint8_t bytes[4];
    if (!take(chunks, bytes, sizeof bytes, err))
        return false;
    struct reader reader = reader_of(slice_of(bytes, sizeof bytes));
    *out = reader_u32_le(&reader);
    return true;
}

/* A key of the stream, opened; its purpose is checked like that of a key that is imported. */
static bool take_key(struct private_key **key, enum key_purpose *purpose, struct chunks *chunks,
                     struct error *err)
{
    uint32_t number, size;
    if (!take_u32(&number, chunks, err) || !take_u32(&size, chunks, err))
        return false;
    if (size == 0 || size > PKCS8_MAX)
        return malformed(err, "holds a key of an impossible size");
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    secret_init(&pkcs8, size);
    if (!take(chunks, pkcs8.data, size, err))
        return false;
    if (purpose_name((enum key_purpose)number) == NULL)
        return malformed(err, "holds a key of an unknown purpose");
    *purpose = (enum key_purpose)number;
    return private_key_parse(key, secret_slice(&pkcs8), err);
}

static bool restore_key(struct chunks *chunks, int document_fd, struct slice sealing_key,
                        struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose;
    if (!take_key(&key, &purpose, chunks, err) ||
        !purpose_check_key(purpose, private_key_public(key), err))
        return false;
    _cleanup_buf_ struct buf sealed, framed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&framed, KEYHOLDER_SEALED_MAX + 4);
    sealed_format(&sealed, sealing_key, purpose, key);
    buf_append_u32_le(&framed, (uint32_t)sealed.size);
    buf_append(&framed, buf_slice(&sealed));
    return buf_ok(&sealed, "a sealed key", err) &&
           file_write_fd(document_fd, buf_slice(&framed), document_name, err);
}

/* Reads to the authentic end. */
static bool restore_rest(struct chunks *chunks, int document_fd, struct error *err)
{
    _cleanup_secret_ struct secret portion = SECRET_EMPTY;
    secret_init(&portion, CHUNKS_PLAIN);
    size_t got = portion.size;
    while (got == portion.size) {
        if (!chunks_read(chunks, portion.data, portion.size, &got, err) ||
            !file_write_fd(document_fd, slice_of(portion.data, got), document_name, err))
            return false;
    }
    return true;
}

bool backup_read_document(struct chunks *chunks, int document_fd, struct slice sealing_key,
                          struct error *err)
{
    uint32_t count;
    if (!take_u32(&count, chunks, err))
        return false;
    if (count > BACKUP_KEYS_MAX)
        return malformed(err, "holds more keys than a backup may");
    uint8_t bytes[4] = {(uint8_t)count, (uint8_t)(count >> 8), 0, 0};
    if (!file_write_fd(document_fd, slice_of(bytes, sizeof bytes), document_name, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!restore_key(chunks, document_fd, sealing_key, err))
            return false;
    return restore_rest(chunks, document_fd, err);
}

bool backup_restore(int backup_fd, int document_fd, struct slice sealing_key, struct slice password,
                    struct error *err)
{
    uint8_t bytes[BACKUP_HEADER_SIZE], tag[AEAD_TAG_SIZE], expected[AEAD_TAG_SIZE];
    size_t got;
    struct backup_header header;
    if (!stream_read(backup_fd, bytes, sizeof bytes, &got, backup_name, err) ||
        !backup_parse_header(&header, slice_of(bytes, got), err) ||
        !stream_read(backup_fd, tag, sizeof tag, &got, backup_name, err))
        return false;
    if (got != sizeof tag)
        return malformed(err, "is cut within its header");
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    if (!derive(&key, &header, password, err))
        return false;
    _cleanup_chunks_ struct chunks chunks;
    bind_chunks(&chunks, backup_fd, secret_slice(&key), bytes);
    chunks_key_check(&chunks, expected);
    if (!secret_equal(slice_of(tag, sizeof tag), slice_of(expected, sizeof expected)))
        return error_set(err, &backup_password, NULL, backup_name,
                         "the password does not open it, or its header was altered");
    return backup_read_document(&chunks, document_fd, sealing_key, err);
}
