/* SPDX-License-Identifier: Apache-2.0 */

/* The records that TPM mode keeps in the store, and what is built of them: host records in TPM mode
 * (tpm_host.c), their cache (host_cache.c), policies (policies.c), roots (tpm_root.c), boots
 * (boot.c). */

#include "tpm_fixture.h"

#include "policy/errors.h"

#include "attestation/boot.h"
#include "attestation/host_cache.h"
#include "tpm/errors.h"

static void record_of(struct buf *out, struct fixture *fixture, enum store_kind kind,
                      const char *key)
{
    buf_init(out, STORE_VALUE_MAX);
    assert_ok(store_get(fixture->store, kind, key, out, NULL, err));
}

static void test_host_record(void **state)
{
    struct fixture *fixture = *state;
    static const char *const sets[] = {"rack1", "blue"};
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_WINDOWS,
                                                    .version = POLICY_VERSION_2,
                                                    .staged = true,
                                                    .sets = sets,
                                                    .set_count = 2};
    struct attestation_host read;
    struct policy_subject subject;
    _cleanup_host_ struct host host;
    _cleanup_buf_ struct buf value, again;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_P384, EVENTLOG_PROFILE_WINDOWS);
    assert_ok(register_tpm(fixture, "n1", &host, &registration, true, err));
    record_of(&value, fixture, STORE_HOST, "n1");
    assert_ok(attestation_host_parse(&read, buf_slice(&value), err));
    assert_int_equal(read.mode, ATTESTATION_MODE_TPM);
    assert_true(read.tpm.certified);
    assert_true(read.tpm.staged);
    assert_int_equal(read.tpm.set_count, 2);
    assert_true(slice_equal(buf_slice(&read.tpm.endorsement_key), simulated_tpm_public(host.tpm)));
    assert_true(slice_equal(buf_slice(&read.tpm.certificate), simulated_tpm_certificate(host.tpm)));
    attestation_tpm_host_subject(&subject, &read.tpm, read.name);
    assert_string_equal(subject.host, "n1");
    assert_string_equal(subject.sets[1], "blue");
    assert_int_equal(subject.profile, EVENTLOG_PROFILE_WINDOWS);
    assert_int_equal(subject.version, POLICY_VERSION_2);
    buf_init(&again, STORE_VALUE_MAX);
    attestation_host_format(&again, &read);
    assert_string_equal(buf_text(&again), buf_text(&value));
    attestation_host_done(&read);
}

static void test_registration_refusals(void **state)
{
    struct fixture *fixture = *state;
    const char *many[ATTESTATION_SETS_MAX + 1];
    static const char *const bad_name[] = {"a b"};
    _cleanup_host_ struct host host;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_LINUX,
                                                    .version = POLICY_VERSION_2};
    assert_refused(register_tpm(fixture, "a b", &host, &registration, true, err),
                   &attestation_host_name);
    registration.sets = bad_name;
    registration.set_count = 1;
    assert_refused(register_tpm(fixture, "n1", &host, &registration, true, err),
                   &attestation_host_set);
    for (size_t i = 0; i <= ATTESTATION_SETS_MAX; i++)
        many[i] = "set";
    registration.sets = many;
    registration.set_count = ATTESTATION_SETS_MAX + 1;
    assert_refused(register_tpm(fixture, "n1", &host, &registration, true, err),
                   &attestation_host_set);
    /* at a time when no certificate is good */
    registration.set_count = 0;
    fixture->clock.offset -= INT64_C(86400) * 365 * 100;
    assert_refused(register_tpm(fixture, "n1", &host, &registration, true, err),
                   &tpm_certificate_time);
}

/* Replaces text in a record; the result is refused. */
static void assert_damaged(const char *record, const char *what, const char *by)
{
    struct attestation_host host;
    struct error err = {0};
    _cleanup_buf_ struct buf damaged;
    const char *place = strstr(record, what);
    assert_non_null(place);
    buf_init(&damaged, STORE_VALUE_MAX);
    buf_append_bytes(&damaged, record, (size_t)(place - record));
    buf_append_text(&damaged, by);
    buf_append_text(&damaged, place + strlen(what));
    if (attestation_host_parse(&host, buf_slice(&damaged), &err))
        fail_msg("accepted with %s for %s", by, what);
}

static void test_damaged_host_records(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    _cleanup_buf_ struct buf value;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    register_good(fixture, "n1", &host);
    record_of(&value, fixture, STORE_HOST, "n1");
    const char *record = buf_text(&value);
    assert_damaged(record, "\"linux\"", "\"solaris\"");
    assert_damaged(record, "\"v2\"", "\"v3\"");
    assert_damaged(record, "\"staged\":false", "\"staged\":0");
    assert_damaged(record, "\"certified\":true", "\"certified\":\"yes\"");
    assert_damaged(record, "\"sets\":[]", "\"sets\":[1]");
    assert_damaged(record, "\"sets\":[]", "\"sets\":[\"\"]");
    assert_damaged(record, "\"endorsement_key\":\"", "\"endorsement_key\":\"?");
    assert_damaged(record, "\"tpm\"", "\"tmp\"");
    assert_damaged(record, "\"key_id\":\"", "\"key_id\":\"0");
}

static void test_host_cache(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_known_host *first, *second, *third;
    _cleanup_host_ struct host host, other;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    host_init(&other, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    register_good(fixture, "n1", &host);
    struct attestation_host_cache *cache = attestation_host_cache_new(fixture->store, 4);
    assert_ok(attestation_host_cache_get(&first, cache, "n1", err));
    assert_ok(attestation_host_cache_get(&second, cache, "n1", err));
    assert_ptr_equal(first, second);
    attestation_known_host_release(&second);
    register_good(fixture, "n1", &other); /* its TPM was replaced */
    attestation_host_cache_forget(cache, "n1");
    assert_ok(attestation_host_cache_get(&third, cache, "n1", err));
    assert_memory_not_equal(tpm_endorsement_key_identity(&third->key),
                            tpm_endorsement_key_identity(&first->key), 32);
    attestation_known_host_release(&third);
    attestation_known_host_release(&first);
    /* more hosts than places */
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i % 20);
        if (i < 20)
            register_good(fixture, name, i % 2 == 0 ? &host : &other);
        assert_ok(attestation_host_cache_get(&first, cache, name, err));
        assert_string_equal(first->host.name, name);
        attestation_known_host_release(&first);
    }
    attestation_host_cache_forget(cache, NULL);
    change(fixture, STORE_HOST, "n1", NULL);
    struct error gone = {0};
    assert_false(attestation_host_cache_get(&first, cache, "n1", &gone));
    assert_int_equal(error_kind(&gone), ERROR_NOT_FOUND);
    register_host(fixture, "rsa", "rsa-pkcs1");
    assert_refused(attestation_host_cache_get(&first, cache, "rsa", err),
                   &attestation_host_unknown);
    attestation_host_cache_free(&cache);
    attestation_host_cache_free(&cache);
}

/* The record's key is another than the one that its digest names. */
static void test_host_of_two_keys(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_known_host *known;
    struct attestation_host record;
    _cleanup_host_ struct host host, other;
    _cleanup_buf_ struct buf value, mixed;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    host_init(&other, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    register_good(fixture, "n1", &host);
    record_of(&value, fixture, STORE_HOST, "n1");
    assert_ok(attestation_host_parse(&record, buf_slice(&value), err));
    buf_reset(&record.tpm.endorsement_key);
    buf_append(&record.tpm.endorsement_key, simulated_tpm_public(other.tpm));
    buf_init(&mixed, STORE_VALUE_MAX);
    attestation_host_format(&mixed, &record);
    attestation_host_done(&record);
    change(fixture, STORE_HOST, "n1", buf_text(&mixed));
    struct attestation_host_cache *cache = attestation_host_cache_new(fixture->store, 4);
    assert_refused(attestation_host_cache_get(&known, cache, "n1", err),
                   &attestation_host_malformed);
    attestation_host_cache_free(&cache);
}

static void add_record(struct attestation_policy_records *records, const char *name)
{
    char key[POLICY_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    struct policy policy = new_policy(name, POLICY_DUMP, EVENTLOG_PROFILE_WINDOWS);
    buf_init(&value, POLICY_RECORD_MAX);
    policy_format(&value, &policy);
    attestation_policy_records_put(records, policy_key(&policy, key), buf_slice(&value));
}

static void test_policies(void **state)
{
    (void)state;
    struct error problem = {0};
    _cleanup_buf_ struct buf value;
    struct attestation_policy_records *one = attestation_policy_records_new();
    struct attestation_policy_records *two = attestation_policy_records_new();
    add_record(one, "a");
    add_record(one, "b");
    add_record(two, "b");
    add_record(two, "c");
    add_record(two, "a");
    attestation_policy_records_remove(two, "c");
    struct attestation_policies *first = attestation_policy_records_build(one, 2, &problem);
    struct attestation_policies *second = attestation_policy_records_build(two, 2, &problem);
    struct attestation_policies *level = attestation_policy_records_build(two, 1, &problem);
    assert_null(problem.code);
    assert_int_equal(policy_set_count(first->set), 2);
    assert_non_null(policy_set_find(first->set, "b"));
    assert_memory_equal(first->digest, second->digest, 32); /* whatever the order */
    assert_memory_not_equal(first->digest, level->digest, 32);
    attestation_policies_release(&second);
    attestation_policy_records_put(two, "x", slice_from_text("{\"name\":\"x\"}")); /* damaged */
    second = attestation_policy_records_build(two, 2, &problem);
    assert_non_null(problem.code);
    assert_int_equal(policy_set_count(second->set), 2);
    assert_memory_not_equal(first->digest, second->digest, 32);
    /* a record that switches off what is locked is told, and does not */
    struct policy locked = {.kind = POLICY_BUILTIN,
                            .profile = EVENTLOG_PROFILE_LINUX,
                            .state = POLICY_DISABLED,
                            .added_by = "mallory"};
    snprintf(locked.name, sizeof locked.name, "Hgs_SecureBootEnabled");
    buf_init(&value, POLICY_RECORD_MAX);
    policy_format(&value, &locked);
    attestation_policy_records_remove(two, "x");
    attestation_policy_records_put(two, "linux/Hgs_SecureBootEnabled", buf_slice(&value));
    attestation_policies_release(&second);
    second = attestation_policy_records_build(two, 2, &problem);
    assert_ptr_equal(problem.code, &policy_locked);
    assert_int_equal(
        policy_set_builtin_state(second->set, EVENTLOG_PROFILE_LINUX, BUILTIN_SECURE_BOOT_ENABLED),
        POLICY_LOCKED);
    struct attestation_policies *held = attestation_policies_ref(first);
    attestation_policies_release(&first);
    assert_int_equal(policy_set_count(held->set), 2);
    attestation_policies_release(&held);
    attestation_policies_release(&second);
    attestation_policies_release(&level);
    attestation_policy_records_free(&one);
    attestation_policy_records_free(&two);
}

static void test_roots(void **state)
{
    (void)state;
    char key[ATTESTATION_THUMBPRINT_SIZE];
    bool intermediate = false;
    struct error problem = {0};
    _cleanup_host_ struct host host;
    _cleanup_buf_ struct buf value, der;
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    buf_init(&value, ATTESTATION_TPM_ROOT_VALUE_MAX);
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_refused(attestation_tpm_root_format(&value, key, simulated_tpm_certificate(host.tpm),
                                               false, 0, "root", err),
                   &tpm_root_not_authority);
    assert_ok(attestation_tpm_root_format(&value, key, simulated_tpm_intermediate(), true, 0,
                                          "root", err));
    assert_ok(attestation_tpm_root_parse(&der, &intermediate, buf_slice(&value), err));
    assert_true(intermediate);
    assert_true(slice_equal(buf_slice(&der), simulated_tpm_intermediate()));
    struct attestation_tpm_roots *roots = attestation_tpm_roots_new();
    assert_true(attestation_tpm_roots_put(roots, key, buf_slice(&value), &problem));
    assert_false(attestation_tpm_roots_put(roots, "damaged", slice_from_text("{}"), &problem));
    assert_non_null(problem.code);
    struct tpm_trust *trust = attestation_tpm_roots_build(roots);
    assert_int_equal(tpm_trust_count(trust), 1);
    tpm_trust_free(&trust);
    /* a damaged record takes the place of the good one: nothing is trusted by it */
    assert_false(attestation_tpm_roots_put(roots, key, slice_from_text("[]"), &problem));
    trust = attestation_tpm_roots_build(roots);
    assert_int_equal(tpm_trust_count(trust), 0);
    tpm_trust_free(&trust);
    attestation_tpm_roots_free(&roots);
}

static struct attestation_boot made_boot(const char *log)
{
    struct attestation_boot boot = {.host = "n1",
                                    .time = 1700000000,
                                    .digest = {1, 2},
                                    .profile = EVENTLOG_PROFILE_WINDOWS,
                                    .version = POLICY_VERSION_1,
                                    .bank = DIGEST_SHA384,
                                    .proven = true};
    boot.reasons = memory_allocate_zero(1, sizeof *boot.reasons);
    boot.reasons[0] = (struct attestation_boot_reason){memory_copy_text("Hgs_\"X\""),
                                                       VERDICT_FAILED, memory_copy_text("why")};
    boot.reason_count = 1;
    buf_init(&boot.log, ATTESTATION_BOOT_LOG_MAX);
    buf_append_text(&boot.log, log);
    return boot;
}

static void test_boot_record(void **state)
{
    (void)state;
    _cleanup_attestation_boot_ struct attestation_boot boot = made_boot("the log"), got = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    attestation_boot_format(&value, &boot);
    assert_ok(attestation_boot_parse(&got, buf_slice(&value), err));
    assert_string_equal(got.host, "n1");
    assert_int_equal(got.time, boot.time);
    assert_memory_equal(got.digest, boot.digest, 32);
    assert_int_equal(got.profile, boot.profile);
    assert_int_equal(got.version, boot.version);
    assert_int_equal(got.bank, boot.bank);
    assert_true(got.proven);
    assert_int_equal(got.reason_count, 1);
    assert_string_equal(got.reasons[0].policy, "Hgs_\"X\"");
    assert_int_equal(got.reasons[0].result, VERDICT_FAILED);
    assert_true(slice_equals_text(buf_slice(&got.log), "the log"));
}

/* Noise does not compress: such a log is left out, and the record is still one. */
static void test_boot_of_a_large_log(void **state)
{
    (void)state;
    _cleanup_attestation_boot_ struct attestation_boot boot = made_boot(""), got = {0};
    _cleanup_buf_ struct buf value;
    uint32_t noise = 1;
    for (size_t i = 0; i < 1024 * 1024; i++) {
        noise = noise * 1664525 + 1013904223;
        buf_append_u8(&boot.log, (uint8_t)(noise >> 24));
    }
    buf_init(&value, STORE_VALUE_MAX);
    attestation_boot_format(&value, &boot);
    assert_ok(buf_ok(&value, "record", err));
    assert_ok(attestation_boot_parse(&got, buf_slice(&value), err));
    assert_int_equal(got.log.size, 0);
}

static void test_damaged_boot_records(void **state)
{
    (void)state;
    static const char good[] =
        "{\"host\":\"n1\",\"time\":\"2026-11-25T00:00:00Z\",\"digest\":\"%s\",\"profile\":\"%s\","
        "\"policy_version\":\"%s\",\"bank\":\"%s\",\"proven\":true,\"reasons\":[%s]%s}";
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const struct {
        const char *digest, *profile, *version, *bank, *reason, *log;
        bool good;
    } cases[] = {
        {zeros, "linux", "v2", "sha256", "", "", true},
        {zeros + 2, "linux", "v2", "sha256", "", "", false},
        {zeros, "none", "v2", "sha256", "", "", false},
        {zeros, "linux", "v9", "sha256", "", "", false},
        {zeros, "linux", "v2", "sha1", "", "", false},
        {zeros, "linux", "v2", "sha256", "{\"policy\":\"x\",\"result\":\"Good\",\"text\":\"\"}", "",
         false},
        {zeros, "linux", "v2", "sha256", "1", "", false},
        {zeros, "linux", "v2", "sha256", "", ",\"log\":\"AAAA\"", false},
        {zeros, "linux", "v2", "sha256", "", ",\"log\":7", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_boot boot = {0};
        _cleanup_buf_ struct buf value;
        buf_init(&value, 4096);
        buf_append_format(&value, good, cases[i].digest, cases[i].profile, cases[i].version,
                          cases[i].bank, cases[i].reason, cases[i].log);
        bool accepted = attestation_boot_parse(&boot, buf_slice(&value), NULL);
        if (accepted != cases[i].good)
            fail_msg("case %zu", i);
        attestation_boot_done(&boot);
    }
}

static void test_no_boot(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_boot boot;
    assert_refused(attestation_boot_load_pending(&boot, fixture->store, "n1", err),
                   &attestation_boot_none);
    assert_refused(attestation_boot_load_last(&boot, fixture->store, "n1", err),
                   &attestation_boot_none);
    change(fixture, STORE_PENDING, "n1", "{}");
    assert_false(attestation_boot_load_pending(&boot, fixture->store, "n1", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_host_record),
        FIXTURE_TEST(test_registration_refusals),
        FIXTURE_TEST(test_damaged_host_records),
        FIXTURE_TEST(test_host_cache),
        FIXTURE_TEST(test_host_of_two_keys),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_boot_record),
        cmocka_unit_test(test_boot_of_a_large_log),
        cmocka_unit_test(test_damaged_boot_records),
        FIXTURE_TEST(test_no_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
