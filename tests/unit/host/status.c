/* SPDX-License-Identifier: Apache-2.0 */
#include "host/status.h"

#include "../folder.h"

#include <string.h>

#include "base/file.h"
#include "host/errors.h"

static void is(enum attestation_reply_type type, const char *status, const char *substatus)
{
    struct attestation_reply reply = {.type = type};
    struct host_status_record record = {0};
    host_status_of_reply(&record, &reply);
    assert_string_equal(host_status_name(record.status), status);
    assert_string_equal(record.substatus, substatus);
}

static void uses_the_words_of_windows(void **state)
{
    (void)state;
    is(ATTESTATION_REPLY_HEALTH_CERTIFICATE, "Passed", "NoInformation");
    is(ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "UnauthorizedHost", "NoInformation");
    is(ATTESTATION_REPLY_POLICY_EVALUATION_ERROR, "InsecureHostConfiguration", "NoInformation");
    is(ATTESTATION_REPLY_TCG_LOG_ERROR, "InsecureHostConfiguration", "TcgLogVerification");
    is(ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, "InsecureHostConfiguration",
       "VirtualSecureMode");
    is(ATTESTATION_REPLY_VSM_REPORT_ERROR, "InsecureHostConfiguration", "VirtualSecureMode");
    is(ATTESTATION_REPLY_RTPM_ERROR, "TpmError", "NoInformation");
    is(ATTESTATION_REPLY_UNAVAILABLE_ERROR, "TransientError", "NoInformation");
    is(ATTESTATION_REPLY_OPERATION_MODE_ERROR, "TransientError", "NoInformation");
    is(ATTESTATION_REPLY_PAYLOAD_ERROR, "TransientError", "NoInformation");
    is(ATTESTATION_REPLY_ERROR, "TransientError", "NoInformation");
    assert_string_equal(host_status_name(HOST_STATUS_EXPIRED), "Expired");
    assert_string_equal(host_status_name(HOST_STATUS_UNKNOWN), "Unknown");
    assert_string_equal(host_status_name(HOST_STATUS_NOT_CONFIGURED), "NotConfigured");
}

static void says(enum host_status status, const char *substatus, const char *wanted,
                 const char *unwanted)
{
    struct host_status_record record = {.status = status};
    _cleanup_buf_ struct buf next;
    buf_init(&next, 8192);
    snprintf(record.substatus, sizeof record.substatus, "%s", substatus);
    host_status_next(&next, &record);
    if (wanted == NULL)
        assert_int_equal(next.size, 0);
    else
        assert_non_null(strstr(buf_text(&next), wanted));
    if (unwanted != NULL)
        assert_null(strstr(buf_text(&next), unwanted));
}

static void says_what_to_do_next(void **state)
{
    (void)state;
    says(HOST_STATUS_PASSED, "NoInformation", NULL, NULL);
    says(HOST_STATUS_UNAUTHORIZED_HOST, "NoInformation", "hgsctl host add", NULL);
    says(HOST_STATUS_INSECURE_HOST_CONFIGURATION, "SecureBoot", "Secure Boot on", "pending");
    says(HOST_STATUS_INSECURE_HOST_CONFIGURATION, "SecureBootSettings", "pending",
         "switch Secure Boot on");
    says(HOST_STATUS_INSECURE_HOST_CONFIGURATION, "Iommu, DumpsEnabled", "crashkernel", NULL);
    says(HOST_STATUS_INSECURE_HOST_CONFIGURATION, "Iommu, DumpsEnabled", "intel_iommu=on",
         "nohibernate");
    says(HOST_STATUS_INSECURE_HOST_CONFIGURATION, "VirtualSecureMode", "virtualization", "\n");
}

static struct attestation_reason reason(const char *guid, bool passed)
{
    struct attestation_reason made = {.passed = passed};
    assert_ok(guid_parse(&made.policy, slice_from_text(guid), err));
    return made;
}

static void names_the_policies_that_failed(void **state)
{
    (void)state;
    struct attestation_reply reply = {.type = ATTESTATION_REPLY_POLICY_EVALUATION_ERROR};
    struct host_status_record record = {0};
    static const char *const guids[] = {
        "6a460ee1-62ea-416f-ae6c-04e29634506d", /* SecureBootEnabled */
        "da0776e5-6570-44b3-9a17-7e95b4fc7779", /* IommuEnabled, passed */
        "75d595de-12f5-41e9-a61e-469d3205ecca", /* VsmIdkPresent */
        "6c0a6d29-5bcb-4f28-bafb-f71eb60fdae0", /* VsmRunning: the same word, once */
        "463f3571-48f3-4139-94c4-2eb78e8a6ea2", /* Lockdown, which Windows does not have */
        "00000000-0000-0000-0000-00000000000a",
    };
    for (size_t i = 0; i < sizeof guids / sizeof guids[0]; i++)
        reply.reasons[reply.reason_count++] = reason(guids[i], i == 1);
    host_status_of_reply(&record, &reply);
    assert_string_equal(record.substatus, "SecureBoot, VirtualSecureMode, Lockdown, "
                                          "00000000-0000-0000-0000-00000000000a");
    /* The most that a reply can hold fits, or is cut. */
    reply.reason_count = 0;
    while (reply.reason_count < ATTESTATION_REASONS_MAX) {
        char guid[] = "00000000-0000-0000-0000-000000000000";
        snprintf(guid + 34, 3, "%02x", (unsigned)reply.reason_count);
        reply.reasons[reply.reason_count++] = reason(guid, false);
    }
    host_status_of_reply(&record, &reply);
    assert_int_equal(strlen(record.substatus), HOST_SUBSTATUS_SIZE - 1);
}

/* Beside whatever else there is to do, when it is far enough away. */
static void says_that_the_clock_is_off(void **state)
{
    (void)state;
    static const struct {
        int64_t offset;
        bool known, said;
    } cases[] = {{0, true, false},  {300, true, false}, {-300, true, false},
                 {301, true, true}, {-301, true, true}, {86400, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int status = HOST_STATUS_PASSED; status <= HOST_STATUS_TRANSIENT_ERROR; status++) {
            struct host_status_record record = {.status = (enum host_status)status,
                                                .has_clock_offset = cases[i].known,
                                                .clock_offset = cases[i].offset};
            _cleanup_buf_ struct buf next;
            buf_init(&next, 8192);
            host_status_next(&next, &record);
            assert_int_equal(host_status_clock_is_off(&record), cases[i].said);
            assert_int_equal(strstr(buf_text(&next), "timedatectl") != NULL, cases[i].said);
        }
    }
}

static bool error_of(enum attestation_reply_type type, bool retryable, struct error *err)
{
    struct attestation_reply reply = {
        .type = type, .retryable = retryable, .mode = ATTESTATION_MODE_TPM};
    struct host_status_record record = {0};
    host_status_of_reply(&record, &reply);
    return host_status_error(&record, &reply, "http://x", err);
}

static void each_refusal_has_a_code(void **state)
{
    (void)state;
    assert_refused(error_of(ATTESTATION_REPLY_UNAUTHORIZED_ERROR, false, err), host_unauthorized);
    assert_refused(error_of(ATTESTATION_REPLY_POLICY_EVALUATION_ERROR, false, err), host_insecure);
    assert_refused(error_of(ATTESTATION_REPLY_TCG_LOG_ERROR, true, err), host_insecure);
    assert_refused(error_of(ATTESTATION_REPLY_RTPM_ERROR, true, err), host_tpm);
    assert_refused(error_of(ATTESTATION_REPLY_UNAVAILABLE_ERROR, true, err), host_unavailable);
    assert_refused(error_of(ATTESTATION_REPLY_OPERATION_MODE_ERROR, true, err), host_mode);
    assert_refused(error_of(ATTESTATION_REPLY_PAYLOAD_ERROR, false, err), host_refused);
}

static void is_kept(void **state)
{
    (void)state;
    char folder[FOLDER_SIZE], path[FOLDER_SIZE + 16];
    struct host_status_record record = {HOST_STATUS_INSECURE_HOST_CONFIGURATION,
                                        "Iommu",
                                        ATTESTATION_MODE_TPM,
                                        1800000000,
                                        true,
                                        true,
                                        -86400};
    struct host_status_record loaded;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/status.json", folder);
    host_status_load(&loaded, folder);
    assert_int_equal(loaded.status, HOST_STATUS_UNKNOWN);
    assert_string_equal(loaded.substatus, "NoInformation");
    assert_ok(host_status_save(&record, folder, err));
    host_status_load(&loaded, folder);
    assert_int_equal(loaded.status, record.status);
    assert_string_equal(loaded.substatus, "Iommu");
    assert_int_equal(loaded.mode, ATTESTATION_MODE_TPM);
    assert_int_equal(loaded.time, 1800000000);
    assert_true(loaded.fallback);
    assert_true(loaded.has_clock_offset);
    assert_int_equal(loaded.clock_offset, -86400);
    record.has_clock_offset = false;
    assert_ok(host_status_save(&record, folder, err));
    host_status_load(&loaded, folder);
    assert_false(loaded.has_clock_offset);
    assert_ok(file_replace(path, slice_from_text("{\"status\":3"), 0600, err));
    host_status_load(&loaded, folder);
    assert_int_equal(loaded.status, HOST_STATUS_UNKNOWN);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_the_words_of_windows),
        cmocka_unit_test(says_what_to_do_next),
        cmocka_unit_test(says_that_the_clock_is_off),
        cmocka_unit_test(names_the_policies_that_failed),
        cmocka_unit_test(each_refusal_has_a_code),
        cmocka_unit_test(is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
