/* SPDX-License-Identifier: Apache-2.0 */
#include "host/release.h"

#include "../folder.h"

#include <string.h>

#include "base/hex.h"
#include "host/errors.h"
#include "keyprotection/message.h"
#include "protector/guardian.h"

#define NOW 1800000000

static struct guardian owner, service, other;
static struct buf ingress_document;
static struct secret ingress_key;
static struct protector *ingress;
static const uint8_t new_key[PROTECTOR_TRANSPORT_KEY_SIZE] = {1, 2, 3};
static const struct config_list no_pins;

static int set_up(void **state)
{
    (void)state;
    const struct guardian *guardians[] = {&service};
    assert_ok(guardian_generate(&owner, "owner", NOW, err));
    assert_ok(guardian_generate(&service, "service", NOW, err));
    assert_ok(guardian_generate(&other, "other", NOW, err));
    buf_init(&ingress_document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(&ingress_document, &ingress_key, &owner, guardians, 1, err));
    assert_ok(protector_parse(&ingress, buf_slice(&ingress_document), NULL, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    protector_free(&ingress);
    buf_done(&ingress_document);
    secret_done(&ingress_key);
    guardian_done(&owner);
    guardian_done(&service);
    guardian_done(&other);
    return 0;
}

static uint32_t id_of(const struct protector *protector, const struct guardian *guardian)
{
    for (size_t i = 0; i < protector_wrapping_count(protector); i++) {
        const struct protector_wrapping *wrapping = protector_wrapping(protector, i);
        if (slice_equal(certificate_der(wrapping->signing_certificate),
                        certificate_der(guardian->signing)))
            return wrapping->id;
    }
    fail_msg("no wrapping of that guardian");
    return 0;
}

/* What a service would answer for `from`, signed by guardian. */
static struct protector *roll(const struct protector *from, const struct guardian *guardian,
                              uint32_t offline)
{
    struct protector *made = NULL;
    struct buf document;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    struct signer signer = signer_of_key(guardian->signing_key);
    assert_ok(protector_reseal(&document, from, slice_of(new_key, sizeof new_key), offline,
                               id_of(from, guardian), &signer, err));
    assert_ok(protector_parse(&made, buf_slice(&document), NULL, err));
    buf_done(&document);
    return made;
}

static bool check(const struct protector *egress, struct slice first, struct slice second,
                  const struct config_list *pins, struct error *err)
{
    return host_release_check(ingress, egress, first, second, pins, err);
}

static void accepts_what_the_service_rolled(void **state)
{
    (void)state;
    struct protector *egress = roll(ingress, &service, 0);
    assert_ok(check(egress, secret_slice(&ingress_key), slice_of(new_key, 32), &no_pins, err));
    protector_free(&egress);
}

static void refuses_wrong_keys(void **state)
{
    (void)state;
    static const uint8_t wrong[32] = {9};
    struct protector *egress = roll(ingress, &service, 0);
    struct slice first = secret_slice(&ingress_key), second = slice_of(new_key, 32);
    assert_refused(check(egress, slice_of(wrong, 32), second, &no_pins, err), host_release_wrong);
    assert_refused(check(egress, first, slice_of(wrong, 32), &no_pins, err), host_release_wrong);
    assert_refused(check(egress, second, first, &no_pins, err), host_release_wrong);
    /* the key was not rolled at all */
    assert_refused(check(ingress, first, first, &no_pins, err), host_release_wrong);
    protector_free(&egress);
}

/* A service, or somebody in its place, that would put other guardians in. */
static void refuses_other_wrappings(void **state)
{
    (void)state;
    const struct guardian *guardians[] = {&service};
    struct slice first = secret_slice(&ingress_key), second = slice_of(new_key, 32);
    struct buf document;
    struct secret key = SECRET_EMPTY;
    struct protector *changed = NULL;
    /* one more */
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_grant(&document, ingress, &owner, &other, err));
    assert_ok(protector_parse(&changed, buf_slice(&document), NULL, err));
    struct protector *egress = roll(changed, &service, 0);
    assert_refused(check(egress, first, second, &no_pins, err), host_release_wrong);
    protector_free(&egress);
    protector_free(&changed);
    /* another owner */
    buf_reset(&document);
    assert_ok(protector_create(&document, &key, &other, guardians, 1, err));
    assert_ok(protector_parse(&changed, buf_slice(&document), NULL, err));
    egress = roll(changed, &service, 0);
    assert_refused(check(egress, first, second, &no_pins, err), host_release_wrong);
    protector_free(&egress);
    protector_free(&changed);
    secret_done(&key);
    buf_done(&document);
}

static void refuses_more_offline_unwraps(void **state)
{
    (void)state;
    struct protector *egress = roll(ingress, &service, 1);
    assert_refused(check(egress, secret_slice(&ingress_key), slice_of(new_key, 32), &no_pins, err),
                   host_release_wrong);
    protector_free(&egress);
}

static void refuses_a_false_signature(void **state)
{
    (void)state;
    struct buf document;
    struct protector *egress = NULL;
    struct signer signer = signer_of_key(other.signing_key);
    buf_init(&document, PROTECTOR_SIZE_MAX);
    /* in the service's name, by another's key */
    assert_ok(protector_reseal(&document, ingress, slice_of(new_key, 32), 0,
                               id_of(ingress, &service), &signer, err));
    assert_ok(protector_parse(&egress, buf_slice(&document), NULL, err));
    assert_refused(check(egress, secret_slice(&ingress_key), slice_of(new_key, 32), &no_pins, err),
                   host_release_wrong);
    protector_free(&egress);
    buf_done(&document);
}

static void wants_the_pinned_service(void **state)
{
    (void)state;
    char good[65], wrong[65];
    hex_format(slice_of(certificate_facts(service.signing)->thumbprint, 32), good);
    hex_format(slice_of(certificate_facts(other.signing)->thumbprint, 32), wrong);
    char *one[] = {wrong}, *two[] = {wrong, good};
    struct config_list wrong_pin = {one, 1}, good_pin = {two, 2};
    struct slice first = secret_slice(&ingress_key), second = slice_of(new_key, 32);
    struct protector *egress = roll(ingress, &service, 0);
    assert_ok(check(egress, first, second, &good_pin, err));
    assert_refused(check(egress, first, second, &wrong_pin, err), host_service_unknown);
    protector_free(&egress);
    /* the owner is no service, whatever is pinned */
    egress = roll(ingress, &owner, 0);
    assert_refused(check(egress, first, second, &no_pins, err), host_release_wrong);
    protector_free(&egress);
}

static bool refusal(unsigned status, const char *code, struct error *err)
{
    struct buf body;
    buf_init(&body, 4096);
    if (code != NULL)
        roll_error_format(&body, code, "because <&>");
    bool good = host_release_refusal("http://x", status, buf_slice(&body), err);
    buf_done(&body);
    return good;
}

static void reads_refusals(void **state)
{
    (void)state;
    assert_refused(refusal(403, "HealthCertificateException", err), host_health_refused);
    assert_refused(refusal(400, "InvalidProtectorException", err), host_protector_refused);
    assert_refused(refusal(400, "InvalidWrappingException", err), host_protector_refused);
    assert_refused(refusal(500, "Whatever", err), host_release_unavailable);
    assert_refused(refusal(503, NULL, err), host_release_unavailable);
    assert_refused(refusal(429, NULL, err), host_release_unavailable);
    assert_refused(refusal(404, NULL, err), host_reply);
    assert_refused(refusal(400, "Whatever", err), host_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_the_service_rolled),
        cmocka_unit_test(refuses_wrong_keys),
        cmocka_unit_test(refuses_other_wrappings),
        cmocka_unit_test(refuses_more_offline_unwraps),
        cmocka_unit_test(refuses_a_false_signature),
        cmocka_unit_test(wants_the_pinned_service),
        cmocka_unit_test(reads_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
