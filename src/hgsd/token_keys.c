/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/token_keys.h"

#include <stdlib.h>
#include <string.h>

#include "admin/certificate_draft.h"
#include "admin/requested.h"
#include "base/memory.h"

static struct token_key_record *make(const struct store_record *record, const char *uri,
                                     enum keyprotection_certificate_type type,
                                     struct public_key *public_key)
{
    struct token_key_record *key = memory_allocate_zero(1, sizeof *key);
    key->kind = record->kind;
    key->record_key = memory_copy_text(record->key);
    key->uri = memory_copy_text(uri);
    key->purpose = certificate_draft_purpose(type);
    key->key = public_key;
    return key;
}

static struct token_key_record *read_certificate(const struct store_record *record)
{
    struct keyprotection_certificate certificate;
    struct token_key_record *key = NULL;
    if (!keyprotection_certificate_parse(&certificate, record->key, record->value, NULL))
        return NULL;
    if (certificate.key_source == KEYPROTECTION_KEY_TOKEN) {
        const struct public_key *spki = certificate_key(certificate.certificate);
        key = make(record, certificate.key_uri, certificate.type,
                   public_key_ref((struct public_key *)spki));
    }
    keyprotection_certificate_done(&certificate);
    return key;
}

static struct token_key_record *read_request(const struct store_record *record)
{
    _cleanup_requested_ struct requested requested;
    struct public_key *key = NULL;
    requested_init(&requested);
    if (!requested_parse(&requested, record, NULL) || requested.key_uri[0] == '\0' ||
        !public_key_parse(&key, buf_slice(&requested.public_key), NULL))
        return NULL;
    return make(record, requested.key_uri, requested.type, key);
}

struct token_key_record *token_keys_read(const struct store_record *record)
{
    return record->kind == STORE_CERTIFICATE ? read_certificate(record) : read_request(record);
}

void token_keys_free(struct token_key_record *key)
{
    free(key->record_key);
    free(key->uri);
    public_key_free(&key->key);
    free(key);
}

void token_keys_remove(struct token_key_record **first, const struct token_key_record *key)
{
    while (*first != key)
        first = &(*first)->next;
    *first = key->next;
}

static bool is_of(const struct token_key_record *it, const struct public_key *key)
{
    return !it->gone &&
           memcmp(public_key_digest(it->key), public_key_digest(key), KEY_ID_SIZE) == 0;
}

bool token_keys_hold(const struct token_key_record *first, const struct public_key *key)
{
    for (; first != NULL; first = first->next)
        if (is_of(first, key))
            return true;
    return false;
}

bool token_keys_told(const struct token_key_record *first, const struct public_key *key)
{
    for (; first != NULL; first = first->next)
        if (!first->told && is_of(first, key))
            return false;
    return true;
}

struct token_key_record *token_keys_next(struct token_key_record *first, unsigned token,
                                         unsigned round)
{
    for (; first != NULL; first = first->next)
        if (first->token == token && first->round != round && (first->gone || !first->told))
            return first;
    return NULL;
}

void token_keys_tell_again(struct token_key_record *first, unsigned token)
{
    for (; first != NULL; first = first->next)
        if (first->token == token)
            first->told = false;
}

void token_keys_count(const struct token_key_record *first, unsigned token, int64_t *keys,
                      int64_t *told)
{
    *keys = *told = 0;
    for (; first != NULL; first = first->next) {
        if (first->token != token || first->gone)
            continue;
        (*keys)++;
        *told += first->told ? 1 : 0;
    }
}
