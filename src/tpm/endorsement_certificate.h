/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Endorsement certificates (TCG EK Credential Profile) as manufacturers really make them.
 *
 * Tolerated, each by name (eventlog-facts.md 7.5): padding behind the certificate and the TCG 1.2
 * wrapper before it, in NV; names whose parts are not in DER order, or all in one part; explicit
 * default values; a notAfter in 9999; keys of type id-RSAES-OAEP; critical extensions of a closed
 * list that nothing here depends on; authorities signed with SHA-1 that the administrator added;
 * roots that are not self-signed, or have expired.
 *
 * Refused: what is not for endorsement keys (an identity key's certificate above all, or an
 * intermediate that a host sent and that is for something else), is not in its time, or does not
 * lead to a root. The message names the link and the command that mends it.
 */

#include "tpm/endorsement_key.h"
#include "tpm/trust.h"

/* Most bytes of NV content that are looked at. */
#define TPM_NV_CERTIFICATE_SIZE_MAX (CERTIFICATE_SIZE_MAX + 4096)

/* The certificate in an NV index's content, borrowed: without wrapper and padding.
 * tpm.certificate-malformed. */
bool tpm_endorsement_certificate_cut(struct slice *out, struct slice nv, struct error *err);

/*
 * Certificates as a TPM's maker puts them into NV from 01C00100 on (TCG EK Credential Profile,
 * 2.2.1.5.2): DER, one behind the other, padded. Borrowed: without the padding. What is not whole
 * certificates is left out.
 */
struct slice tpm_endorsement_certificate_cut_chain(struct slice nv);
/* Takes the first certificate (DER) of bytes that may hold a chain behind it, which is *chain then.
 * False when they begin with none. */
bool tpm_endorsement_certificate_split(struct slice *certificate, struct slice *chain,
                                       struct slice bytes);

/* What the TPM's maker says of it, for showing; empty when the certificate does not say. */
struct tpm_maker {
    char manufacturer[32]; /* "id:49465800" as "IFX" */
    char model[64];
    char version[32]; /* as in the certificate: "id:0007003F" */
};

/*
 * Reads a certificate and checks its own profile, but no chain (what hgs host identify can do).
 * tpm.certificate-malformed, tpm.certificate-not-endorsement, tpm.certificate-extension, crypto.*.
 */
bool tpm_endorsement_certificate_parse(struct certificate **out, struct slice der,
                                       struct error *err);
/*
 * The same, and its chain to a root of trust at the time now (seconds since 1970). chain: what came
 * with it, to stand in between where trust has no intermediate (DER, one behind the other; empty:
 * nothing). *out is a reference of the caller's own. Further: tpm.certificate-time,
 * tpm.issuer-missing, tpm.issuer-wrong, tpm.issuer-purpose, tpm.root-missing, tpm.chain-too-long.
 */
bool tpm_endorsement_certificate_verify(struct certificate **out, struct slice der,
                                        struct slice chain, struct tpm_trust *trust, int64_t now,
                                        struct error *err);
void tpm_endorsement_certificate_maker(struct tpm_maker *out,
                                       const struct certificate *certificate);
