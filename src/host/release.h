/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The key release client (MS-KPS 3.2; protocol.md 3): sends a protector and the health certificate,
 * gets its transport key and a new protector with a new one, and believes none of it before it has
 * checked all of it.
 */

#include "base/clock.h"
#include "host/config.h"
#include "host/identity.h"
#include "protector/protector.h"

struct host_release {
    struct buf document;       /* the egress protector's bytes */
    struct protector *egress;  /* the same, parsed and verified */
    struct secret ingress_key; /* opens what the ingress protector protects */
    struct secret egress_key;
};

void host_release_done(struct host_release *release);
#define _cleanup_host_release_ __attribute__((cleanup(host_release_done)))

/*
 * Rolls the transport key of the ingress protector (document: its bytes). host.health-refused,
 * host.protector-refused, host.release-unavailable, host.release-wrong, host.service-unknown,
 * host.reply, http.*.
 */
bool host_release_roll(struct host_release *out, const struct host_config *config,
                       const struct clock *clock, const struct host_identity *identity,
                       const struct protector *ingress, struct slice document, struct error *err);

/*
 * What the client checks (protocol.md 3, last point): the ingress key makes the ingress protector's
 * transport key signature and the egress key the egress one's; the keys differ; the egress
 * protector verifies whole; every wrapping but its ciphertext, and so the owner, is unchanged; it
 * was signed by a guardian that is not the owner, one of pins when there are any; its
 * MaxOfflineUnwraps did not grow. host.release-wrong, host.service-unknown.
 */
bool host_release_check(const struct protector *ingress, const struct protector *egress,
                        struct slice ingress_key, struct slice egress_key,
                        const struct config_list *pins, struct error *err);

/* The error of an Error document, or of a reply that is none. */
bool host_release_refusal(const char *url, unsigned status, struct slice body, struct error *err);
