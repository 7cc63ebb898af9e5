/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the last attestation went, in the words of the Windows documentation
 * (Get-HgsClientConfiguration: AttestationStatus, AttestationSubStatus), kept in status.json of the
 * state folder.
 */

#include "attestation/message_reply.h"

enum host_status {
    HOST_STATUS_UNKNOWN, /* has not attested yet */
    HOST_STATUS_PASSED,
    HOST_STATUS_EXPIRED,
    HOST_STATUS_NOT_CONFIGURED,
    HOST_STATUS_TRANSIENT_ERROR,
    HOST_STATUS_UNAUTHORIZED_HOST,
    HOST_STATUS_TPM_ERROR,
    HOST_STATUS_INSECURE_HOST_CONFIGURATION,
};

#define HOST_SUBSTATUS_SIZE 512

struct host_status_record {
    enum host_status status;
    char substatus[HOST_SUBSTATUS_SIZE]; /* "NoInformation", or names of policies: "SecureBoot,
                                            Iommu" */
    enum attestation_mode mode;          /* that the service attests in; unknown: not asked */
    int64_t time;                        /* of the attempt; 0: none */
    bool fallback;                       /* the fallback URL answered */
    bool has_clock_offset;               /* the service said what time it is */
    int64_t
        clock_offset; /* by how many seconds this host's clock was ahead of the service's then */
};

/* From so many seconds on, a clock's offset is something to do about: what services backdate their
 * certificates by, unless they are told otherwise. */
#define HOST_CLOCK_BOUND_SECONDS 300
/* Whether this host's clock was further away from the service's. */
bool host_status_clock_is_off(const struct host_status_record *record);

/* "InsecureHostConfiguration" */
const char *host_status_name(enum host_status status);
/* What somebody may do about it, one sentence a line without a full stop, appended; nothing when
 * all is well. */
void host_status_next(struct buf *out, const struct host_status_record *record);
/* What a reply says: its status and substatus; time and fallback are left alone. */
void host_status_of_reply(struct host_status_record *out, const struct attestation_reply *reply);
/* The error that this status is (host.unauthorized, host.insecure…); for any but Passed. url: the
 * object. */
bool host_status_error(const struct host_status_record *record,
                       const struct attestation_reply *reply, const char *url, struct error *err);

/* A missing or damaged record is HOST_STATUS_UNKNOWN: it only informs. */
void host_status_load(struct host_status_record *out, const char *state);
bool host_status_save(const struct host_status_record *record, const char *state,
                      struct error *err);
