/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include "base/memory.h"
#include "testing.h"

/* A log whose every byte the test chooses: bank SHA-256. */
static void begin(struct buf *out)
{
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    buf_init(out, 64u << 20);
    buf_append(out, log_builder_slice(&builder));
}

/* The front of an event up to its digests. */
static void append_front(struct buf *out, uint32_t pcr, uint32_t type, uint32_t count)
{
    buf_append_u32_le(out, pcr);
    buf_append_u32_le(out, type);
    buf_append_u32_le(out, count);
}

static void append_digest(struct buf *out, uint16_t algorithm, size_t size)
{
    buf_append_u16_le(out, algorithm);
    buf_append(out, slice_of((const uint8_t[128]){0}, size));
}

#define assert_parse_refuses(buf_, code)                                       \
    do {                                                                       \
        struct eventlog refused_;                                              \
        assert_refused(eventlog_parse(&refused_, buf_slice(buf_), err), code); \
    } while (0)

static void test_reads_events(void **state)
{
    (void)state;
    static const enum digest_algorithm banks[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384,
                                                  DIGEST_SHA512};
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, banks, 4);
    log_builder_text(&builder, 5, EVENTLOG_EFI_ACTION, "hello");
    log_builder_hashed(&builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION,
                       slice_from_text("image"), slice_from_text("path"));
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    assert_int_equal(log.event_count, 3);
    assert_int_equal(log.banks, 0xF);
    assert_int_equal(log.events[1].pcr, 5);
    assert_int_equal(log.events[1].type, EVENTLOG_EFI_ACTION);
    assert_true(slice_equals_text(log.events[1].data, "hello"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(eventlog_event_digest(&log.events[1], banks[i]).size,
                         digest_size(banks[i]));
        assert_true(eventlog_event_is_proven(&log.events[1], banks[i]));
        assert_false(eventlog_event_is_proven(&log.events[2], banks[i]));
        assert_true(eventlog_event_covers(&log.events[2], banks[i], slice_from_text("image")));
    }
    assert_false(eventlog_event_is_proven(&log.events[0], DIGEST_SHA256)); /* a note */
}

/* Each prefix is damaged or a log of fewer events, and nothing reads past its end. */
static void test_truncated_at_every_byte(void **state)
{
    (void)state;
    for (size_t boot = 0; boot < TESTING_BOOTS; boot++) {
        _cleanup_buf_ struct buf bytes;
        _cleanup_eventlog_ struct eventlog whole = {0};
        testing_read(&bytes, testing_boots[boot], "bios.bin");
        assert_ok(eventlog_parse(&whole, buf_slice(&bytes), err));
        size_t good = 0;
        for (size_t size = 0; size < bytes.size; size++) {
            uint8_t *copy = memory_allocate(size + 1);
            memcpy(copy, bytes.data, size);
            struct eventlog log = {0};
            struct error err = {0};
            if (eventlog_parse(&log, slice_of(copy, size), &err))
                good++;
            else
                assert_string_equal(err.code->name, eventlog_truncated.name);
            assert_true(log.event_count < whole.event_count);
            eventlog_done(&log);
            free(copy);
        }
        /* At the ends of events, and with a few zeros of the next one, which look like padding. */
        assert_true(good >= whole.event_count - 1 && good <= 8 * whole.event_count);
    }
}

static void test_padding(void **state)
{
    (void)state;
    static const uint8_t zeros[1000];
    uint8_t ones[1000];
    memset(ones, 0xFF, sizeof ones);
    for (size_t size = 1; size <= sizeof zeros; size += 37) {
        _cleanup_log_builder_ struct log_builder zero_padded, one_padded, mixed;
        _cleanup_eventlog_ struct eventlog log = {0};
        testing_log(&zero_padded);
        log_builder_text(&zero_padded, 5, EVENTLOG_EFI_ACTION, "hello");
        buf_append_bytes(&zero_padded.bytes, zeros, size);
        assert_ok(eventlog_parse(&log, log_builder_slice(&zero_padded), err));
        assert_int_equal(log.event_count, 2);
        testing_log(&one_padded);
        buf_append_bytes(&one_padded.bytes, ones, size);
        assert_parse_refuses(&one_padded.bytes, eventlog_ccel);
        testing_log(&mixed);
        buf_append_bytes(&mixed.bytes, zeros, size);
        buf_append_u8(&mixed.bytes, 1);
        struct eventlog refused;
        struct error err = {0};
        assert_false(eventlog_parse(&refused, buf_slice(&mixed.bytes), &err));
    }
}

static void test_sizes(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf huge, large, many;
    begin(&huge);
    append_front(&huge, 0, EVENTLOG_ACTION, 1);
    append_digest(&huge, DIGEST_SHA256, 32);
    buf_append_u32_le(&huge, UINT32_MAX);
    assert_parse_refuses(&huge, eventlog_too_large);

    begin(&large);
    memset(buf_reserve(&large, EVENTLOG_SIZE_MAX), 0, EVENTLOG_SIZE_MAX);
    buf_added(&large, EVENTLOG_SIZE_MAX);
    assert_parse_refuses(&large, eventlog_too_large);

    begin(&many);
    for (int i = 0; i < 100000 && many.size < EVENTLOG_SIZE_MAX - 50; i++) {
        append_front(&many, 0, EVENTLOG_ACTION, 1);
        append_digest(&many, DIGEST_SHA256, 32);
        buf_append_u32_le(&many, 0);
    }
    assert_parse_refuses(&many, eventlog_too_large);
}

static void test_digests(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        uint16_t algorithms[2];
    } cases[] = {
        {0, {DIGEST_SHA256, DIGEST_SHA256}},          /* none */
        {2, {DIGEST_SHA256, DIGEST_SHA256}},          /* more than declared, and twice */
        {1, {DIGEST_SHA1, DIGEST_SHA256}},            /* not declared */
        {1, {0x7777, DIGEST_SHA256}},                 /* unknown */
        {UINT32_MAX, {DIGEST_SHA256, DIGEST_SHA256}}, /* 4 G */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf log;
        begin(&log);
        append_front(&log, 0, EVENTLOG_ACTION, cases[i].count);
        append_digest(&log, cases[i].algorithms[0], 32);
        append_digest(&log, cases[i].algorithms[1], 32);
        buf_append_u32_le(&log, 0);
        assert_parse_refuses(&log, eventlog_malformed);
    }
}

/* Windows logs events with one digest although the header declares two. */
static void test_fewer_digests_than_declared(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA1, DIGEST_SHA256};
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_eventlog_ struct eventlog log = {0};
    log_builder_init(&builder, two, 2);
    builder.banks[0] = DIGEST_SHA256;
    builder.bank_count = 1;
    log_builder_text(&builder, 12, EVENTLOG_TAG, "x");
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    assert_null(log.events[1].digests[EVENTLOG_BANK_SHA1]);
    assert_non_null(log.events[1].digests[EVENTLOG_BANK_SHA256]);
}

static void test_two_digests_of_one_algorithm(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA1, DIGEST_SHA256};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, two, 2);
    builder.banks[0] = DIGEST_SHA256;
    log_builder_text(&builder, 5, EVENTLOG_ACTION, "x");
    assert_parse_refuses(&builder.bytes, eventlog_malformed);
}

static void test_pcrs(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {24, 0x7FFFFFFF, EVENTLOG_PCR_NONE};
    _cleanup_log_builder_ struct log_builder trust_point;
    _cleanup_eventlog_ struct eventlog log = {0};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_log_builder_ struct log_builder builder;
        testing_log(&builder);
        log_builder_text(&builder, wrong[i], EVENTLOG_ACTION, "x");
        assert_parse_refuses(&builder.bytes, eventlog_malformed);
    }
    testing_log(&trust_point); /* Windows' note in no PCR */
    log_builder_note(&trust_point, EVENTLOG_PCR_NONE, slice_from_text("a cut quote"));
    log_builder_text(&trust_point, 23, EVENTLOG_ACTION, "x");
    assert_ok(eventlog_parse(&log, log_builder_slice(&trust_point), err));
    struct tpm_pcr_bank bank;
    assert_ok(eventlog_replay(&bank, &log, DIGEST_SHA256, err));
}

/* The first event, with these algorithms and sizes. */
static void declare(struct buf *out, uint32_t count, const uint16_t (*algorithms)[2],
                    size_t written, const char *tail, size_t tail_size)
{
    buf_init(out, 4096);
    buf_append_u32_le(out, 0);
    buf_append_u32_le(out, EVENTLOG_NO_ACTION);
    append_digest(out, 0, 18);
    buf_append_u32_le(out, (uint32_t)(28 + 4 * written + tail_size));
    buf_append_bytes(out, "Spec ID Event03", 16);
    buf_append_bytes(out, "\0\0\0\0\0\2\0\2", 8);
    buf_append_u32_le(out, count);
    for (size_t i = 0; i < written; i++) {
        buf_append_u16_le(out, algorithms[i][0]);
        buf_append_u16_le(out, algorithms[i][1]);
    }
    buf_append_bytes(out, tail, tail_size);
}

static void test_declarations(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint16_t algorithms[3][2];
        uint32_t count, written;
        const char *tail;
        size_t tail_size;
        const struct error_code *code;
    } cases[] = {
        {"good", {{DIGEST_SHA256, 32}}, 1, 1, "\0", 1, NULL},
        {"vendor's bytes", {{DIGEST_SHA256, 32}}, 1, 1, "\2ab", 3, NULL},
        {"unknown algorithm", {{DIGEST_SHA256, 32}, {0x7777, 40}}, 2, 2, "\0", 1, NULL},
        {"SM3", {{0x12, 32}}, 1, 1, "\0", 1, NULL},
        {"wrong size", {{DIGEST_SHA256, 20}}, 1, 1, "\0", 1, &eventlog_malformed},
        {"SM3 of a wrong size", {{0x12, 20}}, 1, 1, "\0", 1, &eventlog_malformed},
        {"no size", {{0x7777, 0}}, 1, 1, "\0", 1, &eventlog_malformed},
        {"huge size", {{0x7777, 65535}}, 1, 1, "\0", 1, &eventlog_malformed},
        {"twice", {{DIGEST_SHA256, 32}, {DIGEST_SHA256, 32}}, 2, 2, "\0", 1, &eventlog_malformed},
        {"none", {{0}}, 0, 0, "\0", 1, &eventlog_too_large},
        {"too many", {{0}}, 17, 0, "\0", 1, &eventlog_too_large},
        {"4 G", {{0}}, UINT32_MAX, 0, "\0", 1, &eventlog_too_large},
        {"fewer than counted", {{DIGEST_SHA256, 32}}, 2, 1, "\0", 1, &eventlog_malformed},
        {"vendor's bytes cut", {{DIGEST_SHA256, 32}}, 1, 1, "\3ab", 3, &eventlog_malformed},
        {"bytes behind", {{DIGEST_SHA256, 32}}, 1, 1, "\0a", 2, &eventlog_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf bytes;
        _cleanup_eventlog_ struct eventlog log = {0};
        print_message("%s\n", cases[i].what);
        declare(&bytes, cases[i].count, cases[i].algorithms, cases[i].written, cases[i].tail,
                cases[i].tail_size);
        if (cases[i].code == NULL)
            assert_ok(eventlog_parse(&log, buf_slice(&bytes), err));
        else
            assert_parse_refuses(&bytes, *cases[i].code);
    }
}

/* A log of TPM 1.2: all events in the layout that a first event has. */
static void append_sha1(struct buf *out, uint32_t pcr, uint32_t type, const char *data, size_t size)
{
    buf_append_u32_le(out, pcr);
    buf_append_u32_le(out, type);
    append_digest(out, 0, 18);
    buf_append_u32_le(out, (uint32_t)size);
    buf_append_bytes(out, data, size);
}

static void test_tpm12(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf named, bare, rubbish;
    buf_init(&named, 4096);
    append_sha1(&named, 0, EVENTLOG_NO_ACTION, "Spec ID Event02\0\0\0\0\0\2\0\2\0\1\0", 25);
    append_sha1(&named, 0, EVENTLOG_ACTION, "x", 1);
    assert_parse_refuses(&named, eventlog_tpm12);
    buf_init(&bare, 4096);
    append_sha1(&bare, 0, EVENTLOG_S_CRTM_VERSION, "x", 1);
    append_sha1(&bare, 7, EVENTLOG_SEPARATOR, "\0\0\0\0", 4);
    assert_parse_refuses(&bare, eventlog_tpm12);
    buf_init(&rubbish, 4096);
    append_sha1(&rubbish, 0, EVENTLOG_S_CRTM_VERSION, "x", 1);
    append_sha1(&rubbish, 77, EVENTLOG_SEPARATOR, "\0\0\0\0", 4);
    assert_parse_refuses(&rubbish, eventlog_malformed);
}

static void test_ccel(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder variable;
    static const struct guid global = {{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d,
                                        0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
    _cleanup_buf_ struct buf first, second;
    begin(&first);
    first.data[0] = 1;
    assert_parse_refuses(&first, eventlog_ccel);
    begin(&second);
    second.data[0] = 2;
    assert_parse_refuses(&second, eventlog_malformed);
    testing_log(&variable);
    log_builder_variable(&variable, 1, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &global, "SecureBoot",
                         slice_of("\1", 1));
    assert_parse_refuses(&variable.bytes, eventlog_ccel);
}

static void test_two_boots(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf log, twice, events;
    testing_read(&log, "secure-boot-uki", "bios.bin");
    buf_init(&twice, 1u << 20);
    buf_append(&twice, buf_slice(&log));
    buf_append(&twice, buf_slice(&log));
    assert_parse_refuses(&twice, eventlog_two_boots);
    /* Without the second's first event, so that only the separators tell. */
    size_t front = 32 + (size_t)(log.data[28] | log.data[29] << 8);
    buf_init(&events, 1u << 20);
    buf_append(&events, buf_slice(&log));
    buf_append(&events, slice_of(log.data + front, log.size - front));
    assert_parse_refuses(&events, eventlog_two_boots);
}

static void test_rubbish(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf empty, text;
    buf_init(&empty, 16);
    assert_parse_refuses(&empty, eventlog_truncated);
    buf_init(&text, 4096);
    buf_append_text(&text, "10 751ca51740aace4c73a6a8cb7b2c48c151d60f16 ima-sig sha256:00174f0a");
    assert_parse_refuses(&text, eventlog_too_large);
}

/* Events of zeros up to the last byte: time is linear. */
static void test_zeros(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf zeros;
    buf_init(&zeros, EVENTLOG_SIZE_MAX);
    memset(buf_reserve(&zeros, EVENTLOG_SIZE_MAX), 0, EVENTLOG_SIZE_MAX);
    buf_added(&zeros, EVENTLOG_SIZE_MAX);
    assert_parse_refuses(&zeros, eventlog_tpm12);
    zeros.data[EVENTLOG_SIZE_MAX - 1] = 1;
    assert_parse_refuses(&zeros, eventlog_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_events),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_fewer_digests_than_declared),
        cmocka_unit_test(test_two_digests_of_one_algorithm),
        cmocka_unit_test(test_pcrs),
        cmocka_unit_test(test_declarations),
        cmocka_unit_test(test_tpm12),
        cmocka_unit_test(test_ccel),
        cmocka_unit_test(test_two_boots),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
