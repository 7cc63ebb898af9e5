/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/answer.h"

#include "crypto/certificate.h"
#include "crypto/kdf.h"
#include "keyholder/answer_keys.h"
#include "keyholder/backup.h"
#include "keyholder/errors.h"
#include "keyholder/import.h"
#include "keyholder/meeting.h"
#include "keyholder/purpose.h"
#include "keyholder/sealed.h"
#include "keyholder/software.h"
#include "keyholder/stream.h"

/* One request on its way. */
struct job {
    struct answer *answer;
    struct answer_context *context;
    unsigned worker;
    const struct keyholder_request *request;
    const int *fds;
};

static bool seal(const struct job *job, const struct private_key *key, struct error *err)
{
    struct buf *sealed = &job->answer->fields[1];
    sealed_format(sealed, secret_slice(&job->context->sealing_key), job->request->purpose, key);
    return buf_ok(sealed, "a sealed key", err);
}

static bool generate(const struct job *job, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    if (!private_key_generate(&key, job->request->kind, err) ||
        !purpose_check_key(job->request->purpose, private_key_public(key), err))
        return false;
    buf_append(&job->answer->fields[0], public_key_spki(private_key_public(key)));
    return seal(job, key, err);
}

static bool import(const struct job *job, struct error *err)
{
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    _cleanup_private_key_ struct private_key *key = NULL;
    return meeting_receive(&files, job->fds[0], KEYHOLDER_IMPORT, err) &&
           import_read(&key, &job->answer->fields[0], job->request->purpose, &files, err) &&
           seal(job, key, err);
}

static bool add_software_key(const struct job *job, enum key_purpose purpose,
                             struct private_key **key, struct error *err)
{
    _cleanup_public_key_ struct public_key *public_key =
        public_key_ref((struct public_key *)private_key_public(*key));
    return keyring_add(job->context->keyring, purpose, public_key, &software_operations,
                       software_key_new(key), err);
}

static bool load(const struct job *job, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose;
    if (!sealed_parse(&key, &purpose, secret_slice(&job->context->sealing_key),
                      job->request->payload, err))
        return false;
    _cleanup_public_key_ struct public_key *public_key =
        public_key_ref((struct public_key *)private_key_public(key));
    if (!keyring_add(job->context->keyring, purpose, public_key, &software_operations,
                     software_key_new(&key), err))
        return false;
    buf_append(&job->answer->fields[0], public_key_spki(public_key));
    return true;
}

static bool reference(const struct job *job, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    enum key_purpose purpose = job->request->purpose;
    if (!key_folder_find(&key, &certificate, NULL, &job->context->folder, job->request->payload,
                         err) ||
        !purpose_check_key(purpose, private_key_public(key), err) ||
        !add_software_key(job, purpose, &key, err))
        return false;
    buf_append(&job->answer->fields[0], certificate_der(certificate));
    return true;
}

static bool use_key(const struct job *job, struct error *err)
{
    return answer_keys(job->answer, job->context->keyring, job->worker, job->request, err);
}

static bool checkpoint(const struct job *job, struct error *err)
{
    struct keyholder_checkpoint point;
    keyholder_message_parse_checkpoint(&point, job->request->payload);
    return keyring_checkpoint(job->context->keyring, job->worker, job->request->key_id,
                              point.sequence, point.head, point.time, &job->answer->fields[0], err);
}

static bool backup(const struct job *job, struct error *err)
{
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    _cleanup_secret_ struct secret password = SECRET_EMPTY;
    if (!meeting_receive(&files, job->fds[0], KEYHOLDER_BACKUP, err) ||
        !permit_check(&job->context->permit, files.fds[MEETING_PERMIT], err) ||
        !stream_read_password(&password, files.fds[MEETING_PASSWORD], err))
        return false;
    pthread_mutex_lock(&job->context->backup_lock);
    bool ok = backup_create(job->fds[1], files.fds[MEETING_BACKUP],
                            secret_slice(&job->context->sealing_key), secret_slice(&password), err);
    pthread_mutex_unlock(&job->context->backup_lock);
    return ok;
}

static bool restore(const struct job *job, struct error *err)
{
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    _cleanup_secret_ struct secret password = SECRET_EMPTY;
    if (!meeting_receive(&files, job->fds[0], KEYHOLDER_RESTORE, err) ||
        !stream_read_password(&password, files.fds[MEETING_PASSWORD], err))
        return false;
    pthread_mutex_lock(&job->context->backup_lock);
    bool ok =
        backup_restore(files.fds[MEETING_BACKUP], job->fds[1],
                       secret_slice(&job->context->sealing_key), secret_slice(&password), err);
    pthread_mutex_unlock(&job->context->backup_lock);
    return ok;
}

static bool derive(const struct job *job, struct error *err)
{
    static const char *const labels[] = {
        [KEYHOLDER_LABEL_RTPM] = "HGS-RTPM-SEAL-1", [KEYHOLDER_LABEL_USAGE] = "HGS-USAGE-1"};
    (void)err;
    _cleanup_buf_ struct buf info;
    buf_init(&info, 64);
    buf_append_text(&info, labels[job->request->label]);
    buf_append(&info, job->request->payload); /* the epoch as it came: little-endian */
    kdf_hkdf_expand(&job->answer->plain, secret_slice(&job->context->derivation_key),
                    buf_slice(&info), KEYHOLDER_DERIVED_SIZE);
    return true;
}

static bool (*const handlers[])(const struct job *job, struct error *err) = {
    [KEYHOLDER_GENERATE] = generate,
    [KEYHOLDER_IMPORT] = import,
    [KEYHOLDER_LOAD] = load,
    [KEYHOLDER_FORGET] = use_key,
    [KEYHOLDER_SIGN] = use_key,
    [KEYHOLDER_DECRYPT] = use_key,
    [KEYHOLDER_CHECKPOINT] = checkpoint,
    [KEYHOLDER_BACKUP] = backup,
    [KEYHOLDER_RESTORE] = restore,
    [KEYHOLDER_DERIVE] = derive,
    [KEYHOLDER_REQUEST] = use_key,
    [KEYHOLDER_ROLL] = use_key,
    [KEYHOLDER_REFERENCE] = reference,
};

bool answer_request(struct answer *answer, void *context, unsigned worker,
                    const struct keyholder_request *request, const int *fds, struct error *err)
{
    struct job job = {answer, context, worker, request, fds};
    size_t index = (size_t)request->opcode;
    if (index >= sizeof handlers / sizeof handlers[0] || handlers[index] == NULL)
        return error_set(err, &keyholder_message, NULL, "keyholder request",
                         "is for the keyholder of a token (%u)", (unsigned)index);
    return handlers[index](&job, err);
}
