/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/process.h"

#include "crypto/kdf.h"
#include "crypto/random.h"
#include "keyholder/answer.h"
#include "keyholder/cluster_key.h"
#include "keyholder/sealed.h"
#include "process/sandbox.h"

/*
 * Libraries load what they need at first use, and later there are no files any more: so everything
 * is used once before.
 */
static bool warm_up(struct error *err)
{
    uint8_t sealing_key[32];
    random_bytes(sealing_key, sizeof sealing_key);
    struct slice sealing = slice_of(sealing_key, sizeof sealing_key);
    _cleanup_private_key_ struct private_key *made = NULL, *opened = NULL;
    _cleanup_buf_ struct buf sealed, signature;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&signature, KEYHOLDER_SEALED_MAX);
    if (!private_key_generate(&made, PRIVATE_KEY_P256, err))
        return false;
    sealed_format(&sealed, sealing, KEY_PURPOSE_AUDIT, made);
    enum key_purpose purpose;
    _cleanup_secret_ struct secret derived = SECRET_EMPTY;
    return sealed_parse(&opened, &purpose, sealing, buf_slice(&sealed), err) &&
           private_key_sign_digest(&signature, opened, SIGNATURE_ECDSA_SHA256, sealing, err) &&
           kdf_scrypt(&derived, sealing, sealing, 1024, 8, 1, 32, err);
}

/* Everything that needs files. */
static bool open_folder(struct answer_context *context, const char *folder, struct error *err)
{
    _cleanup_secret_ struct secret cluster_key = SECRET_EMPTY;
    if (!cluster_key_open(&cluster_key, folder, err) || !permit_open(&context->permit, folder, err))
        return false;
    cluster_key_derive(&context->sealing_key, secret_slice(&cluster_key), CLUSTER_KEY_SEAL);
    kdf_hkdf_extract(&context->derivation_key, SLICE_EMPTY, secret_slice(&cluster_key));
    return true;
}

static bool enter_sandbox(const char *key_folder, struct error *err)
{
    return key_folder != NULL ? sandbox_keyholder_reading(key_folder, err) : sandbox_keyholder(err);
}

/* Up to the point from which there are no files but those of the key folder. */
static bool prepare(struct answer_context *context, const struct keyholder_process_options *options,
                    struct error *err)
{
    return (!options->sandbox || sandbox_undumpable(err)) &&
           open_folder(context, options->folder, err) && warm_up(err) &&
           (!options->sandbox || enter_sandbox(options->key_folder, err));
}

bool keyholder_process_run(const struct keyholder_process_options *options, struct error *err)
{
    serve_prepare();
    struct answer_context context = {.permit = {.fd = -1}};
    pthread_mutex_init(&context.backup_lock, NULL);
    context.keyring = keyring_new();
    key_folder_init(&context.folder, options->key_folder);
    const struct server server = {answer_request, &context};
    size_t count = (size_t)options->channel_count;
    bool ok = prepare(&context, options, err);
    if (ok)
        ok = serve_channels(options->channels, count, &server, err);
    else
        serve_none(options->channels, count);
    keyring_free(&context.keyring);
    secret_done(&context.sealing_key);
    secret_done(&context.derivation_key);
    permit_close(&context.permit);
    key_folder_done(&context.folder);
    pthread_mutex_destroy(&context.backup_lock);
    return ok;
}
