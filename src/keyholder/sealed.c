/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/sealed.h"

#include <assert.h>

#include "base/hex.h"
#include "base/memory.h"
#include "crypto/aead.h"
#include "keyholder/errors.h"
#include "keyholder/purpose.h"

static const char magic[] = "HGS-KEY\n";
#define MAGIC_SIZE (sizeof magic - 1)
#define VERSION 1

void sealed_format(struct buf *out, struct slice sealing_key, enum key_purpose purpose,
                   const struct private_key *key)
{
    struct buf header;
    buf_init(&header, SEALED_HEADER_SIZE);
    buf_append_text(&header, magic);
    buf_append_u32_le(&header, VERSION);
    buf_append_u32_le(&header, (uint32_t)purpose);
    buf_append_bytes(&header, public_key_digest(private_key_public(key)), KEY_ID_SIZE);
    assert(header.size == SEALED_HEADER_SIZE);

    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, key);
    buf_append(out, buf_slice(&header));
    aead_seal(out, sealing_key, buf_slice(&header), secret_slice(&pkcs8));
    buf_done(&header);
}

struct header {
    uint32_t version;
    uint32_t purpose;
    struct slice key_id;
    struct slice associated; /* the header itself */
    struct slice encrypted;
};

static bool parse_header(struct header *out, struct slice sealed, struct error *err)
{
    struct reader reader = reader_of(sealed);
    struct slice found = reader_bytes(&reader, MAGIC_SIZE);
    out->version = reader_u32_le(&reader);
    out->purpose = reader_u32_le(&reader);
    out->key_id = reader_bytes(&reader, KEY_ID_SIZE);
    if (reader.failed || sealed.size > KEYHOLDER_SEALED_MAX ||
        memcmp(found.data, magic, MAGIC_SIZE) != 0)
        return error_set(err, &keyholder_sealed, NULL, NULL, "%zu bytes are not a sealed key",
                         sealed.size);
    if (out->version != VERSION)
        return error_set(err, &keyholder_sealed, NULL, NULL,
                         "the sealed key is of version %u; this program knows version %u",
                         out->version, VERSION);
    out->associated = slice_of(sealed.data, SEALED_HEADER_SIZE);
    out->encrypted = reader.rest;
    return true;
}

bool sealed_parse(struct private_key **key, enum key_purpose *purpose, struct slice sealing_key,
                  struct slice sealed, struct error *err)
{
    struct header header;
    if (!parse_header(&header, sealed, err))
        return false;
    char name[2 * KEY_ID_SIZE + 1];
    hex_format(header.key_id, name);

    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    if (!aead_open(&pkcs8, sealing_key, header.associated, header.encrypted, NULL))
        return error_set(err, &keyholder_sealed, NULL, name,
                         "the sealed key was damaged, or sealed with another cluster key");
    _cleanup_private_key_ struct private_key *opened = NULL;
    if (!private_key_parse(&opened, secret_slice(&pkcs8), err))
        return false;
    const struct public_key *public_key = private_key_public(opened);
    if (memcmp(public_key_digest(public_key), header.key_id.data, KEY_ID_SIZE) != 0)
        return error_set(err, &keyholder_sealed, NULL, name,
                         "the sealed key holds another key than it says");
    if (!purpose_check_key((enum key_purpose)header.purpose, public_key, err))
        return false;
    *key = memory_steal(&opened);
    *purpose = (enum key_purpose)header.purpose;
    return true;
}
