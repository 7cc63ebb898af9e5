/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hosts with simulated TPMs: what they are, what the service must know of them, and their side of
 * an attestation (protocol.md 2.3, v2.0), with as little computing as can be: all that does not
 * change is made ahead, the RSA keys of these TPMs are cheap to use, and of a reply only the
 * context is read.
 */

#include "../tests/unit/simulated_tpm.h"
#include "attestation/rtpm_context.h"
#include "load.h"
#include "store/store.h"

struct member {
    struct simulated_tpm *tpm;
    struct buf log;
    struct buf first;     /* its first request, head and body */
    struct buf body;      /* of any request, with nothing in the place of the context's base64, */
    size_t context_place; /* which is here */
    struct buf context;   /* what is being written and read */
    struct buf request;
    struct buf answers[RTPM_COMMANDS_MAX];
};

/* A host that booted a log of about so many bytes. */
void member_init(struct member *out, size_t log_size);
void member_done(struct member *member);

/* Registers the hosts PREFIX-0 … in a store that no service has open, with a baseline of their log
 * and a policy for their kernel, and trusts the makers of their TPMs. */
void population_register(struct store *store, const char *prefix, const struct member *members,
                         size_t count);

/* As load_plan.begin and load_plan.follow. */
struct load_request member_begin(struct member *member);
enum load_turn member_follow(struct member *member, struct slice reply, struct load_request *next);
