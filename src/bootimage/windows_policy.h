/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Windows code integrity policies in their binary form: SiPolicy.p7b, {GUID}.cip. The file is the
 * policy itself, or a PKCS#7 SignedData (content type 1.3.6.1.4.1.311.79.1) that holds it.
 *
 * Windows' loader measures a digest of each policy that it activates (SIPAEVENT_SI_POLICY). Which
 * bytes of a signed file are digested is not public, so both candidates are given: the whole file
 * and the signed content. Either way it is this policy that was activated and no other.
 */

#include "bootimage/digests.h"

#define WINDOWS_POLICY_SIZE_MAX (16u << 20)
#define WINDOWS_POLICY_CANDIDATES 2

struct windows_policy {
    struct digests candidates[WINDOWS_POLICY_CANDIDATES]; /* the file; the signed content */
    size_t candidate_count;                               /* 1 for an unsigned file */
};

/* bootimage.windows-policy: neither of the two. */
bool windows_policy_parse(struct windows_policy *out, struct slice bytes, struct error *err);
/* Whether a file name is that of Microsoft's list of blocked drivers, which allows all else. */
bool windows_policy_is_driver_block_list(const char *file_name);
