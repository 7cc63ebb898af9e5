/* SPDX-License-Identifier: Apache-2.0 */

/* What a host's TPM may be asked for by a service (protocol.md 2.3). */

#include "tpm/command.h"
#include "tpm/errors.h"

#define CLAUSE "protocol.md 2.3"
#define ST_NO_SESSIONS 0x8001
#define ST_SESSIONS 0x8002

/* The first byte of a handle (TPM 2.0 Part 2, 7.2). */
#define HT_HMAC_SESSION 0x02
#define HT_POLICY_SESSION 0x03
#define HT_TRANSIENT 0x80

/* What may stand where a command has a handle. */
enum handle_kind { HANDLE_ENDORSEMENT, HANDLE_NULL, HANDLE_TRANSIENT, HANDLE_FLUSHABLE };

static const struct {
    uint32_t code;
    size_t handle_count;
    enum handle_kind handles[2];
} allowed[] = {
    {TPM_CC_START_AUTH_SESSION, 2, {HANDLE_ENDORSEMENT, HANDLE_NULL}},
    {TPM_CC_CREATE_PRIMARY, 1, {HANDLE_NULL}},
    {TPM_CC_CREATE, 1, {HANDLE_TRANSIENT}},
    {TPM_CC_READ_PUBLIC, 1, {HANDLE_TRANSIENT}},
    {TPM_CC_PCR_READ, 0, {0}},
    /* Its handle is a parameter. */
    {TPM_CC_FLUSH_CONTEXT, 1, {HANDLE_FLUSHABLE}},
};

static bool handle_allowed(enum handle_kind kind, uint32_t handle, uint32_t endorsement_handle)
{
    uint32_t type = handle >> 24;
    switch (kind) {
    case HANDLE_ENDORSEMENT:
        return handle == endorsement_handle;
    case HANDLE_NULL:
        return handle == TPM_RH_NULL;
    case HANDLE_TRANSIENT:
        return type == HT_TRANSIENT || handle == endorsement_handle;
    case HANDLE_FLUSHABLE:
        return (type == HT_TRANSIENT && handle != endorsement_handle) || type == HT_HMAC_SESSION ||
               type == HT_POLICY_SESSION;
    }
    return false;
}

bool tpm_command_is_allowed(struct slice command, uint32_t endorsement_handle, struct error *err)
{
    char name[32];
    struct reader reader = reader_of(command);
    uint16_t tag = reader_u16_be(&reader);
    uint32_t size = reader_u32_be(&reader);
    uint32_t code = reader_u32_be(&reader);
    if (reader.failed || size != command.size || command.size > TPM_COMMAND_SIZE_MAX ||
        (tag != ST_NO_SESSIONS && tag != ST_SESSIONS))
        return error_set(err, &tpm_command_malformed, CLAUSE, NULL,
                         "%zu bytes that the service sent are not one whole TPM command",
                         command.size);
    size_t row = 0;
    while (row < sizeof allowed / sizeof allowed[0] && allowed[row].code != code)
        row++;
    if (row == sizeof allowed / sizeof allowed[0])
        return error_set(err, &tpm_command_refused, CLAUSE, tpm_command_name(code, name),
                         "the service asked the TPM for what attestation does not need");
    for (size_t i = 0; i < allowed[row].handle_count; i++) {
        uint32_t handle = reader_u32_be(&reader);
        if (reader.failed)
            return error_set(err, &tpm_command_malformed, CLAUSE, tpm_command_name(code, name),
                             "the command ends before its handles");
        if (!handle_allowed(allowed[row].handles[i], handle, endorsement_handle))
            return error_set(err, &tpm_command_refused, CLAUSE, tpm_command_name(code, name),
                             "the service asked for the use of 0x%08x, which is not its business",
                             handle);
    }
    return true;
}
