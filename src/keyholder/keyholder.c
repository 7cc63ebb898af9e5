/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyholder.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/errors.h"
#include "keyholder/channels.h"
#include "keyholder/errors.h"
#include "keyholder/message.h"

#define DEADLINE_MS 10000
/* A key of 4096 bits takes seconds to find; an import may read slow files. */
#define SLOW_DEADLINE_MS 60000
/* The audit trail and a million hosts. */
#define BACKUP_DEADLINE_MS 900000
/* The largest reply of those that carry one signature, one plaintext or an error. */
#define SHORT_REPLY_MAX 2048
/* One of each. */
#define ROLL_REPLY_MAX (2 * SHORT_REPLY_MAX)

struct keyholder {
    struct channels *channels;
    atomic_bool held;
    int64_t deadline_ms;
    int64_t slow_deadline_ms;
    int64_t backup_deadline_ms;
};

struct keyholder *keyholder_new(const int *channels, size_t count)
{
    struct keyholder *keyholder = memory_allocate_zero(1, sizeof *keyholder);
    keyholder->channels = channels_new(channels, count);
    keyholder->deadline_ms = DEADLINE_MS;
    keyholder->slow_deadline_ms = SLOW_DEADLINE_MS;
    keyholder->backup_deadline_ms = BACKUP_DEADLINE_MS;
    return keyholder;
}

void keyholder_free(struct keyholder **keyholder)
{
    if (keyholder == NULL || *keyholder == NULL)
        return;
    channels_free(&(*keyholder)->channels);
    free(*keyholder);
    *keyholder = NULL;
}

void keyholder_set_deadline(struct keyholder *keyholder, int64_t milliseconds)
{
    assert(milliseconds > 0);
    keyholder->deadline_ms = milliseconds;
}

void keyholder_replace(struct keyholder *keyholder, const int *channels, size_t count)
{
    channels_replace(keyholder->channels, channels, count);
}

void keyholder_watch(struct keyholder *keyholder, void (*stuck)(void *context), void *context)
{
    channels_watch(keyholder->channels, stuck, context);
}

void keyholder_hold(struct keyholder *keyholder, bool held)
{
    atomic_store(&keyholder->held, held);
}

bool keyholder_alive(const struct keyholder *keyholder)
{
    return channels_alive(keyholder->channels) && !atomic_load((atomic_bool *)&keyholder->held);
}

/* Which fields a reply to this request has when it succeeded: bit i for the one of index i. */
static unsigned fields_expected(enum keyholder_opcode opcode)
{
    switch (opcode) {
    case KEYHOLDER_GENERATE:
    case KEYHOLDER_IMPORT:
        return 1 | 2;
    case KEYHOLDER_LOAD:
    case KEYHOLDER_SIGN:
    case KEYHOLDER_CHECKPOINT:
    case KEYHOLDER_REQUEST:
    case KEYHOLDER_REFERENCE:
        return 1;
    case KEYHOLDER_DECRYPT:
    case KEYHOLDER_DERIVE:
        return 4;
    case KEYHOLDER_ROLL:
        return 1 | 2 | 4;
    case KEYHOLDER_FORGET:
    case KEYHOLDER_BACKUP:
    case KEYHOLDER_RESTORE:
        return 0;
    }
    return 0;
}

static bool check_fields(const struct keyholder_reply *reply, enum keyholder_opcode opcode,
                         struct error *err)
{
    unsigned expected = fields_expected(opcode);
    bool may_be_empty = opcode == KEYHOLDER_DECRYPT || opcode == KEYHOLDER_ROLL; /* a plaintext */
    for (unsigned i = 0; i < KEYHOLDER_REPLY_FIELDS; i++) {
        bool wanted = expected >> i & 1;
        bool filled = reply->fields[i].size > 0;
        if (wanted != filled && !(wanted && i == 2 && may_be_empty))
            return error_set(err, &keyholder_message, NULL, "keyholder reply",
                             "field %u of a reply to request %d is not as it should be", i,
                             (int)opcode);
    }
    return true;
}

/* A call and what is needed for it. */
struct call {
    struct keyholder_request request;
    int64_t deadline_ms;
    int fds[KEYHOLDER_REQUEST_DESCRIPTORS_MAX];
    size_t fd_count;
    struct keyholder_reply reply;
};

static void add_descriptor(struct call *call, int fd)
{
    assert(fd >= 0 && call->fd_count < KEYHOLDER_REQUEST_DESCRIPTORS_MAX);
    call->fds[call->fd_count++] = fd;
}

static bool permitted(const struct keyholder *keyholder, enum keyholder_opcode opcode,
                      struct error *err)
{
    return opcode == KEYHOLDER_LOAD || opcode == KEYHOLDER_FORGET ||
           opcode == KEYHOLDER_REFERENCE || !atomic_load((atomic_bool *)&keyholder->held) ||
           error_set(err, &keyholder_away, NULL, "keyholder", "its keys are not loaded yet");
}

/* bytes: where the reply goes, size of them, for as long as its fields are used. */
static bool make_call(struct keyholder *keyholder, struct call *call, void *bytes, size_t size,
                      struct error *err)
{
    bool ok = permitted(keyholder, call->request.opcode, err) &&
              channels_exchange(keyholder->channels, &call->request, call->fds, call->fd_count,
                                call->deadline_ms, bytes, size, &call->reply, err);
    for (size_t i = 0; i < call->fd_count; i++)
        file_close(&call->fds[i]);
    if (!ok)
        return false;
    if (call->reply.failed)
        return keyholder_message_to_error(&call->reply, err);
    return check_fields(&call->reply, call->request.opcode, err);
}

static struct call call_of(enum keyholder_opcode opcode, int64_t deadline_ms)
{
    return (struct call){.request.opcode = opcode, .deadline_ms = deadline_ms};
}

static struct call key_call_of(const struct keyholder *keyholder, enum keyholder_opcode opcode,
                               const uint8_t key_id[KEY_ID_SIZE])
{
    struct call call = call_of(opcode, keyholder->deadline_ms);
    memcpy(call.request.key_id, key_id, KEY_ID_SIZE);
    return call;
}

bool keyholder_generate(struct keyholder *keyholder, enum key_purpose purpose,
                        enum private_key_kind kind, struct public_key **public_key,
                        struct buf *sealed, struct error *err)
{
    struct call call = call_of(KEYHOLDER_GENERATE, keyholder->slow_deadline_ms);
    call.request.purpose = purpose;
    call.request.kind = kind;
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err) ||
        !public_key_parse(public_key, call.reply.fields[0], err))
        return false;
    buf_append(sealed, call.reply.fields[1]);
    return true;
}

bool keyholder_import(struct keyholder *keyholder, enum key_purpose purpose, int meeting_fd,
                      struct buf *certificate, struct buf *sealed, struct error *err)
{
    struct call call = call_of(KEYHOLDER_IMPORT, keyholder->slow_deadline_ms);
    call.request.purpose = purpose;
    add_descriptor(&call, meeting_fd);
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err))
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
    struct call call = call_of(KEYHOLDER_LOAD, keyholder->deadline_ms);
    call.request.payload = sealed;
    uint8_t bytes[SHORT_REPLY_MAX];
    if (!make_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    return public_key == NULL || public_key_parse(public_key, call.reply.fields[0], err);
}

bool keyholder_reference(struct keyholder *keyholder, enum key_purpose purpose,
                         struct slice thumbprint, struct buf *certificate, struct error *err)
{
    struct call call = call_of(KEYHOLDER_REFERENCE, keyholder->deadline_ms);
    call.request.purpose = purpose;
    call.request.payload = thumbprint;
    _cleanup_free_ uint8_t *bytes = memory_allocate(KEYHOLDER_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes, KEYHOLDER_REPLY_MAX, err))
        return false;
    if (certificate != NULL)
        buf_append(certificate, call.reply.fields[0]);
    return true;
}

bool keyholder_forget(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                      struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_FORGET, key_id);
    uint8_t bytes[SHORT_REPLY_MAX];
    return make_call(keyholder, &call, bytes, sizeof bytes, err);
}

bool keyholder_sign(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                    enum signature_algorithm algorithm, struct slice message, struct buf *out,
                    struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_SIGN, key_id);
    struct digest digest;
    digest_compute(&digest, signature_digest(algorithm), message);
    call.request.signature = algorithm;
    call.request.payload = digest_slice(&digest);
    uint8_t bytes[SHORT_REPLY_MAX];
    if (!make_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_decrypt(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       enum encryption_algorithm algorithm, struct slice ciphertext,
                       struct secret *out, struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_DECRYPT, key_id);
    if (ciphertext.size == 0 || ciphertext.size > KEYHOLDER_CIPHERTEXT_MAX)
        return error_set(err, &crypto_decryption_failed, NULL, NULL,
                         "no RSA ciphertext has %zu bytes", ciphertext.size);
    call.request.encryption = algorithm;
    call.request.payload = ciphertext;
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, SHORT_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    secret_copy(out, call.reply.fields[2]);
    return true;
}

bool keyholder_roll(struct keyholder *keyholder, const struct keyholder_roll *roll,
                    struct secret *plaintext, bool *opened, struct buf *signature,
                    struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_ROLL, roll->decrypting_key_id);
    struct digest digest;
    uint8_t payload[KEYHOLDER_ROLL_MAX];
    if (roll->ciphertext.size == 0 || roll->ciphertext.size > KEYHOLDER_CIPHERTEXT_MAX)
        return error_set(err, &crypto_decryption_failed, NULL, NULL,
                         "no RSA ciphertext has %zu bytes", roll->ciphertext.size);
    digest_compute(&digest, signature_digest(roll->signature), roll->message);
    const struct keyholder_roll_payload parts = {roll->signature, roll->signing_key_id,
                                                 digest_slice(&digest), roll->ciphertext};
    call.request.encryption = roll->encryption;
    call.request.payload = slice_of(payload, keyholder_message_format_roll(payload, &parts));
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, ROLL_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    buf_append(signature, call.reply.fields[0]);
    *opened = call.reply.fields[1].data[0] != 0;
    secret_copy(plaintext, call.reply.fields[2]);
    return true;
}

bool keyholder_request(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       struct slice info, struct buf *out, struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_REQUEST, key_id);
    if (info.size == 0 || info.size > KEYHOLDER_REQUEST_INFO_MAX)
        return error_set(err, &crypto_request_malformed, NULL, NULL,
                         "%zu bytes are too many for a certificate request", info.size);
    call.request.payload = info;
    uint8_t bytes[SHORT_REPLY_MAX];
    if (!make_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_checkpoint(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                          uint64_t sequence, const uint8_t head[32], int64_t time, struct buf *out,
                          struct error *err)
{
    struct call call = key_call_of(keyholder, KEYHOLDER_CHECKPOINT, key_id);
    struct keyholder_checkpoint checkpoint = {.sequence = sequence, .time = time};
    memcpy(checkpoint.head, head, sizeof checkpoint.head);
    uint8_t payload[KEYHOLDER_CHECKPOINT_SIZE];
    keyholder_message_format_checkpoint(payload, &checkpoint);
    call.request.payload = slice_of(payload, sizeof payload);
    uint8_t bytes[SHORT_REPLY_MAX];
    if (!make_call(keyholder, &call, bytes, sizeof bytes, err))
        return false;
    buf_append(out, call.reply.fields[0]);
    return true;
}

bool keyholder_derive(struct keyholder *keyholder, enum keyholder_label label, uint64_t epoch,
                      struct secret *out, struct error *err)
{
    struct call call = call_of(KEYHOLDER_DERIVE, keyholder->deadline_ms);
    uint8_t payload[KEYHOLDER_EPOCH_SIZE];
    keyholder_message_format_epoch(payload, epoch);
    call.request.label = label;
    call.request.payload = slice_of(payload, sizeof payload);
    _cleanup_secret_ struct secret bytes = SECRET_EMPTY;
    secret_init(&bytes, SHORT_REPLY_MAX);
    if (!make_call(keyholder, &call, bytes.data, bytes.size, err))
        return false;
    if (call.reply.fields[2].size != KEYHOLDER_DERIVED_SIZE)
        return error_set(err, &keyholder_message, NULL, "keyholder reply",
                         "%zu bytes are no derived key", call.reply.fields[2].size);
    secret_copy(out, call.reply.fields[2]);
    return true;
}

bool keyholder_backup(struct keyholder *keyholder, int meeting_fd, int in_fd, struct error *err)
{
    struct call call = call_of(KEYHOLDER_BACKUP, keyholder->backup_deadline_ms);
    add_descriptor(&call, meeting_fd);
    add_descriptor(&call, in_fd);
    uint8_t bytes[SHORT_REPLY_MAX];
    return make_call(keyholder, &call, bytes, sizeof bytes, err);
}

bool keyholder_restore(struct keyholder *keyholder, int meeting_fd, int document_fd,
                       struct error *err)
{
    struct call call = call_of(KEYHOLDER_RESTORE, keyholder->backup_deadline_ms);
    add_descriptor(&call, meeting_fd);
    add_descriptor(&call, document_fd);
    uint8_t bytes[SHORT_REPLY_MAX];
    return make_call(keyholder, &call, bytes, sizeof bytes, err);
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
