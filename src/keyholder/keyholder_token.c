/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyholder_token.h"

#include <assert.h>

#include "base/memory.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder_private.h"
#include "keyholder/token_uri.h"

/* A self-test signs and decrypts some twenty times, and a key of 4096 bits takes an HSM a minute.
 */
#define SLOW_DEADLINE_MS 120000

unsigned keyholder_token_add(struct keyholder *keyholder, const char *name, int64_t deadline_ms,
                             void (*stuck)(void *context), void *context)
{
    assert(keyholder->seat_count <= KEYHOLDER_TOKENS_MAX && deadline_ms > 0);
    struct keyholder_seat *seat = &keyholder->seats[keyholder->seat_count];
    seat->name = memory_format("token %s", name);
    seat->channels = channels_new(NULL, 0);
    seat->deadline_ms = deadline_ms;
    if (stuck != NULL)
        channels_watch(seat->channels, stuck, context);
    return keyholder->seat_count++;
}

unsigned keyholder_token_named(const struct keyholder *keyholder, const char *name)
{
    for (unsigned i = 1; i < keyholder->seat_count; i++)
        if (strcmp(keyholder->seats[i].name + sizeof "token", name) == 0)
            return i;
    return 0;
}

unsigned keyholder_token_count(const struct keyholder *keyholder)
{
    return keyholder->seat_count - 1;
}

const char *keyholder_token_name(const struct keyholder *keyholder, unsigned token)
{
    assert(token > 0 && token < keyholder->seat_count);
    return keyholder->seats[token].name;
}

void keyholder_token_replace(struct keyholder *keyholder, unsigned token, const int *channels,
                             size_t count)
{
    struct error trouble = {0};
    error_set(&trouble, &keyholder_token_away, NULL, keyholder->seats[token].name,
              "its process was just started, and is being told of its keys");
    places_trouble(keyholder->places, token, &trouble);
    channels_replace(keyholder->seats[token].channels, channels, count);
}

bool keyholder_token_alive(const struct keyholder *keyholder, unsigned token)
{
    return channels_alive(keyholder->seats[token].channels);
}

unsigned keyholder_token_of(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE])
{
    unsigned place;
    places_find(keyholder->places, key_id, &place, NULL);
    return place;
}

bool keyholder_token_failed(const struct error *err)
{
    return err->code != NULL &&
           (err->code == &keyholder_token_away || err->code == &keyholder_token_stuck ||
            strncmp(err->code->name, "token.", strlen("token.")) == 0);
}

bool keyholder_token_has(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE])
{
    unsigned place;
    return !places_find(keyholder->places, key_id, &place, NULL) || place != 0;
}

void keyholder_token_assign(struct keyholder *keyholder, unsigned token,
                            const uint8_t key_id[KEY_ID_SIZE], const struct error *trouble)
{
    places_put(keyholder->places, key_id, token, trouble);
}

static struct keyholder_call call_of(unsigned token, enum keyholder_opcode opcode,
                                     enum key_purpose purpose, struct slice payload)
{
    assert(token > 0);
    return (struct keyholder_call){
        .seat = token, .request = {.opcode = opcode, .purpose = purpose, .payload = payload}};
}

_Static_assert(TOKEN_URI_MAX <= KEYHOLDER_URI_MAX, "a URI that is good fits into a message");

/* Usable from now on. */
static void put_in_place(struct keyholder *keyholder, unsigned token, const struct public_key *key)
{
    places_put(keyholder->places, public_key_digest(key), token, NULL);
}

bool keyholder_token_expect(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                            const char *uri, const struct public_key *key, struct error *err)
{
    _cleanup_buf_ struct buf payload;
    buf_init(&payload, KEYHOLDER_EXPECT_MAX);
    if (!token_uri_check_key(uri, err))
        return false;
    keyholder_message_format_expect(&payload, uri, public_key_spki(key));
    struct keyholder_call call = call_of(token, KEYHOLDER_EXPECT, purpose, buf_slice(&payload));
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    return buf_ok(&payload, "a token's key", err) &&
           keyholder_call(keyholder, &call, bytes, sizeof bytes, err);
}

static bool read_abilities(struct keyholder_abilities *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    out->signatures = reader_u32_le(&reader);
    out->encryptions = reader_u32_le(&reader);
    out->raw = reader_u32_le(&reader);
    return reader_done(&reader) || error_set(err, &keyholder_message, NULL, "keyholder reply",
                                             "%zu bytes say what a key can do", bytes.size);
}

bool keyholder_token_find(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                          const char *uri, struct public_key **key, struct buf *certificate,
                          struct keyholder_abilities *abilities, struct error *err)
{
    struct keyholder_call call = call_of(token, KEYHOLDER_FIND, purpose, slice_from_text(uri));
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    call.deadline_ms = SLOW_DEADLINE_MS;
    if (!token_uri_check_key(uri, err) ||
        !keyholder_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err) ||
        !read_abilities(abilities, call.reply.fields[2], err) ||
        !public_key_parse(key, call.reply.fields[0], err))
        return false;
    buf_append(certificate, call.reply.fields[1]);
    put_in_place(keyholder, token, *key);
    return true;
}

bool keyholder_token_make(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                          enum private_key_kind kind, const char *uri, struct public_key **key,
                          struct error *err)
{
    struct keyholder_call call = call_of(token, KEYHOLDER_MAKE, purpose, slice_from_text(uri));
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    call.request.kind = kind;
    call.deadline_ms = SLOW_DEADLINE_MS;
    if (!token_uri_check_key(uri, err) ||
        !keyholder_call(keyholder, &call, bytes, sizeof bytes, err) ||
        !public_key_parse(key, call.reply.fields[0], err))
        return false;
    put_in_place(keyholder, token, *key);
    return true;
}

bool keyholder_token_unlock(struct keyholder *keyholder, unsigned token, int meeting_fd,
                            struct error *err)
{
    struct keyholder_call call = call_of(token, KEYHOLDER_UNLOCK, 0, SLICE_EMPTY);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    call.deadline_ms = keyholder->slow_deadline_ms;
    keyholder_call_add_descriptor(&call, meeting_fd);
    return keyholder_call(keyholder, &call, bytes, sizeof bytes, err);
}

bool keyholder_token_check(struct keyholder *keyholder, unsigned token, struct buf *label,
                           struct buf *details, struct error *err)
{
    struct keyholder_call call = call_of(token, KEYHOLDER_CHECK, 0, SLICE_EMPTY);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    if (!keyholder_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(label, call.reply.fields[0]);
    buf_append(details, call.reply.fields[1]);
    return true;
}
