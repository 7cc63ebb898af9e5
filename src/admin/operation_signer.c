/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/change.h"
#include "admin/operations.h"
#include "admin/signer_list.h"

static bool write_signers(struct json_writer *result, const struct admin_request *request,
                          struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    _cleanup_signer_list_ struct signer_list list = {0};
    if (!signer_list_load(&list, request->services->store, err))
        return false;
    json_write_object(result, NULL);
    attestation_signer_describe(request->services->attestation, result, "signers");
    signer_list_write_trusted(result, &list);
    if (list.deny_all_before != 0)
        json_write_text(result, "deny_all_before", clock_format(list.deny_all_before, time));
    json_write_object_end(result);
    return true;
}

bool operation_signer_list(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    return write_signers(result, request, err);
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
    return write_signers(result, request, err);
}
