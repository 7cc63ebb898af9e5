/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One roll of a transport key (MS-KPS 3.1.5.1.1.3), from the bytes of a request to the bytes of a
 * response, refused by what the specification checks first. What a secret decides (OAEP padding,
 * the payload, the transport key signature) has one answer: a failed decryption goes on with a
 * random key, and the signature that then does not verify is what is reported.
 */

#include "keyholder/keyholder.h"
#include "keyprotection/message.h"
#include "keyprotection/snapshot.h"
#include "keyprotection/usage.h"
#include "protector/protector.h"

struct roll_resources {
    const struct keyprotection_snapshot *snapshot;
    struct keyholder *keyholder;
    struct cache *certificates;
    struct verification_cache *verifications;
    int64_t now;
    struct usage *usage; /* NULL: nobody counts */
};

/* What the audit trail says of a roll; as much as was found out before it ended. */
struct roll_facts {
    char *host;        /* the health certificate's subject CN, cut; NULL: not known */
    bool host_trusted; /* a trusted signer issued it, so that host is who it says */
    bool has_health, has_ingress, has_egress, has_wrapping;
    uint8_t health_thumbprint[32];
    uint8_t ingress_digest[32], egress_digest[32];
    uint8_t owner_thumbprint[32];      /* the owner's signing certificate; with has_wrapping */
    uint8_t encryption_thumbprint[32]; /* ours; with has_wrapping */
};

void roll_facts_done(struct roll_facts *facts);

/* A roll on its way. */
struct rolling {
    const struct roll_resources *resources;
    struct roll_facts *facts;
    struct roll_request request;
    struct certificate *health;
    struct protector *ingress;
    const struct protector_wrapping *signer; /* whose signing certificate is ours */
    size_t signers_seen;                     /* of our signing certificates, up to that one */
    struct secret payload;                   /* of the wrapping that is ours, when it opened */
    bool opened;
    bool tried; /* to open it, by roll_open */
    struct secret ingress_key, egress_key;
};

/*
 * In two steps, so that what follows the first one can be done by somebody who may wait: everything
 * that needs no private key, then the rest. resources and facts (zeroed before) must stay as long
 * as rolling, which is freed with roll_done in any case; it may be moved between the two when
 * rolling->resources and rolling->facts are set anew. Errors as of roll_transport_key.
 */
bool roll_begin(struct rolling *rolling, const struct roll_resources *resources,
                struct roll_facts *facts, struct slice request, struct error *err);
/* The token (keyholder_token.h) whose key roll_finish is going to need; 0: none. Where the
 * protector has several wrappings for the service, of the first one that it tries. */
unsigned roll_token(const struct rolling *rolling);
/* The one that it needs to sign. Where that is another, roll_open is for whoever may wait for the
 * first, and roll_finish for whoever may wait for this one. 0: there is none. */
unsigned roll_signing_token(const struct rolling *rolling);
/* Opens the ingress protector. That its key was not the right one is no failure here: roll_finish
 * finds it out. */
bool roll_open(struct rolling *rolling, struct error *err);
bool roll_finish(struct buf *out, struct rolling *rolling, unsigned version, struct error *err);
void roll_done(struct rolling *rolling);

/*
 * Both steps at once. version: of the payload, 1 or 2. The response is appended to out; nothing is
 * when it fails. facts (zeroed before) is filled in both cases. Errors: those of message.h,
 * health.h and protector/errors.h; protector.no-wrapping, protector.opaque,
 * keyprotection.guardian-gone, keyprotection.certificate-disabled; keyholder.*.
 */
bool roll_transport_key(struct buf *out, struct roll_facts *facts,
                        const struct roll_resources *resources, unsigned version,
                        struct slice request, struct error *err);
