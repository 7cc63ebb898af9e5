/* SPDX-License-Identifier: Apache-2.0 */
/* A RollTransportKeyRequest, as far as a service reads one before it knows who speaks. */
#include "crypto/certificate.h"
#include "keyprotection/message.h"
#include "protector/protector.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_roll_request_ struct roll_request request = {0};
    struct error err = {0};
    if (!roll_request_parse(&request, slice_of(data, size), &err)) {
        require(err.code != NULL);
        return 0;
    }
    _cleanup_certificate_ struct certificate *health = NULL;
    _cleanup_protector_ struct protector *protector = NULL;
    require(request.ingress_protector.size > 0 && request.health_certificate.size > 0);
    if (certificate_parse(&health, buf_slice(&request.health_certificate), &err) &&
        protector_parse(&protector, buf_slice(&request.ingress_protector), NULL, &err))
        protector_verify(protector, &err);
    return 0;
}
