/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SIPA: what Windows' loaders put into EV_EVENT_TAG events (wbcl.h of the Windows SDK). A list of
 * {u32 id, u32 size, payload}; bit 30 of an id says that the payload is such a list again. No id
 * that we do not know is an error: the digest covers it, so nobody but the loader can have put it
 * there.
 */

#include "base/slice.h"
#include "crypto/digest.h"

#define SIPA_DEPTH_MAX 8
#define SIPA_AGGREGATION 0x40000000u

enum sipa_id {
    SIPA_TRANSFER_CONTROL = 0x00020003,
    SIPA_BITLOCKER_UNLOCK = 0x00020005,
    SIPA_FIRMWARE_FAILURE = 0x00030001,
    SIPA_INTERNAL_FAILURE = 0x00030003,
    SIPA_HYPERVISOR_FAILURE = 0x00030005,
    SIPA_BOOT_DEBUGGING = 0x00040001,
    SIPA_OS_KERNEL_DEBUG = 0x00050001,
    SIPA_CODE_INTEGRITY = 0x00050002,
    SIPA_TEST_SIGNING = 0x00050003,
    SIPA_SAFE_MODE = 0x00050005,
    SIPA_WINPE = 0x00050006,
    SIPA_HYPERVISOR_LAUNCH_TYPE = 0x0005000A,
    SIPA_HYPERVISOR_DEBUG = 0x0005000D,
    SIPA_SI_POLICY = 0x0005000F,
    SIPA_VSM_LAUNCH_TYPE = 0x00050012,
    SIPA_VSM_IDK_INFO = 0x00050020,
    SIPA_PAGEFILE_ENCRYPTION = 0x00050022,
    SIPA_VSM_IDKS_INFO = 0x00050023,
    SIPA_HIBERNATION_DISABLED = 0x00050024,
    SIPA_DUMPS_DISABLED = 0x00050025,
    SIPA_DUMP_ENCRYPTION = 0x00050026,
    SIPA_DUMP_ENCRYPTION_KEY_DIGEST = 0x00050027,
    SIPA_VBS_IOMMU_REQUIRED = 0x000A0003,
    SIPA_VBS_HVCI_POLICY = 0x000A0007,
    SIPA_TRUST_BOUNDARY = 0x40010001,
    SIPA_ELAM = 0x40010002,
    SIPA_LOADED_MODULE = 0x40010003,
};

/* One leaf. */
typedef void sipa_visit(void *context, uint32_t id, struct slice payload);

/* Calls visit for each leaf of the whole data of an event, in order. False: sizes do not fit their
 * parent, or lists lie in each other deeper than SIPA_DEPTH_MAX; what was visited before is void.
 */
bool sipa_walk(struct slice data, sipa_visit *visit, void *context);

/* A number of 1, 2, 4 or 8 bytes. */
bool sipa_number(uint64_t *out, struct slice payload);

/* SIPAEVENT_SI_POLICY_PAYLOAD; borrows from payload. */
struct sipa_si_policy {
    uint64_t version;
    uint16_t algorithm; /* TPM_ALG_ID */
    struct slice name;  /* UTF-16LE, without its NUL */
    struct slice digest;
};
bool sipa_si_policy_parse(struct sipa_si_policy *out, struct slice payload);

/* SIPAEVENT_VSM_IDK_INFO_PAYLOAD of RSA, 2048 to 4096 bits; borrows from payload. */
struct sipa_vsm_key {
    struct slice exponent; /* big-endian */
    struct slice modulus;
};
bool sipa_vsm_key_parse(struct sipa_vsm_key *out, struct slice payload);
