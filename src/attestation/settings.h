/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the administrator decides about attestation, from two records of kind STORE_SETTING:
 * "service" (the mode; made by server init) and "attestation" (lifetimes and keys; each member has
 * a default, so the record may be absent), and from the record "all" of kind STORE_TRUSTED_SIGNER
 * (since when health certificates count). Members that are not known here are skipped: other rooms
 * keep theirs in the same records.
 */

#include "attestation/message.h"
#include "base/slice.h"

#define ATTESTATION_SETTING_SERVICE "service"
#define ATTESTATION_SETTING_ATTESTATION "attestation"
#define ATTESTATION_SIGNERS_ALL "all"

enum attestation_signer_key { ATTESTATION_SIGNER_KEY_RSA2048, ATTESTATION_SIGNER_KEY_P256 };

struct attestation_settings {
    enum attestation_mode mode;         /* unknown: not initialised */
    int64_t health_certificate_seconds; /* validity from now; 300 to 604800, default 28800 */
    int64_t clock_tolerance_seconds;    /* notBefore lies so far back; 0 to 3600, default 300 */
    int64_t clock_warning_seconds;      /* 0 to 86400; 0, the default: as the tolerance */
    int64_t signer_lifetime_days;       /* 2 to 825, default 30 */
    int64_t rtpm_exchange_seconds;      /* of an attestation in TPM mode; 10 to 3600: 120 */
    int64_t functional_level; /* which built-in policies are in force; 1 to our own, our own */
    enum attestation_signer_key signer_key; /* of signers made from now on; default rsa2048 */
    bool allow_unprotected_signing_keys;    /* protocol.md 2.4; default no */
    int64_t deny_before; /* key protection refuses what any signer issued before; 0: nothing */
};

/* How far, in seconds, a clock may be off before that is told: clock_warning_seconds or, where that
 * is 0, the tolerance; at least 2, since hosts tell whole seconds. */
int64_t attestation_settings_clock_bound(const struct attestation_settings *settings);
/* Not initialised, and the defaults. */
void attestation_settings_init(struct attestation_settings *settings);
/* Reads the record "service": {"mode": "tpm"|"hostkey"|"ad", "functional_level", …}; only these two
 * are changed. server init writes this version's own level, and `policy activate` raises it: until
 * then the built-in policies of a newer version are staged. Absent: the first version's, 2.
 * attestation.settings-malformed, base.json-*. */
bool attestation_settings_parse_service(struct attestation_settings *settings, struct slice value,
                                        struct error *err);
/* Reads the record "attestation" (empty: there is none); what it does not name becomes the default,
 * mode and deny_before stay. attestation.settings-malformed (also for a value out of bounds),
 * base.json-*. */
bool attestation_settings_parse(struct attestation_settings *settings, struct slice value,
                                struct error *err);
/* Reads the record "all" (empty: there is none): {"deny_before": seconds since 1970}; only
 * deny_before is changed. base.json-*. */
bool attestation_settings_parse_signers(struct attestation_settings *settings, struct slice value,
                                        struct error *err);
