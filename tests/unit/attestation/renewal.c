/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "attestation/signer_schedule.h"

#define DAY INT64_C(86400)

/* The states of all signers as signer list shows them, oldest first, with spaces. */
static const char *states(struct fixture *fixture)
{
    static char text[256];
    const char *found[8][2];
    size_t count = 0;
    struct json *document = NULL;
    struct json_writer writer;
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    json_writer_init(&writer, &out);
    json_write_object(&writer, NULL);
    attestation_signer_describe(fixture->service, &writer, "signers");
    json_write_object_end(&writer);
    assert_ok(json_parse(&document, buf_slice(&out), err));
    for (const struct json *item = json_first(json_get(document, "signers")); item != NULL;
         item = json_next(item)) {
        const char *active_at = json_text(json_get(item, "active_at"));
        size_t at = count++;
        assert_true(count <= 8);
        for (; at > 0 && strcmp(found[at - 1][0], active_at) > 0; at--)
            memcpy(found[at], found[at - 1], sizeof found[at]);
        found[at][0] = active_at;
        found[at][1] = json_text(json_get(item, "state"));
    }
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "%s%s", i == 0 ? "" : " ", found[i][1]);
    }
    json_free(&document);
    return text;
}

static int64_t count_of(struct fixture *fixture, enum store_kind kind)
{
    int64_t count;
    assert_ok(store_count(fixture->store, kind, &count, err));
    return count;
}

/* Moves the clock to what the last tick said, and ticks. */
static int64_t tick_at(struct fixture *fixture, int64_t due)
{
    fixture->clock.offset += due - clock_now(&fixture->clock);
    return tick(fixture);
}

/* A signer's successors over two months, ticking only when said; an attestation always passes. */
static void test_schedule(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    int64_t start = clock_now(&fixture->clock), due = tick(fixture);
    assert_string_equal(states(fixture), "active");
    assert_in_range(due - start, 19 * DAY - 200, 19 * DAY);
    assert_int_equal(count_of(fixture, STORE_KEY), 1);
    for (int life = 0; life < 3; life++) {
        assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
        due = tick_at(fixture, due);
        assert_string_equal(states(fixture), "active published");
        assert_int_equal(count_of(fixture, STORE_KEY), 2);
        assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
        due = tick_at(fixture, due);
        assert_string_equal(states(fixture), "retired active");
        assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
        due = tick_at(fixture, due);
        assert_string_equal(states(fixture), "active");
        assert_int_equal(count_of(fixture, STORE_KEY), 1);
        assert_int_equal(count_of(fixture, STORE_ATTESTATION_SIGNER), 1);
    }
}

/* While the clock may be wrong, what has served stays: when it is set right, it may be needed. */
static void test_clock_set(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    int64_t due = tick(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    attestation_keep_retired(fixture->service, true);
    static const int64_t shifts[] = {40 * DAY, -40 * DAY, -400 * DAY, 400 * DAY};
    static const char *const expected[] = {"expired active", "active future",
                                           "active future future", "expired active future"};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        fixture->clock.offset += shifts[i];
        tick(fixture);
        assert_string_equal(states(fixture), expected[i]);
        assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
        assert_string_equal(trail.event, "attestation.passed");
    }
    attestation_keep_retired(fixture->service, false);
    tick(fixture);
    assert_string_equal(states(fixture), "active future");
    fixture->clock.offset += due - clock_now(&fixture->clock); /* its renewal is as it was */
    tick(fixture);
    assert_string_equal(states(fixture), "active published future");
}

static void test_ticking_often_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    int64_t before, after;
    initialise(fixture);
    tick(fixture);
    assert_ok(store_revision(fixture->store, &before, err));
    for (int i = 0; i < 5; i++)
        tick(fixture);
    assert_ok(store_revision(fixture->store, &after, err));
    assert_int_equal(before, after);
}

static void test_renew(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    assert_ok(attestation_signer_renew(fixture->service, err));
    assert_string_equal(states(fixture), "active published");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* Nodes do not touch each other's; a node that starts finds its own again. */
static void test_nodes(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    start_service(fixture, "n2");
    tick(fixture);
    assert_int_equal(count_of(fixture, STORE_ATTESTATION_SIGNER), 2);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    start_service(fixture, "n1");
    tick(fixture);
    assert_int_equal(count_of(fixture, STORE_ATTESTATION_SIGNER), 2);
    /* n2 never comes back: what it left is removed a day after its end */
    fixture->clock.offset += 30 * DAY + 1;
    tick(fixture);
    assert_int_equal(count_of(fixture, STORE_ATTESTATION_SIGNER), 2); /* n1's new one and n2's */
    fixture->clock.offset += DAY;
    tick(fixture);
    assert_int_equal(count_of(fixture, STORE_ATTESTATION_SIGNER), 1);
}

static void test_longest_is_noted(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    initialise(fixture);
    change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":172800}");
    tick(fixture);
    change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":3600}");
    tick(fixture);
    assert_ok(attestation_signer_list_load(&list, fixture->store, NULL, err));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].longest_seconds, 172800);
}

static void test_p256(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    change(fixture, STORE_SETTING, "attestation", "{\"signer_key\":\"p256\"}");
    initialise(fixture);
    assert_ok(attestation_signer_list_load(&list, fixture->store, NULL, err));
    assert_int_equal(list.count, 1);
    assert_int_equal(public_key_type(certificate_key(list.items[0].certificate)), PUBLIC_KEY_P256);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* A record is what it says, or is refused. */
static void test_record(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer read;
    _cleanup_buf_ struct buf value, again;
    initialise(fixture);
    assert_ok(attestation_signer_list_load(&list, fixture->store, NULL, err));
    struct attestation_signer *signer = &list.items[0];
    signer->deny_before = 1700000000;
    buf_init(&value, VECTOR_MAX);
    buf_init(&again, VECTOR_MAX);
    attestation_signer_format(&value, signer);
    assert_ok(attestation_signer_parse(&read, signer->thumbprint, buf_slice(&value), 7, err));
    assert_int_equal(read.deny_before, 1700000000);
    assert_int_equal(read.active_at, signer->active_at);
    assert_int_equal(read.revision, 7);
    assert_string_equal(read.node, "n1");
    attestation_signer_format(&again, &read);
    assert_string_equal(buf_text(&again), buf_text(&value));
    attestation_signer_done(&read);

    char other[] = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_refused(attestation_signer_parse(&read, other, buf_slice(&value), 0, err),
                   &attestation_signer_malformed);
    char *id = strstr((char *)value.data, "\"key_id\":\"") + strlen("\"key_id\":\"");
    *id = *id == '0' ? '1' : '0';
    assert_refused(attestation_signer_parse(&read, signer->thumbprint, buf_slice(&value), 0, err),
                   &attestation_signer_malformed);
    assert_refused(
        attestation_signer_parse(&read, signer->thumbprint, slice_from_text("{}"), 0, err),
        &base_json_malformed);
    char *use = strstr((char *)again.data, "\"use\":\"health\"") + strlen("\"use\":\"");
    *use = 'w';
    assert_refused(attestation_signer_parse(&read, signer->thumbprint, buf_slice(&again), 0, err),
                   &attestation_signer_malformed);
}

/* A damaged record of the store is passed over and told. */
static void test_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct error problem = {0};
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    initialise(fixture);
    change(fixture, STORE_ATTESTATION_SIGNER, "00", "{}");
    assert_ok(attestation_signer_list_load(&list, fixture->store, &problem, err));
    assert_int_equal(list.count, 1);
    assert_ptr_equal(problem.code, &base_json_malformed);
}

/* A long name of a node is cut in the certificate, and is no other in the record. */
static void test_long_node(void **state)
{
    struct fixture *fixture = *state;
    char node[ATTESTATION_NAME_SIZE];
    memset(node, 'n', sizeof node);
    node[sizeof node - 1] = '\0';
    start_service(fixture, node);
    initialise(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* A renewal that fails is tried each minute; the keyholder has room for 256 keys. */
static void test_failing_leaves_no_key(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = clock_now(&fixture->clock);
    struct attestation_signer_plan plan = {
        .node = "\xff",
        .key = ATTESTATION_SIGNER_KEY_P256,
        .not_before = now,
        .not_after = now + DAY,
    };
    struct attestation_signer_draft draft = {0};
    for (int i = 0; i < 300; i++) {
        struct error err = {0};
        assert_false(attestation_signer_create(&draft, &plan, fixture->keyholder, &err));
        assert_string_equal(err.code->name, "crypto.certificate-malformed");
    }
    plan.node = "node";
    assert_ok(attestation_signer_create(&draft, &plan, fixture->keyholder, err));
    attestation_signer_draft_done(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_schedule),
        FIXTURE_TEST(test_clock_set),
        FIXTURE_TEST(test_ticking_often_changes_nothing),
        FIXTURE_TEST(test_renew),
        FIXTURE_TEST(test_nodes),
        FIXTURE_TEST(test_longest_is_noted),
        FIXTURE_TEST(test_p256),
        FIXTURE_TEST(test_record),
        FIXTURE_TEST(test_damaged),
        FIXTURE_TEST(test_long_node),
        FIXTURE_TEST(test_failing_leaves_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
