/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/operation.h"

#include "admin/errors.h"
#include "admin/operations.h"
#include "attestation/host.h"
#include "base/plain_name.h"

#define LOOK ADMIN_ROLE_REVIEWER
#define CHANGE ADMIN_ROLE_ADMINISTRATOR

static const struct admin_operation table[] = {
    {"server.init", CHANGE, operation_server_init},
    {"server.show", LOOK, operation_server_show},
    {"server.set", CHANGE, operation_server_set},
    {"server.test", LOOK, operation_server_test},
    {"server.clear", CHANGE, operation_server_clear},
    {"host.add", CHANGE, operation_host_add},
    {"host.list", LOOK, operation_host_list},
    {"host.show", LOOK, operation_host_show},
    {"host.remove", CHANGE, operation_host_remove},
    {"host.set", CHANGE, operation_host_set},
    {"policy.add", CHANGE, operation_policy_add},
    {"policy.list", LOOK, operation_policy_list},
    {"policy.show", LOOK, operation_policy_show},
    {"policy.records", LOOK, operation_policy_records},
    {"policy.enable", CHANGE, operation_policy_enable},
    {"policy.disable", CHANGE, operation_policy_disable},
    {"policy.remove", CHANGE, operation_policy_remove},
    {"policy.activate", CHANGE, operation_policy_activate},
    {"pending.list", LOOK, operation_pending_list},
    {"pending.show", LOOK, operation_pending_show},
    {"pending.approve", CHANGE, operation_pending_approve},
    {"pending.remove", CHANGE, operation_pending_remove},
    {"tpm-root.add", CHANGE, operation_tpm_root_add},
    {"tpm-root.list", LOOK, operation_tpm_root_list},
    {"tpm-root.remove", CHANGE, operation_tpm_root_remove},
    {"certificate.add", CHANGE, operation_certificate_add},
    {"certificate.list", LOOK, operation_certificate_list},
    {"certificate.show", LOOK, operation_certificate_show},
    {"certificate.set", CHANGE, operation_certificate_set},
    {"certificate.usage", LOOK, operation_certificate_usage},
    {"certificate.remove", CHANGE, operation_certificate_remove},
    {"certificate.permission", LOOK, operation_certificate_permission},
    {"certificate.request", CHANGE, operation_certificate_request},
    {"certificate.requested", LOOK, operation_certificate_requested},
    {"certificate.cancel", CHANGE, operation_certificate_cancel},
    {"token.list", LOOK, operation_token_list},
    {"token.unlock", CHANGE, operation_token_unlock},
    {"signer.list", LOOK, operation_signer_list},
    {"signer.renew", CHANGE, operation_signer_renew},
    {"signer.trust", CHANGE, operation_signer_trust},
    {"signer.distrust", CHANGE, operation_signer_distrust},
    {"signer.deny-before", CHANGE, operation_signer_deny_before},
    {"event.list", LOOK, operation_event_list},
    {"event.key", LOOK, operation_event_key},
    {"event.verify", LOOK, operation_event_verify},
    {"event.acknowledge", CHANGE, operation_event_acknowledge},
    {"state.export", CHANGE, operation_state_export},
    {"state.import", CHANGE, operation_state_import},
};

const struct admin_operation *admin_operation_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

bool admin_request_descriptor(int *fd, struct admin_request *request, const char *name,
                              struct error *err)
{
    int64_t index;
    *fd = -1;
    if (!json_get_integer_or(&index, request->arguments, name, -1, err))
        return false;
    if (index < 0)
        return true;
    if ((uint64_t)index >= request->fd_count || request->fds[index] < 0)
        return error_set(err, &admin_argument, NULL, name,
                         "no descriptor came for it with the request");
    *fd = request->fds[index];
    request->fds[index] = -1;
    return true;
}

int admin_request_give(int *fd)
{
    int given = *fd;
    *fd = -1;
    return given;
}

bool admin_request_name(const char **name, const struct admin_request *request, struct error *err)
{
    if (!json_get_text(name, request->arguments, "name", err))
        return false;
    if (plain_name_valid(*name, PLAIN_NAME_SIZE))
        return true;
    return error_set(err, &admin_argument, "hgsctl(8)", *name,
                     "a name has 1 to 128 letters, digits, dots, hyphens and underscores and "
                     "begins with a letter or digit");
}

bool admin_request_mode(enum attestation_mode *mode, const struct admin_request *request,
                        struct error *err)
{
    const char *word;
    if (!json_get_text(&word, request->arguments, "trust", err))
        return false;
    if (!attestation_mode_parse(mode, word))
        return error_set(err, &admin_argument, "hgsctl(8)", word, "the mode is tpm, hostkey or ad");
    if (attestation_mode_operations(*mode)->attest != NULL)
        return true;
    return error_set(err, &admin_mode_unsupported, NULL, word,
                     "this version does not attest hosts in this mode");
}
