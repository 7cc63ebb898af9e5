/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A software TPM for the tests of host/tpm_*.c, as a device, and a look at what is in it. */

#include "../folder.h"

#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "../software_tpm.h"
#include "eventlog/eventlog.h"
#include "host/errors.h"
#include "host/tpm_device.h"
#include "host/tpm_pcrs.h"
#include "tpm/identity_key.h"

static struct software_tpm tpm;
static char tcti[96];
static struct host_tpm_device *device;

/* For cmocka_run_group_tests. */
static inline int tpm_set_up(void **state)
{
    (void)state;
    software_tpm_start(&tpm);
    close(tpm.connection); /* it serves one at a time */
    tpm.connection = -1;
    snprintf(tcti, sizeof tcti, "swtpm:path=%s/p", tpm.folder);
    assert_ok(host_tpm_device_open(&device, tcti, err));
    return 0;
}

static inline int tpm_tear_down(void **state)
{
    (void)state;
    host_tpm_device_close(&device);
    software_tpm_stop(&tpm);
    return 0;
}

/* Opens it again after what is tested had it for itself. */
static inline void take_tpm(void)
{
    assert_ok(host_tpm_device_open(&device, tcti, err));
}

static inline ESYS_CONTEXT *esys(void)
{
    return host_tpm_device_esys(device);
}

/* As switching the machine off and on. */
static inline void tpm_reset(void)
{
    software_tpm_run(&tpm, "swtpm_ioctl --unix $PWD/p.ctrl -i");
    assert_int_equal(Esys_Startup(esys(), TPM2_SU_CLEAR), TSS2_RC_SUCCESS);
}

static inline void tpm_extend_by(unsigned pcr, const uint8_t digest[DIGEST_SHA256_SIZE])
{
    TPML_DIGEST_VALUES digests = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};
    memcpy(digests.digests[0].digest.sha256, digest, DIGEST_SHA256_SIZE);
    assert_int_equal(Esys_PCR_Extend(esys(), ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &digests),
                     TSS2_RC_SUCCESS);
}

static inline void tpm_extend(unsigned pcr)
{
    tpm_extend_by(pcr, (const uint8_t[DIGEST_SHA256_SIZE]){1});
}

/* Extends every event of a log, as a boot does. */
static inline void tpm_measure(struct slice log)
{
    struct eventlog parsed;
    assert_ok(eventlog_parse(&parsed, log, err));
    for (uint32_t i = 0; i < parsed.event_count; i++) {
        const struct eventlog_event *event = &parsed.events[i];
        struct slice digest = eventlog_event_digest(event, DIGEST_SHA256);
        if (event->type == EVENTLOG_NO_ACTION || digest.size != 32)
            continue;
        tpm_extend_by(event->pcr, digest.data);
    }
    eventlog_done(&parsed);
}

static inline uint32_t count_handles(uint32_t first)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    assert_int_equal(Esys_GetCapability(esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        TPM2_CAP_HANDLES, first, 64, &more, &data),
                     TSS2_RC_SUCCESS);
    uint32_t count = data->data.handles.count;
    Esys_Free(data);
    return count;
}

/* Nothing of ours stays behind in the TPM. */
static inline void assert_empty(void)
{
    assert_int_equal(count_handles(0x80000000u), 0);
    assert_int_equal(count_handles(0x02000000u), 0);
    assert_int_equal(count_handles(0x03000000u), 0);
}

static inline void flush(uint32_t handle)
{
    ESYS_TR object;
    assert_int_equal(
        Esys_TR_FromTPMPublic(esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object),
        TSS2_RC_SUCCESS);
    assert_int_equal(Esys_FlushContext(esys(), object), TSS2_RC_SUCCESS);
}

/* An identity key as the service has it made, bound to the registers as they are now; its handle,
 * and its public half. */
static inline uint32_t make_identity_key(struct public_key **out, uint32_t pcrs)
{
    ESYS_TR object;
    struct tpm_pcr_bank bank;
    struct tpm_identity_template identity;
    TPM2B_PUBLIC wanted = {0}, *made = NULL;
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION none = {0};
    size_t offset = 0;
    struct buf area;
    buf_init(&area, 1024);
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    tpm_identity_template_make(&identity, TPM_IDENTITY_DECRYPT,
                               (struct tpm_pcr_selection){bank.algorithm, pcrs}, &bank);
    tpm_identity_template_format(&area, &identity);
    assert_int_equal(
        Tss2_MU_TPMT_PUBLIC_Unmarshal(area.data, area.size, &offset, &wanted.publicArea), 0);
    assert_int_equal(Esys_CreatePrimary(esys(), ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &sensitive, &wanted, &outside, &none, &object,
                                        &made, NULL, NULL, NULL),
                     TSS2_RC_SUCCESS);
    uint8_t bytes[1024];
    size_t size = 0;
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&made->publicArea, bytes, sizeof bytes, &size), 0);
    assert_ok(tpm_identity_key_check(out, &identity, slice_of(bytes, size), err));
    uint32_t handle = 0;
    assert_int_equal(Esys_TR_GetTpmHandle(esys(), object, &handle), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_TR_Close(esys(), &object), TSS2_RC_SUCCESS);
    Esys_Free(made);
    buf_done(&area);
    return handle;
}
