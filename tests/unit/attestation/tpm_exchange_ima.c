/* SPDX-License-Identifier: Apache-2.0 */

/* IMA's list grows while a host attests: it is of now, however well the boot is remembered. */

#include "tpm_exchange_fixture.h"

#include "eventlog/ima.h"

/* Measures as IMA does: an entry of the list, and PCR 10. fields are the template's. */
static void measure(struct host *host, const char *template, struct slice fields)
{
    struct digest sha1, sha256;
    digest_compute(&sha1, DIGEST_SHA1, fields);
    digest_compute(&sha256, DIGEST_SHA256, fields);
    buf_append_u32_le(&host->ima, IMA_PCR);
    buf_append(&host->ima, digest_slice(&sha1));
    buf_append_u32_le(&host->ima, (uint32_t)strlen(template));
    buf_append_text(&host->ima, template);
    buf_append_u32_le(&host->ima, (uint32_t)fields.size);
    buf_append(&host->ima, fields);
    simulated_tpm_extend(host->tpm, IMA_PCR, digest_slice(&sha256));
}

static void append_field(struct buf *out, const void *bytes, size_t size)
{
    buf_append_u32_le(out, (uint32_t)size);
    buf_append_bytes(out, bytes, size);
}

/* d-ng and n-ng; for ima-buf also the buffer. */
static void measure_digest(struct host *host, const struct digest *digest, const char *name,
                           const char *text)
{
    uint8_t named[7 + 1 + DIGEST_SHA256_SIZE] = "sha256:";
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, 1024);
    memcpy(named + 8, digest->value, DIGEST_SHA256_SIZE);
    append_field(&fields, named, sizeof named);
    append_field(&fields, name, strlen(name) + 1);
    if (text != NULL)
        append_field(&fields, text, strlen(text));
    measure(host, text == NULL ? "ima-ng" : "ima-buf", buf_slice(&fields));
}

static void measure_text(struct host *host, const char *name, const char *content, bool is_buffer)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text(content));
    measure_digest(host, &digest, name, is_buffer ? content : NULL);
}

static void measure_aggregate(struct host *host)
{
    struct slice values[10];
    struct digest digest;
    for (unsigned pcr = 0; pcr < 10; pcr++)
        values[pcr] = tpm_pcr_value(simulated_tpm_pcrs(host->tpm), pcr);
    digest_compute_parts(&digest, DIGEST_SHA256, values, 10);
    measure_digest(host, &digest, "boot_aggregate", NULL);
}

/* A host whose code integrity policy is a file that IMA measures. */
static void ima_host(struct host *host)
{
    exchange_host(host, false);
    struct policy policy = new_policy("kernel", POLICY_CI, EVENTLOG_PROFILE_LINUX);
    assert_ok(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), err));
    add_policy(fixture, &policy);
    buf_reserve(&host->ima, 4096); /* what was sent stays where it is while the list grows */
    measure_aggregate(host);
    measure_text(host, "/etc/ima/ima-policy", "rules", false);
}

static void list_grows(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 0)
        measure_text(client->host, "/bin/true", "true", false);
}

/* Another kernel is loaded behind the first step. */
static void kexec(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 0)
        measure_text(client->host, "kexec-cmdline", "quiet", true);
}

/* … and the list does not say so. */
static void hidden_kexec(struct client *client, unsigned round, struct rtpm_context *context)
{
    static size_t honest;
    if (round == 0) {
        honest = client->host->ima.size;
        kexec(client, round, context);
    } else if (round == LAST) {
        context->ima_log.size = honest;
    }
}

static void no_list(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    if (round == LAST)
        context->ima_log = SLICE_EMPTY;
}

static void test_ima(void **state)
{
    static const struct {
        client_alter *alter;
        const char *code; /* NULL: it passes */
    } cases[] = {
        {NULL, NULL},
        {list_grows, NULL},
        {kexec, "attestation.policies-failed"},
        {hidden_kexec, "eventlog.ima-mismatch"},
        {no_list, "attestation.policies-failed"},
        {cut_kept_log, "attestation.context-incomplete"},
    };
    fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        ima_host(&host);
        /* also when the boot is remembered: the list is of now */
        struct client client = {.host = &host};
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
        assert_true(state_size(&host) > host.log.size);
        client.alter = cases[i].alter;
        if (cases[i].code == NULL)
            assert_passes(&client, LAST + 1);
        else
            expect_refused(&client, cases[i].code, false);
    }
}

/* What IMA has measured since is seen at once, also of a boot that passed before. */
static void test_ima_is_never_remembered(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    ima_host(&host);
    struct client client = {.host = &host};
    for (int i = 0; i < 2; i++) {
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
    }
    measure_text(&host, "kexec-cmdline", "quiet", true);
    expect_refused(&client, "attestation.policies-failed", false);
    assert_int_equal(client.rounds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_ima),
        FIXTURE_TEST(test_ima_is_never_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
