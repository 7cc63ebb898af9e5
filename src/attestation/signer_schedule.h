/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When attestation signers are made, published, used and retired (protocol.md 2.4), as pure
 * functions of the cluster's signers and the time.
 *
 * Each node has for each use one line of signers. A new one is made a lead of 24 hours (a sixth of
 * the lifetime if that is less) before two thirds of its predecessor's life: it is listed at once
 * and signs after the lead, because verifiers keep the list for up to a day. The predecessor stays
 * listed until the last certificate it signed has expired.
 *
 * Clocks that are set change nothing of that. Over a renewal: the successor is made at once, and
 * has its lead as far as its predecessor still lives. Over a predecessor's end: the successor signs
 * at once, without the lead. Back to before a signer was made: it rests until its time comes
 * (again), its predecessor signs, and where none is valid any more, another is made. A signer that
 * was made while the clock was ahead is in the same case; when its time comes and another signs, it
 * has its lead before it does.
 */

#include "attestation/signer.h"

/* protocol.md 2.4: published 24 hours ahead. */
#define ATTESTATION_SIGNER_LEAD_SECONDS 86400

enum attestation_signer_state {
    ATTESTATION_SIGNER_FUTURE,    /* not valid yet: a clock is wrong, or was */
    ATTESTATION_SIGNER_NEXT,      /* not listed yet */
    ATTESTATION_SIGNER_PUBLISHED, /* listed, does not sign yet */
    ATTESTATION_SIGNER_ACTIVE,    /* signs */
    ATTESTATION_SIGNER_RETIRED,   /* listed, signs no more */
    ATTESTATION_SIGNER_EXPIRED,   /* of no use any more; will be removed */
};

/* "future", "next", "published", "active", "retired", "expired" */
const char *attestation_signer_state_name(enum attestation_signer_state state);

/*
 * The signer of this node and use that signs at this time: the newest whose time has come, that was
 * published for its lead, and whose certificate is valid; when there is none, the first published
 * one that is valid (better known to few verifiers than none at all). NULL when there is none
 * either. Borrowed.
 */
const struct attestation_signer *attestation_signer_schedule_select(
    const struct attestation_signer_list *list, const char *node, enum attestation_signer_use use,
    int64_t now);

/* Until when a signer is listed: its end, or when it was superseded plus its certificates' longest
 * validity and the tolerance. */
int64_t attestation_signer_schedule_served_until(const struct attestation_signer_list *list,
                                                 const struct attestation_signer *signer,
                                                 const struct attestation_settings *settings);
/* From when on it signs though another would: active_at, or, where it was to sign at once, a lead
 * after it was published. */
int64_t attestation_signer_schedule_signs_from(const struct attestation_signer *signer);
/* When its successor is made. */
int64_t attestation_signer_schedule_renewed_at(const struct attestation_signer *signer);

enum attestation_signer_state attestation_signer_schedule_state(
    const struct attestation_signer_list *list, const struct attestation_signer *signer,
    const struct attestation_settings *settings, int64_t now);

/*
 * What is wrong with a signer's times, for people; false when nothing is.
 * attestation.signer-future; attestation.signer-unannounced: it signs, as no other of its line can,
 * and those who verify may not know it yet.
 */
bool attestation_signer_schedule_problem(struct error *problem,
                                         const struct attestation_signer_list *list,
                                         const struct attestation_signer *signer, int64_t now);

/*
 * Whether this node should make a signer of this use now, and which. at_once: because an
 * administrator says so, whatever the schedule says.
 */
bool attestation_signer_schedule_plan(struct attestation_signer_plan *plan,
                                      const struct attestation_signer_list *list, const char *node,
                                      enum attestation_signer_use use,
                                      const struct attestation_settings *settings, int64_t now,
                                      bool at_once);
/* Whether this node should remove the signer's record now: its own when retired, anybody's when
 * expired for a day. */
bool attestation_signer_schedule_removes(const struct attestation_signer_list *list,
                                         const struct attestation_signer *signer, const char *node,
                                         const struct attestation_settings *settings, int64_t now);
/* The next time after now at which any of the above gives another answer. INT64_MAX: never. */
int64_t attestation_signer_schedule_due(const struct attestation_signer_list *list,
                                        const char *node,
                                        const struct attestation_settings *settings, int64_t now);

/*
 * The certificates for signingCertificates in their order: RSA signers that sign, this node's
 * first; RSA signers that did; RSA signers that will; then EC signers likewise. Writes at most
 * list->count borrowed pointers to out and returns how many.
 */
size_t attestation_signer_schedule_listed(const struct certificate **out,
                                          const struct attestation_signer_list *list,
                                          const char *node,
                                          const struct attestation_settings *settings, int64_t now);
