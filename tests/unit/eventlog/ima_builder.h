/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IMA's lists under construction, for the tests of eventlog/ima.c. */

#include "base/memory.h"
#include "eventlog/ima.h"
#include "testing.h"

/* A list under construction, and the PCR 10 that it leads to. */
struct list {
    struct buf bytes;
    struct tpm_pcr_bank modern, padded;
};

static inline void begin(struct list *list)
{
    *list = (struct list){.modern = {.algorithm = DIGEST_SHA256, .present = 1u << IMA_PCR},
                          .padded = {.algorithm = DIGEST_SHA256, .present = 1u << IMA_PCR}};
    buf_init(&list->bytes, 64u << 20);
}

static inline void extend(struct tpm_pcr_bank *bank, const uint8_t digest[32])
{
    tpm_pcr_extend(bank, IMA_PCR, slice_of(digest, 32));
}

/* An entry whose fields the digests cover; hashed is what the kernel hashes. */
static inline void append(struct list *list, uint32_t pcr, const char *template,
                          struct slice fields, struct slice hashed, bool is_violation)
{
    struct digest sha1 = {.size = 20}, sha256 = {.size = 32};
    uint8_t padded[32] = {0};
    digest_compute(&sha1, DIGEST_SHA1, hashed);
    digest_compute(&sha256, DIGEST_SHA256, hashed);
    memcpy(padded, sha1.value, 20);
    if (is_violation) {
        memset(sha1.value, 0, 20);
        memset(sha256.value, 0xFF, 32);
        memset(padded, 0xFF, 20);
    }
    buf_append_u32_le(&list->bytes, pcr);
    buf_append_bytes(&list->bytes, sha1.value, 20);
    buf_append_u32_le(&list->bytes, (uint32_t)strlen(template));
    buf_append_text(&list->bytes, template);
    if (strcmp(template, "ima") != 0)
        buf_append_u32_le(&list->bytes, (uint32_t)fields.size);
    buf_append(&list->bytes, fields);
    if (pcr != IMA_PCR)
        return;
    extend(&list->modern, sha256.value);
    extend(&list->padded, padded);
}

static inline void append_field(struct buf *out, struct slice field)
{
    buf_append_u32_le(out, (uint32_t)field.size);
    buf_append(out, field);
}

/* "sha256:" NUL digest of content, then the name with its NUL, then more unless NULL. */
static inline void make_fields(struct buf *out, const char *word, struct slice content,
                               const char *name, const struct slice *more)
{
    uint8_t digest[64] = {0};
    size_t word_size = strlen(word) + 1;
    buf_init(out, 65536);
    memcpy(digest, word, word_size);
    digest_sha256(digest + word_size, content);
    append_field(out, slice_of(digest, word_size + 32));
    append_field(out, slice_of(name, strlen(name) + 1));
    if (more != NULL)
        append_field(out, *more);
}

static inline void append_file(struct list *list, const char *content, const char *name)
{
    _cleanup_buf_ struct buf fields;
    make_fields(&fields, "sha256:", slice_from_text(content), name, NULL);
    append(list, IMA_PCR, "ima-ng", buf_slice(&fields), buf_slice(&fields), false);
}

static inline void append_buffer(struct list *list, const char *name, const char *text)
{
    _cleanup_buf_ struct buf fields;
    struct slice bytes = slice_from_text(text);
    make_fields(&fields, "sha256:", bytes, name, &bytes);
    append(list, IMA_PCR, "ima-buf", buf_slice(&fields), buf_slice(&fields), false);
}

static inline void append_violation(struct list *list, const char *name)
{
    _cleanup_buf_ struct buf fields;
    make_fields(&fields, "sha256:", SLICE_EMPTY, name, NULL);
    append(list, IMA_PCR, "ima-ng", buf_slice(&fields), buf_slice(&fields), true);
}

/* The first template: SHA-1 of the file, its name, which is padded when it is hashed. */
static inline void append_legacy(struct list *list, const char *name)
{
    uint8_t hashed[20 + 256] = {0};
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, 1024);
    memset(hashed, 0x5A, 20);
    memcpy(hashed + 20, name, strlen(name));
    buf_append_bytes(&fields, hashed, 20);
    append_field(&fields, slice_from_text(name));
    append(list, IMA_PCR, "ima", buf_slice(&fields), slice_of(hashed, sizeof hashed), false);
}

static inline struct slice value_of(const struct tpm_pcr_bank *bank)
{
    return slice_of(bank->values[IMA_PCR], 32);
}
