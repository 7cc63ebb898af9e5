/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a host's record (host.h) holds in TPM mode: who its TPM is, and what the administrator
 * decided when it was registered.
 *
 * Members beside those of host.h: "endorsement_key" (base64 TPM2B_PUBLIC; absent when only its key
 * is known), "endorsement_certificate" (base64 DER; absent when there is none), "endorsement_chain"
 * (base64, what the TPM holds of certificates between that and its root), "certified" (the
 * certificate led to a root when the host was registered), "profile", "policy_version", "bank"
 * (absent: "sha256"), "sets", "staged", and texts for people: "system_uuid", "serial_number",
 * "tpm_manufacturer", "tpm_firmware_version".
 */

#include "attestation/platform_identifier.h"
#include "base/json.h"
#include "policy/set.h"
#include "tpm/trust.h"

#define ATTESTATION_SETS_MAX 16

struct attestation_tpm_host {
    struct buf endorsement_key; /* TPM2B_PUBLIC or TPMT_PUBLIC, or empty */
    struct buf certificate;     /* DER, or empty */
    struct buf chain;           /* DER, one behind the other, or empty */
    bool certified;
    enum eventlog_profile profile;
    enum policy_version version;
    /* The bank of PCRs that it attests by. The host does not choose: firmware may leave another
     * bank, that the TPM has, for anybody to extend. */
    enum digest_algorithm bank;
    bool staged; /* does not attest until `policy activate` */
    char *sets[ATTESTATION_SETS_MAX];
    size_t set_count;
    char system_uuid[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char serial_number[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char tpm_manufacturer[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char tpm_firmware_version[PLATFORM_IDENTIFIER_TEXT_SIZE];
};

void attestation_tpm_host_init(struct attestation_tpm_host *host);
void attestation_tpm_host_done(struct attestation_tpm_host *host);

/* What an administrator decides. */
struct attestation_registration {
    enum eventlog_profile profile;
    enum policy_version version;
    enum digest_algorithm bank; /* 0: SHA-256 */
    bool force; /* v1 only: without a certificate, or with one that leads to no root */
    bool staged;
    const char *const *sets;
    size_t set_count;
};

/*
 * Takes over what identifier holds, after checking it against the registration: version v2 needs a
 * certificate of this key that leads to a root of trust at the time now.
 * attestation.certificate-missing, attestation.force-version (force with v2),
 * attestation.force-needed (v1 without a good certificate), attestation.host-set (a set's name, or
 * too many), and those of tpm/endorsement_certificate.h.
 */
bool attestation_tpm_host_register(struct attestation_tpm_host *out,
                                   struct platform_identifier *identifier,
                                   const struct attestation_registration *registration,
                                   struct tpm_trust *trust, int64_t now, struct error *err);

/* Members of the current object. */
void attestation_tpm_host_write(struct json_writer *writer,
                                const struct attestation_tpm_host *host);
/* attestation.host-malformed, base.json-*. */
bool attestation_tpm_host_read(struct attestation_tpm_host *out, const struct json *record,
                               struct error *err);
/* Whom policies judge. Borrows from host, name and subject's own places. */
void attestation_tpm_host_subject(struct policy_subject *out,
                                  const struct attestation_tpm_host *host, const char *name);
