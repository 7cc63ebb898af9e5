/* SPDX-License-Identifier: Apache-2.0 */

/* What whoever relays a response wants to know of it; nothing here is verified. */

#include <stdio.h>

#include "tpm/response.h"

/* Those of TPM 2.0 Part 2, 6.6.3 that the exchange and a host's use of its key can meet. */
static const struct {
    uint32_t code; /* without what it is about */
    const char *name;
} names[] = {
    {0x100, "TPM_RC_INITIALIZE"},      {0x101, "TPM_RC_FAILURE"},
    {0x120, "TPM_RC_DISABLED"},        {0x121, "TPM_RC_EXCLUSIVE"},
    {0x128, "TPM_RC_PCR_CHANGED"},     {0x142, "TPM_RC_COMMAND_SIZE"},
    {0x143, "TPM_RC_COMMAND_CODE"},    {0x144, "TPM_RC_AUTHSIZE"},
    {0x145, "TPM_RC_AUTH_CONTEXT"},    {0x081, "TPM_RC_ASYMMETRIC"},
    {0x082, "TPM_RC_ATTRIBUTES"},      {0x083, "TPM_RC_HASH"},
    {0x084, "TPM_RC_VALUE"},           {0x085, "TPM_RC_HIERARCHY"},
    {0x087, "TPM_RC_KEY_SIZE"},        {0x08b, "TPM_RC_HANDLE"},
    {0x08e, "TPM_RC_AUTH_FAIL"},       {0x08f, "TPM_RC_NONCE"},
    {0x092, "TPM_RC_SCHEME"},          {0x095, "TPM_RC_SIZE"},
    {0x096, "TPM_RC_SYMMETRIC"},       {0x098, "TPM_RC_SELECTOR"},
    {0x09a, "TPM_RC_INSUFFICIENT"},    {0x09d, "TPM_RC_POLICY_FAIL"},
    {0x0a2, "TPM_RC_BAD_AUTH"},        {0x0a7, "TPM_RC_CURVE"},
    {0x901, "TPM_RC_CONTEXT_GAP"},     {0x902, "TPM_RC_OBJECT_MEMORY"},
    {0x903, "TPM_RC_SESSION_MEMORY"},  {0x904, "TPM_RC_MEMORY"},
    {0x905, "TPM_RC_SESSION_HANDLES"}, {0x906, "TPM_RC_OBJECT_HANDLES"},
    {0x907, "TPM_RC_LOCALITY"},        {0x908, "TPM_RC_YIELDED"},
    {0x909, "TPM_RC_CANCELED"},        {0x910, "TPM_RC_REFERENCE_H0"},
    {0x918, "TPM_RC_REFERENCE_S0"},    {0x920, "TPM_RC_NV_RATE"},
    {0x921, "TPM_RC_LOCKOUT"},         {0x922, "TPM_RC_RETRY"},
    {0x923, "TPM_RC_NV_UNAVAILABLE"},
};

static const char *find_name(uint32_t code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    return "TPM_RC";
}

/* Format one (bit 7): bits 0 to 5 the error, bit 6 a parameter, bits 8 to 11 which; without bit 6,
 * bit 11 says session instead of handle (Part 2, 6.6.2). */
char *tpm_response_code_format(uint32_t code, char *text, size_t size)
{
    if ((code & 0x80) == 0) {
        snprintf(text, size, "%s (0x%03x)", find_name(code), code);
        return text;
    }
    const char *name = find_name(code & 0xbf);
    uint32_t which = code >> 8 & 0xf;
    if ((code & 0x40) != 0)
        snprintf(text, size, "%s (0x%03x, parameter %u)", name, code, which);
    else if ((which & 8) != 0)
        snprintf(text, size, "%s (0x%03x, session %u)", name, code, which & 7);
    else
        snprintf(text, size, "%s (0x%03x, handle %u)", name, code, which);
    return text;
}

uint32_t tpm_response_code(struct slice response)
{
    struct reader reader = reader_of(response);
    reader_bytes(&reader, 6);
    uint32_t code = reader_u32_be(&reader);
    return reader.failed ? UINT32_MAX : code;
}

uint32_t tpm_response_handle(struct slice response)
{
    struct reader reader = reader_of(response);
    reader_bytes(&reader, 6);
    uint32_t code = reader_u32_be(&reader);
    uint32_t handle = reader_u32_be(&reader);
    return code != 0 ? 0 : handle;
}
