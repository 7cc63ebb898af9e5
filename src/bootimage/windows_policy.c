/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/windows_policy.h"

#include "bootimage/errors.h"
#include "crypto/der.h"

#include <strings.h>

#define OID_SIGNED_DATA "1.2.840.113549.1.7.2"
#define OID_CI_POLICY "1.3.6.1.4.1.311.79.1"
/* The binary form begins with its version, the GUIDs of its type and platform, and options. */
#define BINARY_SIZE_MIN (4 + 16 + 16 + 4)
#define BINARY_VERSION_MAX 32

static bool is_oid(struct slice oid, const char *expected)
{
    char text[64];
    return strcmp(der_format_oid(oid, text, sizeof text), expected) == 0;
}

static bool is_binary(struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    uint32_t version = reader_u32_le(&reader);
    return bytes.size >= BINARY_SIZE_MIN && version >= 1 && version <= BINARY_VERSION_MAX;
}

/*
 * RFC 2315 9.1: ContentInfo {signedData, [0] SignedData {version, digestAlgorithms, ContentInfo
 * {type, [0] content}, …}}. What follows the content (certificates, signers) is Windows' to judge:
 * only where it ends is looked at.
 */
static bool read_signed(struct slice *content, struct slice bytes)
{
    struct reader file = reader_of(bytes);
    struct reader outer = der_enter(&file, DER_SEQUENCE);
    bool is_signed = is_oid(der_read(&outer, DER_OID), OID_SIGNED_DATA);
    struct reader explicit = der_enter(&outer, DER_CONTEXT_CONSTRUCTED(0));
    struct reader data = der_enter(&explicit, DER_SEQUENCE);
    der_read_number(&data, 5);
    der_read(&data, DER_SET);
    struct reader inner = der_enter(&data, DER_SEQUENCE);
    bool is_policy = is_oid(der_read(&inner, DER_OID), OID_CI_POLICY);
    struct reader wrapped = der_enter(&inner, DER_CONTEXT_CONSTRUCTED(0));
    *content = der_read(&wrapped, DER_OCTET_STRING);
    while (!data.failed && data.rest.size > 0)
        der_read_element(&data);
    return is_signed && is_policy && reader_done(&file) && reader_done(&outer) &&
           reader_done(&explicit) && reader_done(&data) && reader_done(&inner) &&
           reader_done(&wrapped) && is_binary(*content);
}

bool windows_policy_parse(struct windows_policy *out, struct slice bytes, struct error *err)
{
    struct slice content;
    if (bytes.size > WINDOWS_POLICY_SIZE_MAX)
        return error_set(err, &bootimage_windows_policy, NULL, NULL, "it is larger than 16 MiB");
    bool is_signed = read_signed(&content, bytes);
    if (!is_signed && !is_binary(bytes))
        return error_set(err, &bootimage_windows_policy, NULL, NULL,
                         "it is neither a policy nor a signed policy");
    digests_compute(&out->candidates[0], &bytes, 1);
    out->candidate_count = 1;
    if (is_signed)
        digests_compute(&out->candidates[out->candidate_count++], &content, 1);
    return true;
}

bool windows_policy_is_driver_block_list(const char *file_name)
{
    const char *slash = strrchr(file_name, '/'), *backslash = strrchr(file_name, '\\');
    const char *name = file_name;
    if (slash != NULL)
        name = slash + 1;
    if (backslash != NULL && backslash >= name)
        name = backslash + 1;
    return strcasecmp(name, "DriverSiPolicy.p7b") == 0;
}
