/* SPDX-License-Identifier: Apache-2.0 */

/* server.init: everything that a service needs to work, in one commit that only the first caller
 * can make. */

#include <stdio.h>

#include "admin/audit_key.h"
#include "admin/certificate_draft.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "attestation/signer.h"
#include "attestation/signer_schedule.h"
#include "base/file.h"
#include "base/log.h"
#include "base/plain_name.h"

#define CHANGES_MAX 16
#define VALUE_MAX (64 * 1024)

struct init {
    struct admin_request *request;
    const char *name;
    enum attestation_mode mode;
    bool generate;
    int64_t now;
    struct certificate_draft signing, encryption;
    struct attestation_signer_draft signer;
    struct admin_audit_key_draft audit_key;
    bool has_audit_key; /* one from before `server clear` is kept */
    struct buf service, signing_value, encryption_value;
    struct store_change changes[CHANGES_MAX];
    size_t count;
};

static void init_done(struct init *init)
{
    certificate_draft_done(&init->signing);
    certificate_draft_done(&init->encryption);
    attestation_signer_draft_done(&init->signer);
    admin_audit_key_draft_done(&init->audit_key);
    buf_done(&init->service);
    buf_done(&init->signing_value);
    buf_done(&init->encryption_value);
}

static bool read_arguments(struct init *init, struct error *err)
{
    const struct json *arguments = init->request->arguments;
    if (!json_get_text(&init->name, arguments, "service_name", err) ||
        !json_get_bool_or(&init->generate, arguments, "generate", false, err) ||
        !admin_request_mode(&init->mode, init->request, err))
        return false;
    if (!plain_name_valid(init->name, PLAIN_NAME_SIZE))
        return error_set(err, &admin_argument, "hgsctl(8)", init->name,
                         "a service's name has 1 to 128 letters, digits, dots, hyphens and "
                         "underscores");
    return true;
}

static bool check_new(const struct init *init, struct error *err)
{
    struct store *store = init->request->services->store;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (store_get(store, STORE_SETTING, ATTESTATION_SETTING_SERVICE, &value, NULL, err))
        return error_set(err, &admin_initialized, NULL, "service",
                         "it has a name and certificates already");
    return error_kind(err) == ERROR_NOT_FOUND;
}

static bool generate_certificates(struct init *init, struct error *err)
{
    struct keyholder *keyholder = init->request->services->keyholder;
    return certificate_draft_generate(&init->signing, KEYPROTECTION_SIGNING, init->name, NULL,
                                      keyholder, init->now, err) &&
           certificate_draft_generate(&init->encryption, KEYPROTECTION_ENCRYPTION, init->name,
                                      &init->signing, keyholder, init->now, err);
}

/* One key for both is sealed twice, under two names (certificate_key.h). */
static void name_keys(struct init *init)
{
    if (memcmp(init->signing.certificate.key_id, init->encryption.certificate.key_id,
               KEY_ID_SIZE) == 0)
        snprintf(init->encryption.key_name, sizeof init->encryption.key_name, "%.64s/%s",
                 init->signing.key_name,
                 keyprotection_certificate_type_name(KEYPROTECTION_ENCRYPTION));
}

static bool import_certificates(struct init *init, struct error *err)
{
    struct admin_request *request = init->request;
    struct keyholder *keyholder = request->services->keyholder;
    _cleanup_fd_ int signing = -1, encryption = -1;
    if (!admin_request_descriptor(&signing, request, "signing_meeting_fd", err) ||
        !admin_request_descriptor(&encryption, request, "encryption_meeting_fd", err))
        return false;
    if (signing < 0 || encryption < 0)
        return error_set(err, &admin_argument, "hgsctl(8)", "server init",
                         "give both --signing-certificate and --encryption-certificate, or "
                         "--generate-certificates");
    return certificate_draft_import(&init->signing, KEYPROTECTION_SIGNING, KEYPROTECTION_PFX,
                                    admin_request_give(&signing), keyholder, init->now, err) &&
           certificate_draft_import(&init->encryption, KEYPROTECTION_ENCRYPTION, KEYPROTECTION_PFX,
                                    admin_request_give(&encryption), keyholder, init->now, err) &&
           certificate_draft_prove(&init->signing, keyholder, err) &&
           certificate_draft_prove(&init->encryption, keyholder, err);
}

static bool make_signer(struct init *init, struct error *err)
{
    const struct admin_services *services = init->request->services;
    struct attestation_settings settings;
    struct attestation_signer_list none = {0};
    struct attestation_signer_plan plan;
    attestation_settings_init(&settings);
    settings.mode = init->mode;
    return attestation_signer_schedule_plan(&plan, &none, services->node, ATTESTATION_SIGNER_HEALTH,
                                            &settings, init->now, true) &&
           attestation_signer_create(&init->signer, &plan, services->keyholder, err);
}

static bool make_audit_key(struct init *init, struct error *err)
{
    struct admin_audit_key key;
    init->has_audit_key = admin_audit_key_load(&key, init->request->services->store, err);
    admin_audit_key_done(&key);
    return init->has_audit_key ||
           admin_audit_key_create(&init->audit_key, init->request->services->keyholder, err);
}

static void format_service(struct init *init)
{
    char now[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, &init->service);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "name", init->name);
    json_write_text(&writer, "mode", attestation_mode_name(init->mode));
    /* A later version that brings built-in policies finds out from this that they are new here. */
    json_write_integer(&writer, "functional_level", ATTESTATION_FUNCTIONAL_LEVEL);
    json_write_text(&writer, "initialized", clock_format(init->now, now));
    json_write_object_end(&writer);
}

static void collect_changes(struct init *init)
{
    format_service(init);
    init->signing.certificate.primary = init->encryption.certificate.primary = true;
    struct store_change *next = init->changes;
    name_keys(init);
    next += certificate_draft_changes(next, &init->signing, &init->signing_value);
    next += certificate_draft_changes(next, &init->encryption, &init->encryption_value);
    attestation_signer_draft_changes(&init->signer, next);
    next += 2;
    *next++ = (struct store_change){.kind = STORE_SETTING,
                                    .key = ATTESTATION_SETTING_SERVICE,
                                    .value = buf_slice(&init->service),
                                    .expected = STORE_ABSENT};
    init->count = (size_t)(next - init->changes);
    if (init->has_audit_key)
        return;
    admin_audit_key_changes(init->changes + init->count, &init->audit_key);
    init->count += 2;
}

static bool make(struct init *init, struct error *err)
{
    bool certificates =
        init->generate ? generate_certificates(init, err) : import_certificates(init, err);
    if (!certificates || !make_signer(init, err) || !make_audit_key(init, err))
        return false;
    collect_changes(init);
    struct admin_change change = {"server.initialized",      "service",     SLICE_EMPTY,
                                  buf_slice(&init->service), init->changes, init->count};
    return admin_change_commit(init->request, &change, err);
}

static void forget_draft(const struct init *init, const struct certificate_draft *draft)
{
    if (draft->certificate.certificate != NULL)
        keyholder_forget(init->request->services->keyholder, draft->certificate.key_id, NULL);
}

/* The keyholder has loaded what it made or was given, to sign with it; nobody knows these keys if
 * they did not get into the store. */
static void forget_keys(const struct init *init)
{
    forget_draft(init, &init->signing);
    forget_draft(init, &init->encryption);
    if (init->signer.signer.certificate != NULL)
        keyholder_forget(init->request->services->keyholder, init->signer.signer.key_id, NULL);
}

bool operation_server_init(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    struct init init = {.request = request, .now = clock_now(request->services->clock)};
    certificate_draft_init(&init.signing);
    certificate_draft_init(&init.encryption);
    buf_init(&init.service, VALUE_MAX);
    buf_init(&init.signing_value, VALUE_MAX);
    buf_init(&init.encryption_value, VALUE_MAX);
    bool ok = read_arguments(&init, err) && check_new(&init, err) && make(&init, err);
    if (ok)
        json_write_raw(result, NULL, buf_slice(&init.service));
    /* What is stored but not yet in force stays. */
    if (request->dry_run || (!ok && err->code != &admin_not_applied))
        forget_keys(&init);
    init_done(&init);
    return ok;
}
