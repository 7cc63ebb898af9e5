/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/rtpm_context.h"
#include "base/memory.h"

#define STATE "sealed state"

/* Everything that there is, as no one direction uses it. */
static struct rtpm_context everything(void)
{
    struct rtpm_context context = {
        .log = slice_from_text("the log"),
        .ima_log = slice_from_text("the other log"),
        .pcr_values = slice_from_text("values"),
        .has_device = true,
        .device = {RTPM_TPM_20, RTPM_INTERFACE_HARDWARE, 7},
        .has_handle = true,
        .handle = 0x81010001,
        .commands = {slice_from_text("c1"), slice_from_text("c2"), slice_from_text("c3")},
        .command_count = 3,
        .responses = {slice_from_text("r1"), slice_from_text("r2")},
        .response_count = 2,
    };
    memset(context.state.nonce, 0x11, sizeof context.state.nonce);
    memset(context.state.tag, 0x22, sizeof context.state.tag);
    context.state.bytes = slice_from_text(STATE);
    return context;
}

static void format(struct buf *out, const struct rtpm_context *context)
{
    buf_init(out, RTPM_CONTEXT_MAX);
    rtpm_context_format(out, context);
    assert_ok(buf_ok(out, "context", err));
}

/* In a block of exactly its size, so that the sanitizer sees every read beyond. */
static bool parse(struct rtpm_context *out, const uint8_t *bytes, size_t size, struct error *err)
{
    static uint8_t *exact;
    free(exact);
    exact = memory_allocate(size + (size == 0));
    memcpy(exact, bytes, size);
    return rtpm_context_parse(out, slice_of(exact, size), err);
}

static void assert_slices(const struct slice *left, const struct slice *right, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(slice_equal(left[i], right[i]));
}

static void survives_the_journey(void **state)
{
    (void)state;
    struct rtpm_context sent = everything(), got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &sent);
    assert_ok(parse(&got, bytes.data, bytes.size, err));
    assert_memory_equal(got.state.nonce, sent.state.nonce, sizeof sent.state.nonce);
    assert_memory_equal(got.state.tag, sent.state.tag, sizeof sent.state.tag);
    assert_true(slice_equal(got.state.bytes, sent.state.bytes));
    assert_true(slice_equal(got.log, sent.log));
    assert_true(slice_equal(got.ima_log, sent.ima_log));
    assert_true(slice_equal(got.pcr_values, sent.pcr_values));
    assert_true(got.has_device);
    assert_int_equal(got.device.version, RTPM_TPM_20);
    assert_int_equal(got.device.interface, RTPM_INTERFACE_HARDWARE);
    assert_int_equal(got.device.implementation, 7);
    assert_true(got.has_handle);
    assert_int_equal(got.handle, 0x81010001);
    assert_int_equal(got.command_count, 3);
    assert_int_equal(got.response_count, 2);
    assert_slices(got.commands, sent.commands, 3);
    assert_slices(got.responses, sent.responses, 2);
}

/* MS-HGSA 2.2.2.25 to 2.2.2.27, by hand. */
static void the_layout_is_the_documented_one(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        80,  0,   0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0,   0,   0,
        0, /* Size, Version, DataBlobCount, Reserved */
        2,   0,   0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9,   9,   9,
        9, /* EncContext */
        8,   8,   8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,   8,   8,
        8,                                                     /* */
        'e', 'b',                                              /* EncryptedBuffer */
        1,   0,   0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 'l', 'o', 'g', /* WBCL_INFO */
        5,   0,   0, 0, 4, 0, 0, 0, 4, 3, 2, 1,                /* EK handle */
        0,
    };
    struct rtpm_context context = {.log = slice_from_text("log"),
                                   .has_handle = true,
                                   .handle = 0x01020304,
                                   .state.bytes = slice_from_text("eb")};
    memset(context.state.nonce, 9, sizeof context.state.nonce);
    memset(context.state.tag, 8, sizeof context.state.tag);
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &context);
    assert_int_equal(bytes.size, 77);
    assert_int_equal(bytes.data[0], 77);
    bytes.data[0] = 80;
    assert_memory_equal(bytes.data, expected, bytes.size);
}

static void an_empty_one_is_good(void **state)
{
    (void)state;
    struct rtpm_context none = {0}, got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &none);
    assert_int_equal(bytes.size, 48);
    assert_ok(parse(&got, bytes.data, bytes.size, err));
    assert_int_equal(got.state.bytes.size, 0);
    assert_int_equal(got.command_count + got.response_count, 0);
    assert_false(got.has_device || got.has_handle);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct rtpm_context context = everything(), got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &context);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_refused(parse(&got, bytes.data, size, err), &attestation_context_malformed);
        if (size < 4)
            continue;
        /* also when Size goes along with it */
        uint8_t kept[4];
        memcpy(kept, bytes.data, 4);
        bytes.data[0] = (uint8_t)size;
        bytes.data[1] = (uint8_t)(size >> 8);
        assert_refused(parse(&got, bytes.data, size, err), &attestation_context_malformed);
        memcpy(bytes.data, kept, 4);
    }
}

/* A context whose bytes at an offset are others. */
static void assert_altered(size_t offset, uint8_t value, const struct error_code *code)
{
    struct rtpm_context context = everything(), got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &context);
    assert_true(offset < bytes.size);
    assert_int_not_equal(bytes.data[offset], value);
    bytes.data[offset] = value;
    assert_refused(parse(&got, bytes.data, bytes.size, err), code);
}

/* Where the data blobs begin in everything(). */
#define BLOBS (16 + 32 + sizeof STATE - 1)
#define DEVICE (BLOBS + 8 + 4 + 7)

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    assert_altered(0, 0, &attestation_context_malformed);                     /* Size */
    assert_altered(4, 2, &attestation_context_malformed);                     /* Version */
    assert_altered(8, 8, &attestation_context_malformed);                     /* one blob fewer */
    assert_altered(8, 12, &attestation_context_too_large);                    /* blobs */
    assert_altered(11, 0xff, &attestation_context_too_large);                 /* blobs */
    assert_altered(18, 0xff, &attestation_context_too_large);                 /* EncryptedBuffer */
    assert_altered(16, 0xff, &attestation_context_malformed);                 /* EncryptedBuffer */
    assert_altered(BLOBS, 0, &attestation_context_malformed);                 /* type */
    assert_altered(BLOBS, 8, &attestation_context_malformed);                 /* type */
    assert_altered(BLOBS, RTPM_BLOB_IMA_LOG, &attestation_context_malformed); /* one too many */
    assert_altered(BLOBS + 7, 0xff, &attestation_context_malformed);          /* size, 4 GB */
    assert_altered(BLOBS + 8, 6, &attestation_context_malformed);             /* WBCL_INFO's size */
    assert_altered(BLOBS + 8, 8, &attestation_context_malformed);             /* likewise */
    assert_altered(DEVICE + 8, 2, &attestation_context_malformed);            /* StructVersion */
    assert_altered(DEVICE + 12, 3, &attestation_context_malformed);           /* TpmVersion */
    assert_altered(DEVICE + 16, 5, &attestation_context_malformed);           /* TpmInterfaceType */
}

static void reserved_is_ignored(void **state)
{
    (void)state;
    struct rtpm_context context = everything(), got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &context);
    bytes.data[12] = 1;
    assert_ok(parse(&got, bytes.data, bytes.size, err));
}

/* A context with these blobs: (type, size) pairs, filled with zeros. */
static bool parse_blobs(const uint32_t (*blobs)[2], size_t count, struct error *err)
{
    struct rtpm_context got;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, (size_t)2 * RTPM_CONTEXT_MAX);
    size_t size = 48;
    for (size_t i = 0; i < count; i++)
        size += 8 + blobs[i][1];
    buf_append_u32_le(&bytes, (uint32_t)size);
    buf_append_u32_le(&bytes, 1);
    buf_append_u32_le(&bytes, (uint32_t)count);
    memset(buf_reserve(&bytes, 36), 0, 36);
    buf_added(&bytes, 36);
    for (size_t i = 0; i < count; i++) {
        buf_append_u32_le(&bytes, blobs[i][0]);
        buf_append_u32_le(&bytes, blobs[i][1]);
        if (blobs[i][1] == 0)
            continue;
        memset(buf_reserve(&bytes, blobs[i][1]), 0, blobs[i][1]);
        buf_added(&bytes, blobs[i][1]);
    }
    return parse(&got, bytes.data, bytes.size, err);
}

static void bounds_hold(void **state)
{
    (void)state;
    static const struct {
        uint32_t blobs[4][2];
        size_t count;
        const struct error_code *code; /* NULL: good */
    } cases[] = {
        {{{RTPM_BLOB_COMMAND, RTPM_COMMAND_SIZE_MAX}}, 1, NULL},
        {{{RTPM_BLOB_COMMAND, RTPM_COMMAND_SIZE_MAX + 1}}, 1, &attestation_context_too_large},
        {{{RTPM_BLOB_COMMAND, 0}}, 1, &attestation_context_malformed},
        {{{RTPM_BLOB_RESPONSE, RTPM_COMMAND_SIZE_MAX + 1}}, 1, &attestation_context_too_large},
        {{{RTPM_BLOB_RESPONSE, 0}}, 1, &attestation_context_malformed},
        {{{3, 1}, {3, 1}, {3, 1}, {3, 1}}, 4, &attestation_context_too_large},
        {{{4, 1}, {4, 1}, {4, 1}, {4, 1}}, 4, &attestation_context_too_large},
        {{{RTPM_BLOB_IMA_LOG, RTPM_LOG_MAX}}, 1, NULL},
        {{{RTPM_BLOB_IMA_LOG, RTPM_LOG_MAX + 1}}, 1, &attestation_context_too_large},
        {{{RTPM_BLOB_IMA_LOG, 1}, {RTPM_BLOB_IMA_LOG, 1}}, 2, &attestation_context_malformed},
        {{{RTPM_BLOB_PCR_VALUES, RTPM_PCR_VALUES_MAX}}, 1, NULL},
        {{{RTPM_BLOB_PCR_VALUES, RTPM_PCR_VALUES_MAX + 1}}, 1, &attestation_context_too_large},
        {{{RTPM_BLOB_HANDLE, 4}, {RTPM_BLOB_HANDLE, 4}}, 2, &attestation_context_malformed},
        {{{RTPM_BLOB_HANDLE, 3}}, 1, &attestation_context_malformed},
        {{{RTPM_BLOB_HANDLE, 5}}, 1, &attestation_context_malformed},
        {{{RTPM_BLOB_DEVICE, 15}}, 1, &attestation_context_malformed},
        {{{RTPM_BLOB_LOG, 3}}, 1, &attestation_context_malformed},
        {{{RTPM_BLOB_LOG, 4}}, 1, &attestation_context_malformed}, /* a log of no bytes */
        {{{RTPM_BLOB_IMA_LOG, RTPM_LOG_MAX}, {RTPM_BLOB_COMMAND, RTPM_CONTEXT_MAX - RTPM_LOG_MAX}},
         2,
         &attestation_context_too_large},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].code == NULL)
            assert_ok(parse_blobs(cases[i].blobs, cases[i].count, err));
        else
            assert_refused(parse_blobs(cases[i].blobs, cases[i].count, err), cases[i].code);
    }
}

/* A device that says that it is there twice. */
static void a_second_device_is_refused(void **state)
{
    (void)state;
    struct rtpm_context one = {.has_device = true, .device = {RTPM_TPM_20, 3, 0}}, got;
    _cleanup_buf_ struct buf bytes;
    format(&bytes, &one);
    uint8_t device[24];
    memcpy(device, bytes.data + 48, sizeof device);
    buf_append_bytes(&bytes, device, sizeof device);
    bytes.data[0] = (uint8_t)bytes.size;
    bytes.data[8] = 2;
    assert_refused(parse(&got, bytes.data, bytes.size, err), &attestation_context_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_the_journey),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(an_empty_one_is_good),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(reserved_is_ignored),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(a_second_device_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
