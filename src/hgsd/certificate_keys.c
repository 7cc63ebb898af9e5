/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/certificate_keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_proof.h"
#include "admin/hgsd_errors.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "keyholder/keyholder_token.h"

#define FIELDS_MAX 4096

/* A certificate of which something is known. */
struct known {
    struct keyprotection_certificate it;
    bool failed;
    struct error failure;
};

struct certificate_keys {
    struct store *store;
    struct keyholder *keyholder;
    struct audit *audit;
    pthread_mutex_t turn; /* one at a time looks what works: what it read stays true until then */
    pthread_mutex_t lock; /* over what follows; never held while the keyholder is asked */
    struct map *known;    /* name of the record -> struct known */
    bool untried;         /* the keyholder did not answer for some */
};

static void known_free(void *value)
{
    struct known *known = value;
    keyprotection_certificate_done(&known->it);
    free(known);
}

struct certificate_keys *certificate_keys_new(struct store *store, struct keyholder *keyholder,
                                              struct audit *audit)
{
    struct certificate_keys *keys = memory_allocate_zero(1, sizeof *keys);
    keys->store = store;
    keys->keyholder = keyholder;
    keys->audit = audit;
    keys->known = map_new(known_free);
    pthread_mutex_init(&keys->turn, NULL);
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void certificate_keys_free(struct certificate_keys **keys_pointer)
{
    struct certificate_keys *keys = memory_steal(keys_pointer);
    if (keys == NULL)
        return;
    map_free(keys->known);
    pthread_mutex_destroy(&keys->lock);
    pthread_mutex_destroy(&keys->turn);
    free(keys);
}

static struct slice thumbprint_of(const struct keyprotection_certificate *certificate)
{
    return slice_of(certificate_facts(certificate->certificate)->thumbprint, 32);
}

static void tell(const struct certificate_keys *keys, const char *name, const struct error *failure)
{
    struct error err = {0};
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    if (failure != NULL)
        log_error(LOG_LEVEL_ERROR, failure, "the private key of certificate %s does not work",
                  name);
    else
        log_write(LOG_LEVEL_NOTICE, "the private key of certificate %s works again", name);
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    json_write_text(&writer, "object", name);
    if (failure != NULL) {
        json_write_text(&writer, "code", failure->code->name);
        json_write_text(&writer, "where", failure->object);
        json_write_text(&writer, "message", failure->message);
    }
    if (!audit_append(keys->audit, failure != NULL ? "key.unusable" : "key.usable",
                      buf_slice(&fields), NULL, NULL, &err))
        log_error(LOG_LEVEL_WARNING, &err, "the event is not in the audit trail");
}

/* failure NULL: it works. What is news is told. */
static void remember(struct certificate_keys *keys, const char *name,
                     const struct keyprotection_certificate *it, const struct error *failure)
{
    struct known *next = memory_allocate_zero(1, sizeof *next);
    next->it = *it;
    certificate_ref(next->it.certificate);
    next->failed = failure != NULL;
    if (failure != NULL)
        next->failure = *failure;
    pthread_mutex_lock(&keys->lock);
    const struct known *before = map_get(keys->known, slice_from_text(name));
    bool was = before != NULL && before->failed;
    bool news = failure != NULL ? !was || before->failure.code != failure->code : was;
    map_put(keys->known, slice_from_text(name), next);
    pthread_mutex_unlock(&keys->lock);
    if (news)
        tell(keys, name, failure);
}

/* A keyholder that is away tells nothing about a key. */
static bool is_away(const struct error *failure)
{
    return error_kind(failure) == ERROR_UNAVAILABLE;
}

static bool find_file(struct certificate_keys *keys, const struct keyprotection_certificate *it,
                      struct error *failure)
{
    return it->key_source != KEYPROTECTION_KEY_FILE ||
           keyholder_reference(keys->keyholder, certificate_draft_purpose(it->type),
                               thumbprint_of(it), NULL, failure);
}

/* Whether the token can be used is for its own look to tell (hgsd/tokens.h). */
static bool has_token(const struct certificate_keys *keys,
                      const struct keyprotection_certificate *it, struct error *failure)
{
    return keyholder_token_of(keys->keyholder, it->key_id) != 0 ||
           error_set(failure, &hgsd_token_unknown, "hgsd.conf(5)", it->key_uri,
                     "no [token] section of this node has the token of this key");
}

/* False: the keyholder did not answer. */
static bool check(struct certificate_keys *keys, const char *name,
                  const struct keyprotection_certificate *it, struct error *err)
{
    struct error failure = {0};
    bool works =
        it->key_source == KEYPROTECTION_KEY_TOKEN
            ? has_token(keys, it, &failure)
            : find_file(keys, it, &failure) && certificate_proof(it, keys->keyholder, &failure);
    if (!works && is_away(&failure)) {
        *err = failure;
        return false;
    }
    remember(keys, name, it, works ? NULL : &failure);
    return true;
}

static bool load_one(void *context, const struct store_record *record, struct error *err)
{
    struct certificate_keys *keys = context;
    struct keyprotection_certificate it = {0};
    struct error failure = {0};
    /* One that cannot be read is told by the snapshot (keyprotection/snapshot.h). */
    if (!keyprotection_certificate_parse(&it, record->key, record->value, &failure))
        return true;
    bool found = find_file(keys, &it, &failure);
    bool away = !found && is_away(&failure);
    if (away)
        *err = failure;
    else if (!found)
        remember(keys, record->key, &it, &failure);
    keyprotection_certificate_done(&it);
    return !away;
}

static bool load_all(struct certificate_keys *keys, struct error *err)
{
    return store_list(keys->store, STORE_CERTIFICATE, NULL, 0, load_one, keys, NULL, err);
}

bool certificate_keys_load(struct certificate_keys *keys, struct error *err)
{
    pthread_mutex_lock(&keys->turn);
    bool ok = load_all(keys, err);
    pthread_mutex_unlock(&keys->turn);
    return ok;
}

static bool prove_one(void *context, const struct store_record *record, struct error *err)
{
    struct keyprotection_certificate it = {0};
    struct error failure = {0};
    if (!keyprotection_certificate_parse(&it, record->key, record->value, &failure))
        return true;
    bool answered = check(context, record->key, &it, err);
    keyprotection_certificate_done(&it);
    return answered;
}

static void set_untried(struct certificate_keys *keys, bool untried)
{
    pthread_mutex_lock(&keys->lock);
    keys->untried = untried;
    pthread_mutex_unlock(&keys->lock);
}

void certificate_keys_prove(struct certificate_keys *keys)
{
    struct error err = {0};
    pthread_mutex_lock(&keys->turn);
    bool all = store_list(keys->store, STORE_CERTIFICATE, NULL, 0, prove_one, keys, NULL, &err);
    if (!all)
        log_error(LOG_LEVEL_ERROR, &err, "the private keys are not all tested");
    set_untried(keys, !all);
    pthread_mutex_unlock(&keys->turn);
}

void certificate_keys_retry(struct certificate_keys *keys)
{
    size_t position = 0;
    struct slice name;
    void *value;
    pthread_mutex_lock(&keys->lock);
    bool any = keys->untried;
    while (map_next(keys->known, &position, &name, &value))
        any = any || ((const struct known *)value)->failed;
    pthread_mutex_unlock(&keys->lock);
    if (any)
        certificate_keys_prove(keys);
}

static void forget(struct certificate_keys *keys, const char *name)
{
    struct error err = {0};
    uint8_t key_id[KEY_ID_SIZE];
    pthread_mutex_lock(&keys->lock);
    const struct known *known = map_get(keys->known, slice_from_text(name));
    bool is_file = known != NULL && known->it.key_source == KEYPROTECTION_KEY_FILE;
    if (is_file)
        memcpy(key_id, known->it.key_id, sizeof key_id);
    map_remove(keys->known, slice_from_text(name));
    pthread_mutex_unlock(&keys->lock);
    if (!is_file || !keyholder_forget(keys->keyholder, key_id, &err))
        return;
    /* Another certificate may have the same key. */
    if (load_all(keys, &err))
        return;
    log_error(LOG_LEVEL_ERROR, &err, "keys in files are not all loaded again");
    set_untried(keys, true);
}

static bool is_known_to_work(struct certificate_keys *keys, const char *name)
{
    pthread_mutex_lock(&keys->lock);
    const struct known *known = map_get(keys->known, slice_from_text(name));
    bool works = known != NULL && !known->failed;
    pthread_mutex_unlock(&keys->lock);
    return works;
}

static void apply(struct certificate_keys *keys, const struct store_change *change)
{
    struct store_record record = {.kind = change->kind, .key = change->key, .value = change->value};
    struct error err = {0};
    pthread_mutex_lock(&keys->turn);
    if (change->remove)
        forget(keys, change->key);
    else if (!is_known_to_work(keys, change->key) && !prove_one(keys, &record, &err))
        set_untried(keys, true);
    pthread_mutex_unlock(&keys->turn);
}

void certificate_keys_apply(struct certificate_keys *keys, const struct store_change *changes,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_CERTIFICATE)
            apply(keys, &changes[i]);
}

static void describe_one(struct json_writer *writer, const struct known *known)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "type", keyprotection_certificate_type_name(known->it.type));
    json_write_hex(writer, "thumbprint", thumbprint_of(&known->it));
    json_write_error(writer, "error", &known->failure);
    json_write_object_end(writer);
}

void certificate_keys_describe(struct certificate_keys *keys, struct json_writer *writer)
{
    size_t position = 0;
    struct slice name;
    void *value;
    json_write_array(writer, "certificates_unusable");
    pthread_mutex_lock(&keys->lock);
    while (map_next(keys->known, &position, &name, &value))
        if (((const struct known *)value)->failed)
            describe_one(writer, value);
    pthread_mutex_unlock(&keys->lock);
    json_write_array_end(writer);
}
