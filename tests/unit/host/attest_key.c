/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest_key.h"

#include "../folder.h"

#include "attestation/message_request.h"
#include "crypto/signer.h"

/* What is sent proves that the host key asks for this identity key, as the service will check. */
static void signs_the_identity_key(enum private_key_kind kind)
{
    struct private_key *host_key = NULL, *identity = NULL;
    struct public_key *sent = NULL;
    struct attestation_request request;
    struct buf body, message;
    buf_init(&body, 65536);
    buf_init(&message, 65536);
    assert_ok(private_key_generate(&host_key, kind, err));
    assert_ok(private_key_generate(&identity, PRIVATE_KEY_RSA_2048, err));
    assert_ok(host_attest_key_format(&body, host_key, private_key_public(identity), err));
    assert_ok(attestation_request_parse(&request, buf_slice(&body), err));
    assert_int_equal(request.requested_count, 1);
    assert_int_equal(request.requested[0], ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    struct slice identity_item = request.content[ATTESTATION_CONTENT_IDENTITY_KEY];
    struct slice host_item = request.content[ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY];
    assert_true(slice_equal(identity_item, public_key_spki(private_key_public(identity))));
    assert_ok(public_key_parse(&sent, host_item, err));
    buf_append(&message, host_item);
    buf_append(&message, identity_item);
    assert_ok(public_key_verify(sent, signer_algorithm(sent), buf_slice(&message),
                                request.content[ATTESTATION_CONTENT_HOST_KEY_SIGNATURE], err));
    attestation_request_done(&request);
    public_key_free(&sent);
    private_key_free(&host_key);
    private_key_free(&identity);
    buf_done(&body);
    buf_done(&message);
}

static void signs_with_any_kind_of_host_key(void **state)
{
    (void)state;
    signs_the_identity_key(PRIVATE_KEY_RSA_2048);
    signs_the_identity_key(PRIVATE_KEY_P256);
    signs_the_identity_key(PRIVATE_KEY_P384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_with_any_kind_of_host_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
