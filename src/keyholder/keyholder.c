/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyholder.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/errors.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder_private.h"

#define DEADLINE_MS 10000
/* A key of 4096 bits takes seconds to find; an import may read slow files. */
#define SLOW_DEADLINE_MS 60000
/* The audit trail and a million hosts. */
#define BACKUP_DEADLINE_MS 900000
/* One of each. */
#define ROLL_REPLY_MAX (2 * KEYHOLDER_SHORT_REPLY_MAX)

struct keyholder *keyholder_new(const int *channels, size_t count)
{
    struct keyholder *keyholder = memory_allocate_zero(1, sizeof *keyholder);
    keyholder->seats[0].channels = channels_new(channels, count);
    keyholder->seats[0].deadline_ms = DEADLINE_MS;
    keyholder->seat_count = 1;
    keyholder->places = places_new();
    keyholder->slow_deadline_ms = SLOW_DEADLINE_MS;
    keyholder->backup_deadline_ms = BACKUP_DEADLINE_MS;
    return keyholder;
}

void keyholder_free(struct keyholder **keyholder)
{
    if (keyholder == NULL || *keyholder == NULL)
        return;
    for (unsigned i = 0; i < (*keyholder)->seat_count; i++) {
        channels_free(&(*keyholder)->seats[i].channels);
        free((*keyholder)->seats[i].name);
    }
    places_free(&(*keyholder)->places);
    free(*keyholder);
    *keyholder = NULL;
}

void keyholder_set_deadline(struct keyholder *keyholder, int64_t milliseconds)
{
    assert(milliseconds > 0);
    keyholder->seats[0].deadline_ms = milliseconds;
}

void keyholder_replace(struct keyholder *keyholder, const int *channels, size_t count)
{
    channels_replace(keyholder->seats[0].channels, channels, count);
}

void keyholder_watch(struct keyholder *keyholder, void (*stuck)(void *context), void *context)
{
    channels_watch(keyholder->seats[0].channels, stuck, context);
}

void keyholder_hold(struct keyholder *keyholder, bool held)
{
    atomic_store(&keyholder->held, held);
}

bool keyholder_alive(const struct keyholder *keyholder)
{
    return channels_alive(keyholder->seats[0].channels) &&
           !atomic_load((atomic_bool *)&keyholder->held);
}

/* Which fields a reply to this request has when it succeeded: bit i for the one of index i. */
static unsigned fields_expected(enum keyholder_opcode opcode)
{
    switch (opcode) {
    case KEYHOLDER_GENERATE:
    case KEYHOLDER_IMPORT:
    case KEYHOLDER_CHECK:
        return 1 | 2;
    case KEYHOLDER_LOAD:
    case KEYHOLDER_SIGN:
    case KEYHOLDER_CHECKPOINT:
    case KEYHOLDER_REQUEST:
    case KEYHOLDER_REFERENCE:
    case KEYHOLDER_MAKE:
        return 1;
    case KEYHOLDER_DECRYPT:
    case KEYHOLDER_DERIVE:
        return 4;
    case KEYHOLDER_ROLL:
    case KEYHOLDER_FIND:
        return 1 | 2 | 4;
    case KEYHOLDER_FORGET:
    case KEYHOLDER_BACKUP:
    case KEYHOLDER_RESTORE:
    case KEYHOLDER_EXPECT:
    case KEYHOLDER_UNLOCK:
        return 0;
    }
    return 0;
}

/* Which of them may be empty: a plaintext, a token's name, a certificate that it does not have. */
static unsigned fields_optional(enum keyholder_opcode opcode)
{
    switch (opcode) {
    case KEYHOLDER_DECRYPT:
    case KEYHOLDER_ROLL:
        return 4;
    case KEYHOLDER_CHECK:
        return 1;
    case KEYHOLDER_FIND:
        return 2;
    default:
        return 0;
    }
}

static bool check_fields(const struct keyholder_reply *reply, enum keyholder_opcode opcode,
                         struct error *err)
{
    unsigned expected = fields_expected(opcode), optional = fields_optional(opcode);
    for (unsigned i = 0; i < KEYHOLDER_REPLY_FIELDS; i++) {
        bool wanted = expected >> i & 1;
        bool filled = reply->fields[i].size > 0;
        if (wanted != filled && (filled || (optional >> i & 1) == 0))
            return error_set(err, &keyholder_message, NULL, "keyholder reply",
                             "field %u of a reply to request %d is not as it should be", i,
                             (int)opcode);
    }
    return true;
}

void keyholder_call_add_descriptor(struct keyholder_call *call, int fd)
{
    assert(fd >= 0 && call->fd_count < KEYHOLDER_REQUEST_DESCRIPTORS_MAX);
    call->fds[call->fd_count++] = fd;
}

static bool permitted(const struct keyholder *keyholder, const struct keyholder_call *call,
                      struct error *err)
{
    return call->seat != 0 || call->request.opcode == KEYHOLDER_LOAD ||
           call->request.opcode == KEYHOLDER_FORGET ||
           call->request.opcode == KEYHOLDER_REFERENCE ||
           !atomic_load((atomic_bool *)&keyholder->held) ||
           error_set(err, &keyholder_away, NULL, "keyholder", "its keys are not loaded yet");
}

/* What is said of some keyholder, said of this token's: such a key is known, only not to the
 * process of now. */
static bool name_token(const struct keyholder_seat *seat, struct error *err)
{
    bool stuck = err->code == &keyholder_stuck;
    if (seat->name == NULL ||
        (!stuck && err->code != &keyholder_away && err->code != &keyholder_key_unknown))
        return false;
    const struct error cause = *err;
    return error_set(err, stuck ? &keyholder_token_stuck : &keyholder_token_away, NULL, seat->name,
                     "the token's process: %s", cause.message);
}

static bool exchange(struct keyholder *keyholder, struct keyholder_call *call, void *bytes,
                     size_t size, struct error *err)
{
    const struct keyholder_seat *seat = &keyholder->seats[call->seat];
    int64_t deadline_ms = call->deadline_ms > 0 ? call->deadline_ms : seat->deadline_ms;
    struct error cause = {0};
    if (channels_exchange(seat->channels, &call->request, call->fds, call->fd_count, deadline_ms,
                          bytes, size, &call->reply, &cause))
        return true;
    name_token(seat, &cause);
    if (err != NULL)
        *err = cause;
    return false;
}

/* Whoever asks for what takes a minute would learn only then that nobody listens. */
static bool listens(struct keyholder *keyholder, const struct keyholder_call *call,
                    struct error *err)
{
    bool is_slow = call->seat == 0 && call->deadline_ms > keyholder->seats[0].deadline_ms;
    return !is_slow || keyholder_answers(keyholder, err);
}

bool keyholder_call(struct keyholder *keyholder, struct keyholder_call *call, void *bytes,
                    size_t size, struct error *err)
{
    bool ok =
        (!call->by_key || places_find(keyholder->places, call->request.key_id, &call->seat, err)) &&
        permitted(keyholder, call, err) && listens(keyholder, call, err) &&
        exchange(keyholder, call, bytes, size, err);
    for (size_t i = 0; i < call->fd_count; i++)
        file_close(&call->fds[i]);
    if (!ok)
        return false;
    if (call->reply.failed) {
        struct error cause = {0};
        keyholder_message_to_error(&call->reply, &cause);
        name_token(&keyholder->seats[call->seat], &cause);
        if (err != NULL)
            *err = cause;
        return false;
    }
    return check_fields(&call->reply, call->request.opcode, err);
}

static struct keyholder_call call_of(enum keyholder_opcode opcode, int64_t deadline_ms)
{
    return (struct keyholder_call){.request.opcode = opcode, .deadline_ms = deadline_ms};
}

static struct keyholder_call key_call_of(enum keyholder_opcode opcode,
                                         const uint8_t key_id[KEY_ID_SIZE])
{
    struct keyholder_call call = {.by_key = true, .request.opcode = opcode};
    memcpy(call.request.key_id, key_id, KEY_ID_SIZE);
    return call;
}

bool keyholder_answers(struct keyholder *keyholder, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_DERIVE, 0);
    struct error why = {0};
    uint8_t payload[KEYHOLDER_EPOCH_SIZE];
    keyholder_message_format_epoch(payload, 0);
    call.request.label = KEYHOLDER_LABEL_USAGE; /* what is cheap; nobody looks at it */
    call.request.payload = slice_of(payload, sizeof payload);
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, KEYHOLDER_SHORT_REPLY_MAX);
    for (unsigned i = 0; i < CHANNELS_SILENT_MAX; i++) {
        if (permitted(keyholder, &call, &why) &&
            exchange(keyholder, &call, bytes.data, bytes.size, &why))
            return true;
        if (why.code != &keyholder_stuck)
            break;
    }
    if (err != NULL)
        *err = why;
    return false;
}

bool keyholder_generate(struct keyholder *keyholder, enum key_purpose purpose,
                        enum private_key_kind kind, struct public_key **public_key,
                        struct buf *sealed, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_GENERATE, keyholder->slow_deadline_ms);
    call.request.purpose = purpose;
    call.request.kind = kind;
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err) ||
        !public_key_parse(public_key, call.reply.fields[0], err))
        return false;
    buf_append(sealed, call.reply.fields[1]);
    return true;
}

bool keyholder_import(struct keyholder *keyholder, enum key_purpose purpose, int meeting_fd,
                      struct buf *certificate, struct buf *sealed, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_IMPORT, keyholder->slow_deadline_ms);
    call.request.purpose = purpose;
    keyholder_call_add_descriptor(&call, meeting_fd);
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err))
        return false;
    buf_append(certificate, call.reply.fields[0]);
    buf_append(sealed, call.reply.fields[1]);
    return true;
}

bool keyholder_load(struct keyholder *keyholder, struct slice sealed,
                    struct public_key **public_key, struct error *err)
{
    if (sealed.size == 0 || sealed.size > KEYHOLDER_SEALED_MAX)
        return error_set(err, &keyholder_sealed, NULL, NULL, "%zu bytes are not a sealed key",
                         sealed.size);
    struct keyholder_call call = call_of(KEYHOLDER_LOAD, 0);
    call.request.payload = sealed;
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    if (!keyholder_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    return public_key == NULL || public_key_parse(public_key, call.reply.fields[0], err);
}

bool keyholder_reference(struct keyholder *keyholder, enum key_purpose purpose,
                         struct slice thumbprint, struct buf *certificate, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_REFERENCE, 0);
    call.request.purpose = purpose;
    call.request.payload = thumbprint;
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err))
        return false;
    if (certificate != NULL)
        buf_append(certificate, call.reply.fields[0]);
    return true;
}

bool keyholder_forget(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                      struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_FORGET, key_id);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    bool forgotten = keyholder_call(keyholder, &call, bytes, sizeof bytes, err);
    places_remove(keyholder->places, key_id);
    return forgotten;
}

bool keyholder_sign(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                    enum signature_algorithm algorithm, struct slice message, struct buf *out,
                    struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_SIGN, key_id);
    struct digest digest;
    digest_compute(&digest, signature_digest(algorithm), message);
    call.request.signature = algorithm;
    call.request.payload = digest_slice(&digest);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    if (!keyholder_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_decrypt(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       enum encryption_algorithm algorithm, struct slice ciphertext,
                       struct secret *out, struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_DECRYPT, key_id);
    if (ciphertext.size == 0 || ciphertext.size > KEYHOLDER_CIPHERTEXT_MAX)
        return error_set(err, &crypto_decryption_failed, NULL, NULL,
                         "no RSA ciphertext has %zu bytes", ciphertext.size);
    call.request.encryption = algorithm;
    call.request.payload = ciphertext;
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, KEYHOLDER_SHORT_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    secret_copy(out, call.reply.fields[2]);
    return true;
}

/* Two keys in two processes: one message each. */
static bool roll_apart(struct keyholder *keyholder, const struct keyholder_roll *roll,
                       struct secret *plaintext, bool *opened, struct buf *signature,
                       struct error *err)
{
    struct error cause = {0};
    _cleanup_secret_ struct secret decrypted = SECRET_EMPTY;
    *opened = keyholder_decrypt(keyholder, roll->decrypting_key_id, roll->encryption,
                                roll->ciphertext, &decrypted, &cause);
    if (!*opened && error_kind(&cause) != ERROR_CRYPTO) {
        if (err != NULL)
            *err = cause;
        return false;
    }
    if (!keyholder_sign(keyholder, roll->signing_key_id, roll->signature, roll->message, signature,
                        err))
        return false;
    *plaintext = decrypted;
    decrypted = SECRET_EMPTY;
    return true;
}

bool keyholder_roll(struct keyholder *keyholder, const struct keyholder_roll *roll,
                    struct secret *plaintext, bool *opened, struct buf *signature,
                    struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_ROLL, roll->decrypting_key_id);
    struct digest digest;
    uint8_t payload[KEYHOLDER_ROLL_MAX];
    if (roll->ciphertext.size == 0 || roll->ciphertext.size > KEYHOLDER_CIPHERTEXT_MAX)
        return error_set(err, &crypto_decryption_failed, NULL, NULL,
                         "no RSA ciphertext has %zu bytes", roll->ciphertext.size);
    unsigned decrypting, signing;
    if (!places_find(keyholder->places, roll->decrypting_key_id, &decrypting, err) ||
        !places_find(keyholder->places, roll->signing_key_id, &signing, err))
        return false;
    if (decrypting != signing)
        return roll_apart(keyholder, roll, plaintext, opened, signature, err);
    digest_compute(&digest, signature_digest(roll->signature), roll->message);
    const struct keyholder_roll_payload parts = {roll->signature, roll->signing_key_id,
                                                 digest_slice(&digest), roll->ciphertext};
    call.request.encryption = roll->encryption;
    call.request.payload = slice_of(payload, keyholder_message_format_roll(payload, &parts));
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, ROLL_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    buf_append(signature, call.reply.fields[0]);
    *opened = call.reply.fields[1].data[0] != 0;
    secret_copy(plaintext, call.reply.fields[2]);
    return true;
}

bool keyholder_request(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       struct slice info, struct buf *out, struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_REQUEST, key_id);
    if (info.size == 0 || info.size > KEYHOLDER_REQUEST_INFO_MAX)
        return error_set(err, &crypto_request_malformed, NULL, NULL,
                         "%zu bytes are too many for a certificate request", info.size);
    call.request.payload = info;
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    if (!keyholder_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_checkpoint(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                          uint64_t sequence, const uint8_t head[32], int64_t time, struct buf *out,
                          struct error *err)
{
    struct keyholder_call call = key_call_of(KEYHOLDER_CHECKPOINT, key_id);
    struct keyholder_checkpoint checkpoint = {.sequence = sequence, .time = time};
    memcpy(checkpoint.head, head, sizeof checkpoint.head);
    uint8_t payload[KEYHOLDER_CHECKPOINT_SIZE];
    keyholder_message_format_checkpoint(payload, &checkpoint);
    call.request.payload = slice_of(payload, sizeof payload);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    if (!keyholder_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_derive(struct keyholder *keyholder, enum keyholder_label label, uint64_t epoch,
                      struct secret *out, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_DERIVE, 0);
    uint8_t payload[KEYHOLDER_EPOCH_SIZE];
    keyholder_message_format_epoch(payload, epoch);
    call.request.label = label;
    call.request.payload = slice_of(payload, sizeof payload);
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, KEYHOLDER_SHORT_REPLY_MAX);
    if (!keyholder_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    if (call.reply.fields[2].size != KEYHOLDER_DERIVED_SIZE)
        return error_set(err, &keyholder_message, NULL, "keyholder reply",
                         "%zu bytes are no derived key", call.reply.fields[2].size);
    secret_copy(out, call.reply.fields[2]);
    return true;
}

bool keyholder_backup(struct keyholder *keyholder, int meeting_fd, int in_fd, struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_BACKUP, keyholder->backup_deadline_ms);
    keyholder_call_add_descriptor(&call, meeting_fd);
    keyholder_call_add_descriptor(&call, in_fd);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    return keyholder_call(keyholder, &call, bytes, sizeof bytes, err);
}

bool keyholder_restore(struct keyholder *keyholder, int meeting_fd, int document_fd,
                       struct error *err)
{
    struct keyholder_call call = call_of(KEYHOLDER_RESTORE, keyholder->backup_deadline_ms);
    keyholder_call_add_descriptor(&call, meeting_fd);
    keyholder_call_add_descriptor(&call, document_fd);
    uint8_t bytes[KEYHOLDER_SHORT_REPLY_MAX];
    return keyholder_call(keyholder, &call, bytes, sizeof bytes, err);
}

static bool sign_with_key(void *context, enum signature_algorithm algorithm, struct slice message,
                          struct buf *out, struct error *err)
{
    const struct keyholder_key *reference = context;
    return keyholder_sign(reference->keyholder, public_key_digest(reference->public_key), algorithm,
                          message, out, err);
}

struct signer keyholder_signer(struct keyholder_key *reference)
{
    return (struct signer){sign_with_key, reference, reference->public_key};
}

static bool sign_request(void *context, enum signature_algorithm algorithm, struct slice message,
                         struct buf *out, struct error *err)
{
    const struct keyholder_key *reference = context;
    (void)algorithm; /* keys that may be requested certificates for are RSA keys */
    return keyholder_request(reference->keyholder, public_key_digest(reference->public_key),
                             message, out, err);
}

struct signer keyholder_request_signer(struct keyholder_key *reference)
{
    return (struct signer){sign_request, reference, reference->public_key};
}
