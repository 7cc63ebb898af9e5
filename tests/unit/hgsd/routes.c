/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/routes.h"

#include "../testing.h"

static void normalizes_as_clients_write_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normal;
    } rows[] = {
        {"/Attestation/getinfo", "/attestation/getinfo"},
        {"/ATTESTATION/GetInfo/", "/attestation/getinfo"},
        {"//Attestation//v2.0///signingCertificates//", "/attestation/v2.0/signingcertificates"},
        {"/Attestation/attestationservice.svc/v2.0/signingCertificates/",
         "/attestation/v2.0/signingcertificates"},
        {"/Attestation/AttestationService.svc", "/attestation"},
        {"/Attestation/attestationservice.svcx/v2.0", "/attestation/attestationservice.svcx/v2.0"},
        {"/KeyProtection/attestationservice.svc", "/keyprotection/attestationservice.svc"},
        {"/", "/"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char normal[256];
        routes_normalize(normal, sizeof normal, rows[i].path);
        assert_string_equal(normal, rows[i].normal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(normalizes_as_clients_write_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
