/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/change.h"
#include "admin/operations.h"

static void write_signers(struct json_writer *result, const struct admin_request *request)
{
    json_write_object(result, NULL);
    attestation_signer_describe(request->services->attestation, result, "signers");
    json_write_object_end(result);
}

bool operation_signer_list(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    (void)err;
    write_signers(result, request);
    return true;
}

bool operation_signer_renew(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    struct admin_change change = {
        "signer.renewed", request->services->node, SLICE_EMPTY, SLICE_EMPTY, NULL, 0};
    int64_t revision = 0;
    if (!admin_change_record(request, &change, err))
        return false;
    if (!request->dry_run) {
        if (!attestation_signer_renew(request->services->attestation, err) ||
            !store_revision(request->services->store, &revision, err) ||
            !admin_change_wait(request, revision, "attestation signer", err))
            return false;
    }
    write_signers(result, request);
    return true;
}
