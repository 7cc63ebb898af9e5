/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

/* Of a key id in hexadecimal, with which a record's name begins. */
#define KEY_ID_DIGITS ((size_t)2 * KEY_ID_SIZE)

struct keys {
    struct store *store;
    struct keyholder *keyholder;
    pthread_mutex_t lock; /* over the two below */
    struct map *failures; /* name of the record -> struct error */
    size_t loaded;
};

struct keys *keys_new(struct store *store, struct keyholder *keyholder)
{
    struct keys *keys = memory_allocate_zero(1, sizeof *keys);
    keys->store = store;
    keys->keyholder = keyholder;
    keys->failures = map_new(free);
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void keys_free(struct keys **keys_pointer)
{
    struct keys *keys = memory_steal(keys_pointer);
    if (keys == NULL)
        return;
    map_free(keys->failures);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

static void remember(struct keys *keys, const char *id, bool ok, const struct error *failure)
{
    pthread_mutex_lock(&keys->lock);
    if (ok) {
        keys->loaded++;
        map_remove(keys->failures, slice_from_text(id));
    } else {
        struct error *copy = memory_allocate(sizeof *copy);
        *copy = *failure;
        map_put(keys->failures, slice_from_text(id), copy);
    }
    pthread_mutex_unlock(&keys->lock);
}

/* A key that does not open is not the end: the service goes on with those that do. */
static bool load(struct keys *keys, const char *id, struct slice sealed, struct error *err)
{
    struct error failure = {0};
    bool ok = keyholder_load(keys->keyholder, sealed, NULL, &failure);
    if (!ok && error_kind(&failure) == ERROR_UNAVAILABLE) {
        *err = failure;
        return false;
    }
    if (!ok)
        log_error(LOG_LEVEL_ERROR, &failure, "cannot load private key %s", id);
    remember(keys, id, ok, &failure);
    return true;
}

static bool load_record(void *context, const struct store_record *record, struct error *err)
{
    return load(context, record->key, record->value, err);
}

bool keys_load_all(struct keys *keys, struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    keys->loaded = 0;
    pthread_mutex_unlock(&keys->lock);
    return store_list(keys->store, STORE_KEY, NULL, 0, load_record, keys, NULL, err);
}

/* A key that serves two types is in the store twice (admin/certificate_key.h), and the keyholder
 * forgets it once: what is left is loaded again. */
struct rest {
    struct keys *keys;
    const char *id;
};

static bool load_rest(void *context, const struct store_record *record, struct error *err)
{
    const struct rest *rest = context;
    return strncmp(record->key, rest->id, KEY_ID_DIGITS) != 0 ||
           keyholder_load(rest->keys->keyholder, record->value, NULL, err);
}

static bool forget(struct keys *keys, const char *id)
{
    struct error err = {0}, kept = {0};
    _cleanup_buf_ struct buf key_id;
    buf_init(&key_id, KEY_ID_SIZE);
    struct slice digits = slice_of(id, strnlen(id, KEY_ID_DIGITS));
    struct rest rest = {keys, id};
    if (!hex_parse(&key_id, digits, &err) || key_id.size != KEY_ID_SIZE)
        return true;
    bool ok = keyholder_forget(keys->keyholder, key_id.data, &kept);
    if (!ok && error_kind(&kept) == ERROR_UNAVAILABLE)
        log_error(LOG_LEVEL_WARNING, &kept, "the keyholder may have private key %s until it ends",
                  id);
    bool again = store_list(keys->store, STORE_KEY, NULL, 0, load_rest, &rest, NULL, &err);
    if (!again)
        log_error(LOG_LEVEL_ERROR, &err, "cannot load private key %s again", id);
    pthread_mutex_lock(&keys->lock);
    map_remove(keys->failures, slice_from_text(id));
    if (ok && keys->loaded > 0)
        keys->loaded--;
    pthread_mutex_unlock(&keys->lock);
    return again || error_kind(&err) != ERROR_UNAVAILABLE;
}

bool keys_apply(struct keys *keys, const struct store_change *changes, size_t count)
{
    struct error err = {0};
    bool answers = true;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind != STORE_KEY)
            continue;
        if (changes[i].remove) {
            answers = forget(keys, changes[i].key) && answers;
        } else if (!load(keys, changes[i].key, changes[i].value, &err)) {
            remember(keys, changes[i].key, false, &err);
            answers = false;
        }
    }
    return answers;
}

void keys_describe(struct keys *keys, struct json_writer *writer)
{
    pthread_mutex_lock(&keys->lock);
    json_write_integer(writer, "keys_loaded", (int64_t)keys->loaded);
    json_write_array(writer, "keys_unusable");
    size_t position = 0;
    struct slice id;
    void *failure;
    while (map_next(keys->failures, &position, &id, &failure)) {
        json_write_object(writer, NULL);
        json_write_slice(writer, "key_id",
                         slice_of(id.data, id.size < KEY_ID_DIGITS ? id.size : KEY_ID_DIGITS));
        json_write_error(writer, "error", failure);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    pthread_mutex_unlock(&keys->lock);
}
