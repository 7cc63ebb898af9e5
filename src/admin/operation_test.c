/* SPDX-License-Identifier: Apache-2.0 */

/* server.test: does what the service does with every part of itself, and says of each failure how
 * to mend it. */

#include <stdio.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_list.h"
#include "admin/certificate_proof.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/tpm_mode.h"
#include "base/memory.h"
#include "keyholder/keyholder_token.h"

#define TOKEN_TEXT_MAX 1024
#define DROPS_TOLD_SECONDS 86400

struct test {
    struct admin_request *request;
    struct json_writer *result;
    bool ok; /* all so far */
};

static void report(struct test *test, const char *name, bool ok, const char *detail,
                   const struct error *err)
{
    char line[ERROR_OBJECT_SIZE + ERROR_MESSAGE_SIZE + 128];
    test->ok = test->ok && ok;
    json_write_object(test->result, NULL);
    json_write_text(test->result, "name", name);
    json_write_bool(test->result, "ok", ok);
    json_write_text(test->result, "detail",
                    ok || err->code == NULL ? detail : error_format(err, line, sizeof line));
    if (!ok && err->code != NULL)
        json_write_error(test->result, "error", err);
    json_write_object_end(test->result);
}

static void test_initialized(struct test *test)
{
    struct error err = {0};
    enum attestation_mode mode = attestation_current_mode(test->request->services->attestation);
    bool ok = mode != ATTESTATION_MODE_UNKNOWN;
    if (!ok)
        error_set(&err, &admin_not_initialized, NULL, "service", "it has no name and no mode");
    report(test, "initialised", ok, attestation_mode_name(mode), &err);
}

static void test_audit(struct test *test)
{
    struct error err = {0};
    report(test, "audit trail", audit_healthy(test->request->services->audit, &err), "writable",
           &err);
}

static void test_store(struct test *test)
{
    struct error err = {0};
    int64_t revision = 0;
    char detail[64];
    bool ok = store_revision(test->request->services->store, &revision, &err);
    snprintf(detail, sizeof detail, "revision %lld", (long long)revision);
    report(test, "store", ok, detail, &err);
}

static void test_certificate(struct test *test, const struct keyprotection_certificate *certificate)
{
    struct keyholder *keyholder = test->request->services->keyholder;
    const struct certificate_facts *facts = certificate_facts(certificate->certificate);
    struct error err = {0};
    char name[96], until[CLOCK_TEXT_SIZE], detail[96];
    snprintf(name, sizeof name, "%s certificate %02x%02x%02x%02x",
             keyprotection_certificate_type_name(certificate->type), facts->thumbprint[0],
             facts->thumbprint[1], facts->thumbprint[2], facts->thumbprint[3]);
    /* A file is looked for anew: so it is named when it cannot be read. */
    bool ok = (certificate->key_source != KEYPROTECTION_KEY_FILE ||
               keyholder_reference(keyholder, certificate_draft_purpose(certificate->type),
                                   slice_of(facts->thumbprint, 32), NULL, &err)) &&
              certificate_proof(certificate, keyholder, &err);
    /* As documented for Windows, expiry is told but does not stop the service. */
    snprintf(detail, sizeof detail, "private key works; %s %s",
             facts->not_after < clock_now(test->request->services->clock) ? "expired at"
                                                                          : "valid until",
             clock_format(facts->not_after, until));
    report(test, name, ok, detail, &err);
}

static void test_certificates(struct test *test)
{
    struct certificate_list list = {0};
    struct error err = {0};
    if (!certificate_list_load(&list, test->request->services->store, &err))
        report(test, "certificates", false, "", &err);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].certificate.enabled)
            test_certificate(test, &list.items[i].certificate);
    certificate_list_done(&list);
}

static void test_tokens(struct test *test)
{
    struct keyholder *keyholder = test->request->services->keyholder;
    for (unsigned token = 1; token <= keyholder_token_count(keyholder); token++) {
        struct error err = {0};
        char name[64];
        _cleanup_buf_ struct buf label, details;
        buf_init(&label, TOKEN_TEXT_MAX);
        buf_init(&details, TOKEN_TEXT_MAX);
        snprintf(name, sizeof name, "%s", keyholder_token_name(keyholder, token));
        bool ok = keyholder_token_check(keyholder, token, &label, &details, &err);
        report(test, name, ok, ok ? buf_text(&details) : "", &err);
    }
}

static void test_records(struct test *test)
{
    struct error err = {0};
    bool damaged = attestation_problem(test->request->services->attestation, &err);
    report(test, "attestation records", !damaged, "all are readable", &err);
}

/* As a renewed TLS certificate that is not in use. */
static void test_reload(struct test *test)
{
    const struct admin_services *services = test->request->services;
    struct error err = {0};
    bool failed = services->reload_problem(services->context, &err);
    report(test, "reload", !failed, "nothing was left out", &err);
}

/* Those of requests and of the audit trail, too, which nothing else tries. */
struct sealed_keys {
    struct keyholder *keyholder;
    size_t count;
    struct error *failure; /* the first one */
};

static bool open_key(void *context, const struct store_record *record, struct error *err)
{
    struct sealed_keys *keys = context;
    struct error cause = {0};
    (void)err;
    keys->count++;
    if (keys->failure->code == NULL &&
        !keyholder_load(keys->keyholder, record->value, NULL, &cause))
        error_set(keys->failure, cause.code, cause.clause, record->key, "%s", cause.message);
    return true;
}

static void test_keys(struct test *test)
{
    const struct admin_services *services = test->request->services;
    struct error err = {0}, failure = {0};
    char detail[64];
    struct sealed_keys keys = {.keyholder = services->keyholder, .failure = &failure};
    bool listed = store_list(services->store, STORE_KEY, NULL, 0, open_key, &keys, NULL, &err);
    snprintf(detail, sizeof detail, "%zu of the database open", keys.count);
    report(test, "private keys", listed && failure.code == NULL, detail, listed ? &failure : &err);
}

/* What is no failure of the service, but keeps hosts from passing: with the command that helps. */
static void warn(struct test *test, const char *name, bool good, const char *detail,
                 const char *remedy)
{
    _cleanup_free_ char *text = memory_format("%s: %s", detail, remedy);
    json_write_object(test->result, NULL);
    json_write_text(test->result, "name", name);
    json_write_bool(test->result, "ok", true);
    json_write_bool(test->result, "warning", !good);
    json_write_text(test->result, "detail", good ? detail : text);
    json_write_object_end(test->result);
}

static void test_signer(struct test *test)
{
    struct attestation_service *attestation = test->request->services->attestation;
    char name[96], thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE] = "";
    struct error err = {0};
    if (attestation_current_mode(attestation) == ATTESTATION_MODE_UNKNOWN)
        return; /* told already */
    bool ok = attestation_signer_test(attestation, thumbprint, &err);
    snprintf(name, sizeof name, "attestation signer %.8s", thumbprint);
    report(test, name, ok, "its private key works", &err);
}

static void test_clocks(struct test *test)
{
    const struct admin_services *services = test->request->services;
    char offset[CLOCK_OFFSET_SIZE], detail[160];
    int64_t bound, tolerance, seconds = services->clock_offset(services->context);
    size_t off = attestation_host_clocks_off(attestation_clocks_of_hosts(services->attestation));
    attestation_clock_settings(services->attestation, &bound, &tolerance);
    bool good = seconds <= bound && seconds >= -bound;
    snprintf(detail, sizeof detail, good ? "it was not set" : "it was set, or began wrong: %s",
             clock_format_offset(seconds, offset));
    warn(test, "clock", good, detail, "hgsctl server show");
    if (off == 0)
        return;
    snprintf(detail, sizeof detail, "%zu are off", off);
    warn(test, "host clocks", false, detail, "hgsctl host list");
}

/* A baseline and a ci policy for each kind of host that there is. */
static void test_policies(struct test *test, const struct tpm_mode *mode,
                          enum eventlog_profile profile, enum policy_version version)
{
    char name[64];
    const char *profile_name = policy_profile_name(profile);
    const char *version_name = policy_version_name(version);
    if (mode->hosts[profile][version] == 0)
        return;
    _cleanup_free_ char *baseline =
        memory_format("hgsctl policy add NAME --baseline FILE.tcglog --profile %s "
                      "--policy-version %s",
                      profile_name, version_name);
    _cleanup_free_ char *ci =
        memory_format("hgsctl policy add NAME --ci %s --policy-version %s",
                      profile == EVENTLOG_PROFILE_WINDOWS ? "FILE.p7b" : "IMAGE.efi", version_name);
    snprintf(name, sizeof name, "baseline, %s %s", profile_name, version_name);
    bool has = mode->baselines[profile][version] > 0;
    warn(test, name, has, has ? "there is one" : "no host can pass without one", baseline);
    snprintf(name, sizeof name, "ci policy, %s %s", profile_name, version_name);
    has = mode->ci_policies[profile][version] > 0;
    warn(test, name, has, has ? "there is one" : "no host can pass without one", ci);
}

/* Boots that `pending list` and `policy explain` know nothing of. One is told for a day. */
static void test_boots(struct test *test, const struct attestation_pending_drops *drops)
{
    char detail[ATTESTATION_BOOT_HOST_SIZE + 160], time[CLOCK_TEXT_SIZE];
    bool lately = drops->count > 0 &&
                  clock_now(test->request->services->clock) - drops->time < DROPS_TOLD_SECONDS;
    snprintf(detail, sizeof detail,
             "%llu were not remembered since the service's start, the last one of host %s at %s",
             (unsigned long long)drops->count, drops->host, clock_format(drops->time, time));
    warn(test, "boots", !lately, lately ? detail : "all are remembered",
         "have that host attest again (hgs host attest); is the disk slow?");
}

/* Where hosts attest by their TPMs, or are about to. */
static void test_tpm_mode(struct test *test)
{
    const struct admin_services *services = test->request->services;
    struct error err = {0};
    struct tpm_mode mode;
    if (!tpm_mode_count(&mode, services, &err)) {
        report(test, "TPM mode", false, "", &err);
        return;
    }
    bool is_mode = attestation_current_mode(services->attestation) == ATTESTATION_MODE_TPM;
    if (!is_mode && mode.hosts_all == 0)
        return;
    warn(test, "TPM hosts", mode.hosts_all > 0,
         mode.hosts_all > 0 ? "there are some" : "none is registered",
         "hgsctl host add NAME --tpm FILE.xml");
    warn(test, "TPM roots", mode.roots > 0,
         mode.roots > 0 ? "there are some" : "no endorsement certificate leads to one",
         "hgsctl tpm-root add FILE");
    for (int profile = 0; profile < TPM_MODE_PROFILES; profile++) {
        test_policies(test, &mode, (enum eventlog_profile)profile, POLICY_VERSION_1);
        test_policies(test, &mode, (enum eventlog_profile)profile, POLICY_VERSION_2);
    }
    test_boots(test, &mode.drops);
    bool staged = mode.policies_staged + mode.hosts_staged > 0;
    warn(test, "staged", !staged, staged ? "something does not take part yet" : "nothing is",
         "hgsctl policy activate");
}

bool operation_server_test(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    (void)err;
    struct test test = {request, result, true};
    json_write_object(result, NULL);
    json_write_array(result, "tests");
    test_initialized(&test);
    test_store(&test);
    test_audit(&test);
    test_records(&test);
    test_reload(&test);
    test_keys(&test);
    test_tokens(&test);
    test_certificates(&test);
    test_signer(&test);
    test_clocks(&test);
    test_tpm_mode(&test);
    json_write_array_end(result);
    json_write_bool(result, "ok", test.ok);
    json_write_object_end(result);
    return true;
}
