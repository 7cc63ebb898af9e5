/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The frame of a response (TPM 2.0 Part 1, 18.3 to 18.9): header, handle, parameters and session,
 * before and after what is in it is believed. Only this room includes it. */

#include "base/error.h"
#include "base/slice.h"
#include "tpm/session.h"

struct response_frame {
    uint32_t handle; /* 0: the command returns none */
    struct slice parameters;
};

/* A response without sessions: tag 0x8001, code 0, sizes exact. command: TPM_CC, which says whether
 * a handle comes first. tpm.response-malformed, tpm.response-code. */
bool response_frame_parse_plain(struct response_frame *out, uint32_t command, struct slice response,
                                struct error *err);
/* A response with the one session, verified: only then *out is filled in. Further:
 * tpm.response-unexpected, tpm.response-attributes, tpm.response-hmac. */
bool response_frame_verify(struct response_frame *out, uint32_t command,
                           const struct tpm_session *session, struct slice response,
                           struct error *err);
