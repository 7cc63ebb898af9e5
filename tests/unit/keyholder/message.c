/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/message.h"
#include "keyholder/errors.h"

#include <stdlib.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/memory.h"
#include "crypto/errors.h"

#define PAYLOAD_MAX 128

/* A well-formed request of each kind; payload says what its bytes are filled up to. */
static const struct {
    struct keyholder_request request;
    size_t payload;
    size_t descriptors;
} samples[] = {
    {{.opcode = KEYHOLDER_GENERATE,
      .purpose = KEY_PURPOSE_ATTESTATION_SIGNER,
      .kind = PRIVATE_KEY_P384},
     0,
     0},
    {{.opcode = KEYHOLDER_IMPORT, .purpose = KEY_PURPOSE_GUARDIAN_SIGNING}, 0, 1},
    {{.opcode = KEYHOLDER_LOAD}, 100, 0},
    {{.opcode = KEYHOLDER_FORGET, .key_id = {1, 2, 3}}, 0, 0},
    {{.opcode = KEYHOLDER_SIGN, .signature = SIGNATURE_RSA_PKCS1_SHA256, .key_id = {4}}, 32, 0},
    {{.opcode = KEYHOLDER_SIGN, .signature = SIGNATURE_ECDSA_SHA384, .key_id = {4}}, 48, 0},
    {{.opcode = KEYHOLDER_SIGN, .signature = SIGNATURE_RSA_PKCS1_SHA512, .key_id = {4}}, 64, 0},
    {{.opcode = KEYHOLDER_DECRYPT, .encryption = ENCRYPTION_RSA_OAEP_SHA1, .key_id = {5}}, 128, 0},
    {{.opcode = KEYHOLDER_CHECKPOINT, .key_id = {6}}, KEYHOLDER_CHECKPOINT_SIZE, 0},
    {{.opcode = KEYHOLDER_BACKUP}, 0, 2},
    {{.opcode = KEYHOLDER_RESTORE}, 0, 2},
    {{.opcode = KEYHOLDER_DERIVE, .label = KEYHOLDER_LABEL_RTPM}, KEYHOLDER_EPOCH_SIZE, 0},
    {{.opcode = KEYHOLDER_REQUEST, .key_id = {7}}, 120, 0},
    {{.opcode = KEYHOLDER_REFERENCE, .purpose = KEY_PURPOSE_COMMUNICATIONS}, 20, 0},
    {{.opcode = KEYHOLDER_EXPECT, .purpose = KEY_PURPOSE_GUARDIAN_SIGNING}, 100, 0},
    {{.opcode = KEYHOLDER_FIND, .purpose = KEY_PURPOSE_GUARDIAN_ENCRYPTION}, 100, 0},
    {{.opcode = KEYHOLDER_MAKE,
      .purpose = KEY_PURPOSE_COMMUNICATIONS,
      .kind = PRIVATE_KEY_RSA_4096},
     100,
     0},
    {{.opcode = KEYHOLDER_UNLOCK}, 0, 1},
    {{.opcode = KEYHOLDER_CHECK}, 0, 0},
};
#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

struct packet {
    size_t size;
    uint8_t bytes[KEYHOLDER_REQUEST_HEAD + PAYLOAD_MAX];
};

static struct packet packet_of(size_t sample)
{
    struct keyholder_request request = samples[sample].request;
    request.sequence = 0x01020304;
    struct packet packet = {.size = KEYHOLDER_REQUEST_HEAD + samples[sample].payload};
    memset(packet.bytes, 0xA5, sizeof packet.bytes);
    keyholder_message_format_request(packet.bytes, &request);
    return packet;
}

/* The bytes in a block of exactly their size, so that the sanitizer sees every read beyond. */
static bool parse(struct keyholder_request *out, const uint8_t *bytes, size_t size,
                  struct error *err)
{
    static uint8_t *exact;
    free(exact);
    exact = memory_allocate(size);
    memcpy(exact, bytes, size);
    return keyholder_message_parse_request(out, slice_of(exact, size), err);
}

static void requests_survive_the_journey(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct packet packet = packet_of(i);
        const struct keyholder_request *sent = &samples[i].request;
        struct keyholder_request got;
        assert_ok(parse(&got, packet.bytes, packet.size, err));
        assert_int_equal(got.sequence, 0x01020304);
        assert_int_equal(got.opcode, sent->opcode);
        assert_int_equal(got.purpose, sent->purpose);
        assert_int_equal(got.kind, sent->kind);
        assert_int_equal(got.signature, sent->signature);
        assert_int_equal(got.encryption, sent->encryption);
        assert_int_equal(got.label, sent->label);
        assert_memory_equal(got.key_id, sent->key_id, KEY_ID_SIZE);
        assert_int_equal(got.payload.size, samples[i].payload);
        assert_int_equal(keyholder_message_descriptors(&got), samples[i].descriptors);
        assert_int_equal(keyholder_message_sequence(slice_of(packet.bytes, packet.size)),
                         0x01020304);
    }
}

/* What a roll carries besides its head. */
static const uint8_t signing_key_id[KEY_ID_SIZE] = {9, [31] = 8};
static const uint8_t zeros[DIGEST_SIZE_MAX + KEYHOLDER_CIPHERTEXT_MAX];

static struct keyholder_roll_payload roll_of(enum signature_algorithm signature, size_t ciphertext)
{
    return (struct keyholder_roll_payload){
        signature, signing_key_id, slice_of(zeros, digest_size(signature_digest(signature))),
        slice_of(zeros, ciphertext)};
}

static bool parse_roll(struct keyholder_request *out, struct slice payload, struct error *err)
{
    uint8_t packet[KEYHOLDER_REQUEST_HEAD + KEYHOLDER_ROLL_MAX + 1];
    const struct keyholder_request request = {
        .opcode = KEYHOLDER_ROLL, .encryption = ENCRYPTION_RSA_OAEP_SHA256, .key_id = {5}};
    keyholder_message_format_request(packet, &request);
    memcpy(packet + KEYHOLDER_REQUEST_HEAD, payload.data, payload.size);
    return parse(out, packet, KEYHOLDER_REQUEST_HEAD + payload.size, err);
}

static void a_roll_has_two_keys(void **state)
{
    (void)state;
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_ECDSA_SHA384; algorithm++) {
        const struct keyholder_roll_payload sent = roll_of(algorithm, KEYHOLDER_CIPHERTEXT_MAX);
        struct keyholder_roll_payload got;
        struct keyholder_request request;
        uint8_t payload[KEYHOLDER_ROLL_MAX];
        size_t size = keyholder_message_format_roll(payload, &sent);
        assert_ok(parse_roll(&request, slice_of(payload, size), err));
        assert_int_equal(request.opcode, KEYHOLDER_ROLL);
        assert_int_equal(request.encryption, ENCRYPTION_RSA_OAEP_SHA256);
        assert_int_equal(request.key_id[0], 5);
        assert_ok(keyholder_message_parse_roll(&got, request.payload, err));
        assert_int_equal(got.signature, algorithm);
        assert_memory_equal(got.signing_key_id, signing_key_id, KEY_ID_SIZE);
        assert_true(slice_equal(got.digest, sent.digest));
        assert_true(slice_equal(got.ciphertext, sent.ciphertext));
    }
}

static void a_roll_is_whole_and_no_longer(void **state)
{
    (void)state;
    const struct keyholder_roll_payload roll = roll_of(SIGNATURE_RSA_PKCS1_SHA384, 1);
    struct keyholder_request request;
    uint8_t payload[KEYHOLDER_ROLL_MAX + 1] = {0};
    size_t size = keyholder_message_format_roll(payload, &roll);
    for (size_t cut = 0; cut < size; cut++)
        assert_refused(parse_roll(&request, slice_of(payload, cut), err), "keyholder.message");
    size += KEYHOLDER_CIPHERTEXT_MAX - 1;
    assert_ok(parse_roll(&request, slice_of(payload, size), err));
    assert_refused(parse_roll(&request, slice_of(payload, size + 1), err), "keyholder.message");
    payload[0] = 0;
    assert_refused(parse_roll(&request, slice_of(payload, size), err), "keyholder.message");
    payload[0] = SIGNATURE_ECDSA_SHA384 + 1;
    assert_refused(parse_roll(&request, slice_of(payload, size), err), "keyholder.message");
}

static bool parse_expect(const uint8_t *bytes, size_t size, struct error *err)
{
    char uri[KEYHOLDER_URI_MAX + 1];
    struct slice key;
    return keyholder_message_parse_expect(uri, &key, slice_of(bytes, size), err);
}

static void an_expected_key_has_its_uri(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf payload;
    buf_init(&payload, KEYHOLDER_EXPECT_MAX);
    char uri[KEYHOLDER_URI_MAX + 1];
    struct slice key;
    keyholder_message_format_expect(&payload, "pkcs11:token=a;object=b", slice_from_text("spki"));
    assert_ok(keyholder_message_parse_expect(uri, &key, buf_slice(&payload), err));
    assert_string_equal(uri, "pkcs11:token=a;object=b");
    assert_true(slice_equals_text(key, "spki"));
    for (size_t cut = 0; cut + 4 <= payload.size; cut++)
        assert_refused(parse_expect(payload.data, cut, err), "keyholder.message");
    static uint8_t large[KEYHOLDER_EXPECT_MAX] = {(KEYHOLDER_URI_MAX + 1) & 0xff,
                                                  (KEYHOLDER_URI_MAX + 1) >> 8};
    assert_refused(parse_expect(large, sizeof large, err), "keyholder.message");
    large[0] = large[1] = 0;
    assert_refused(parse_expect(large, sizeof large, err), "keyholder.message");
}

static void the_layout_is_the_documented_one(void **state)
{
    (void)state;
    static const uint8_t expected[KEYHOLDER_REQUEST_HEAD] = {0x44, 0x33, 0x22, 0x11, 5,
                                                             0,    4,    0,    0xAA, [39] = 0xBB};
    struct keyholder_request request = {.sequence = 0x11223344,
                                        .opcode = KEYHOLDER_SIGN,
                                        .signature = SIGNATURE_RSA_PSS_SHA256,
                                        .key_id = {0xAA, [31] = 0xBB}};
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    keyholder_message_format_request(head, &request);
    assert_memory_equal(head, expected, sizeof head);
}

static size_t most_payload(size_t sample)
{
    switch (samples[sample].request.opcode) {
    case KEYHOLDER_LOAD:
        return KEYHOLDER_SEALED_MAX;
    case KEYHOLDER_DECRYPT:
        return KEYHOLDER_CIPHERTEXT_MAX;
    case KEYHOLDER_REQUEST:
        return KEYHOLDER_REQUEST_INFO_MAX;
    case KEYHOLDER_EXPECT:
        return KEYHOLDER_EXPECT_MAX;
    case KEYHOLDER_FIND:
    case KEYHOLDER_MAKE:
        return KEYHOLDER_URI_MAX;
    default:
        return samples[sample].payload;
    }
}

/* A load's payload may have any size, a ciphertext and a request likewise: everything else is cut
 * to something that is refused. */
static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct packet packet = packet_of(i);
        bool free_size = most_payload(i) != samples[i].payload;
        size_t until = free_size ? KEYHOLDER_REQUEST_HEAD + 1 : packet.size;
        struct keyholder_request got;
        for (size_t size = 0; size < until; size++)
            assert_refused(parse(&got, packet.bytes, size, err), "keyholder.message");
    }
}

static void a_thumbprint_has_its_size(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        uint8_t bytes[KEYHOLDER_REQUEST_HEAD + 40] = {
            [4] = KEYHOLDER_REFERENCE, [5] = KEY_PURPOSE_GUARDIAN_SIGNING};
        struct keyholder_request got;
        if (size == 20 || size == 32)
            assert_ok(parse(&got, bytes, KEYHOLDER_REQUEST_HEAD + size, err));
        else
            assert_refused(parse(&got, bytes, KEYHOLDER_REQUEST_HEAD + size, err),
                           "keyholder.message");
    }
}

static void trailing_bytes_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        size_t most = most_payload(i);
        struct packet packet = packet_of(i);
        size_t size = KEYHOLDER_REQUEST_HEAD + most + 1;
        _cleanup_free_ uint8_t *bytes = memory_allocate_zero(1, size);
        memcpy(bytes, packet.bytes, packet.size);
        struct keyholder_request got;
        assert_refused(parse(&got, bytes, size, err), "keyholder.message");
        if (most != samples[i].payload)
            assert_ok(parse(&got, bytes, size - 1, err));
    }
}

static void refused_with(size_t sample, size_t offset, uint8_t value)
{
    struct packet packet = packet_of(sample);
    packet.bytes[offset] = value;
    struct keyholder_request got;
    assert_refused(parse(&got, packet.bytes, packet.size, err), "keyholder.message");
}

static void unknown_numbers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        refused_with(i, 4, 0);
        refused_with(i, 4, KEYHOLDER_CHECK + 1);
        refused_with(i, 4, 255);
        refused_with(i, 5, KEY_PURPOSE_AUDIT + 1);
        refused_with(i, 5, 255);
        refused_with(i, 6, 7);
        refused_with(i, 6, 255);
        refused_with(i, 7, 4);
        refused_with(i, 7, 255);
    }
    refused_with(0, 5, 0);  /* generate without a purpose */
    refused_with(0, 6, 5);  /* generate of a kind that does not exist */
    refused_with(4, 6, 0);  /* sign without an algorithm */
    refused_with(7, 6, 3);  /* decrypt with an algorithm that does not exist */
    refused_with(11, 6, 0); /* derive without a label */
    refused_with(11, 6, KEYHOLDER_LABEL_USAGE + 1);
}

static void what_an_opcode_does_not_use_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        enum keyholder_opcode opcode = samples[i].request.opcode;
        bool purpose = opcode == KEYHOLDER_GENERATE || opcode == KEYHOLDER_IMPORT ||
                       opcode == KEYHOLDER_EXPECT || opcode == KEYHOLDER_FIND ||
                       opcode == KEYHOLDER_MAKE || opcode == KEYHOLDER_REFERENCE;
        if (!purpose)
            refused_with(i, 5, KEY_PURPOSE_AUDIT);
        refused_with(i, 7, 1);
        bool key = opcode == KEYHOLDER_FORGET || opcode == KEYHOLDER_SIGN ||
                   opcode == KEYHOLDER_DECRYPT || opcode == KEYHOLDER_CHECKPOINT ||
                   opcode == KEYHOLDER_REQUEST;
        if (!key) {
            refused_with(i, 8, 1);
            refused_with(i, 39, 1);
        }
    }
    refused_with(3, 6, 1);
    refused_with(8, 6, 5);
}

/* Whatever the bytes: refused, or a request whose payload lies within them. */
static void flipped_and_random_bytes_do_no_harm(void **state)
{
    (void)state;
    srandom(1);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t offset = 0; offset < KEYHOLDER_REQUEST_HEAD; offset++) {
            for (unsigned value = 0; value < 256; value++) {
                struct packet packet = packet_of(i);
                packet.bytes[offset] = (uint8_t)value;
                struct keyholder_request got;
                struct error err = {0};
                if (!parse(&got, packet.bytes, packet.size, &err)) {
                    assert_ptr_equal(err.code, &keyholder_message);
                    continue;
                }
                assert_in_range(got.opcode, KEYHOLDER_GENERATE, KEYHOLDER_CHECK);
                assert_true(got.payload.size <= packet.size - KEYHOLDER_REQUEST_HEAD);
            }
        }
    }
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[96];
        size_t size = (size_t)random() % sizeof bytes;
        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)(random() % (b < 8 ? 8 : 256));
        struct keyholder_request got;
        parse(&got, bytes, size, NULL);
    }
}

struct reply_packet {
    size_t size;
    uint8_t bytes[64];
};

static struct reply_packet reply_packet_of(const struct keyholder_reply *reply)
{
    struct reply_packet packet = {.size = KEYHOLDER_REPLY_HEAD};
    keyholder_message_format_reply(packet.bytes, reply);
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++) {
        if (reply->fields[i].size > 0)
            memcpy(packet.bytes + packet.size, reply->fields[i].data, reply->fields[i].size);
        packet.size += reply->fields[i].size;
    }
    return packet;
}

static void replies_survive_the_journey_and_are_exact(void **state)
{
    (void)state;
    struct keyholder_reply sent = {
        .sequence = 77,
        .fields = {slice_from_text("first"), SLICE_EMPTY, slice_from_text("third field")}};
    struct reply_packet packet = reply_packet_of(&sent);
    struct keyholder_reply got;
    assert_ok(keyholder_message_parse_reply(&got, slice_of(packet.bytes, packet.size), err));
    assert_int_equal(got.sequence, 77);
    assert_false(got.failed);
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        assert_true(slice_equal(got.fields[i], sent.fields[i]));

    for (size_t size = 0; size <= packet.size + 1; size++)
        if (size != packet.size)
            assert_refused(keyholder_message_parse_reply(&got, slice_of(packet.bytes, size), err),
                           "keyholder.message");
    packet.bytes[4] = 2;
    assert_refused(keyholder_message_parse_reply(&got, slice_of(packet.bytes, packet.size), err),
                   "keyholder.message");
    packet.bytes[4] = 1;
    packet.bytes[5] = 1;
    assert_refused(keyholder_message_parse_reply(&got, slice_of(packet.bytes, packet.size), err),
                   "keyholder.message");
}

static void errors_come_back_as_they_arose(void **state)
{
    (void)state;
    const struct error_code *const *const tables[] = {keyholder_errors, crypto_errors, base_errors};
    for (size_t t = 0; t < 3; t++) {
        for (const struct error_code *const *code = tables[t]; *code != NULL; code++) {
            struct error arose = {0};
            error_set(&arose, *code, "a clause stays there", "the object", "what was %s", "wrong");
            struct keyholder_reply reply;
            keyholder_message_from_error(&reply, 9, &arose);
            struct error err = {0};
            assert_true(reply.failed);
            assert_false(keyholder_message_to_error(&reply, &err));
            assert_ptr_equal(err.code, *code);
            assert_null(err.clause);
            assert_string_equal(err.object, "the object");
            assert_string_equal(err.message, "what was wrong");
        }
    }
}

static void foreign_errors_become_internal_and_texts_are_bounded(void **state)
{
    (void)state;
    uint8_t longest[3000];
    memset(longest, 'x', sizeof longest);
    longest[10] = '\n';
    struct keyholder_reply reply = {.failed = true,
                                    .fields = {slice_from_text("no.such-code"),
                                               slice_of(longest, sizeof longest),
                                               slice_of(longest, sizeof longest)}};
    struct error err = {0};
    assert_false(keyholder_message_to_error(&reply, &err));
    assert_ptr_equal(err.code, &crypto_internal);
    assert_int_equal(strlen(err.object), ERROR_OBJECT_SIZE - 1);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
    assert_null(strchr(err.message, '\n'));
    reply.fields[0] = SLICE_EMPTY;
    reply.fields[1] = SLICE_EMPTY;
    reply.fields[2] = slice_from_text("%s%n");
    assert_false(keyholder_message_to_error(&reply, &err));
    assert_ptr_equal(err.code, &crypto_internal);
    assert_string_equal(err.message, "%s%n");
}

static void checkpoints_survive_the_journey(void **state)
{
    (void)state;
    struct keyholder_checkpoint sent = {
        .sequence = 0x8000000000000001, .head = {1, [31] = 2}, .time = -5};
    uint8_t payload[KEYHOLDER_CHECKPOINT_SIZE];
    keyholder_message_format_checkpoint(payload, &sent);
    assert_int_equal(payload[0], 1);
    assert_int_equal(payload[7], 0x80);
    assert_int_equal(payload[39], 2);
    assert_int_equal(payload[40], 0xFB);
    struct keyholder_checkpoint got;
    keyholder_message_parse_checkpoint(&got, slice_of(payload, sizeof payload));
    assert_true(got.sequence == sent.sequence && got.time == sent.time);
    assert_memory_equal(got.head, sent.head, sizeof got.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_survive_the_journey),
        cmocka_unit_test(an_expected_key_has_its_uri),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(a_roll_has_two_keys),
        cmocka_unit_test(a_roll_is_whole_and_no_longer),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_thumbprint_has_its_size),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(unknown_numbers_are_refused),
        cmocka_unit_test(what_an_opcode_does_not_use_is_zero),
        cmocka_unit_test(flipped_and_random_bytes_do_no_harm),
        cmocka_unit_test(replies_survive_the_journey_and_are_exact),
        cmocka_unit_test(errors_come_back_as_they_arose),
        cmocka_unit_test(foreign_errors_become_internal_and_texts_are_bounded),
        cmocka_unit_test(checkpoints_survive_the_journey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
