/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Key Protection Service (MS-KPS 3.1): the requests of protocol.md 3, each from the bytes of a
 * body to the bytes of a reply. Knows no HTTP beyond the status that the profile names. A release
 * is answered from the audit trail's completion: never before its record is on disk.
 */

#include "audit/audit.h"
#include "base/clock.h"
#include "base/plain_name.h"
#include "crypto/certificate.h"
#include "keyholder/keyholder.h"
#include "keyprotection/usage.h"
#include "store/store.h"

#define KEYPROTECTION_NAME_SIZE PLAIN_NAME_SIZE
#define KEYPROTECTION_BODY_MAX (1024 * 1024)

struct keyprotection_service;

struct keyprotection_options {
    struct store *store;
    struct keyholder *keyholder;
    struct audit *audit;
    const struct clock *clock;
    const char *node; /* under whose name usage is remembered; NULL: nothing is counted */
    /* The name under which a host is registered here, for the audit trail: identity is what its
     * health certificate calls it. False when nobody knows it (it attested elsewhere). NULL: never
     * asked. */
    bool (*name_host)(void *context, const char *identity, char name[KEYPROTECTION_NAME_SIZE]);
    /* A host that name_host knows got a key, and said what time it is: by how many seconds its
     * clock is ahead. NULL: nobody wants to know. On the worker's thread. */
    void (*host_clock)(void *context, const char *name, int64_t offset);
    /*
     * Has somebody else call go_on(work) who may wait for this token (keyholder_token.h). False
     * when too many wait: go_on will not be called. NULL: whatever needs a token is done at once.
     */
    bool (*hand_over)(void *context, unsigned token, void (*go_on)(void *work), void *work);
    void *context; /* of these functions */
};

bool keyprotection_service_new(struct keyprotection_service **out,
                               const struct keyprotection_options *options, struct error *err);
void keyprotection_service_free(struct keyprotection_service **service);
/* As attestation_apply. */
void keyprotection_apply(struct keyprotection_service *service, const struct store_change *changes,
                         size_t count);

/* The keyholder answers: what key protection needs of it before the first release is fetched. */
void keyprotection_prepare(struct keyprotection_service *service);
/* Which protectors ask for which certificate (usage.h). False when nothing is counted. */
bool keyprotection_usage(struct keyprotection_service *service,
                         struct usage_certificate *certificates, size_t count, int64_t lately,
                         struct usage_totals *totals);

/* False when a record of the store could not be read and counts as absent; *err says which. */
bool keyprotection_healthy(struct keyprotection_service *service, struct error *err);

/* Called exactly once, on the worker's, a token's worker's or the audit's thread; takes what body
 * holds. XML, UTF-8. */
typedef void keyprotection_reply(void *context, unsigned status, struct buf *body);

/* version: 1 or 2, from the route. peer: for the audit trail. clock_offset: as of
 * attestation_attest. Returns before the reply when it waits for a token or for the audit; body and
 * peer must stay until then. */
void keyprotection_roll(struct keyprotection_service *service, unsigned version, struct slice body,
                        const char *peer, const int64_t *clock_offset, keyprotection_reply *reply,
                        void *context);
/* The metadata document, built once for each change of certificates. */
void keyprotection_metadata(struct keyprotection_service *service, keyprotection_reply *reply,
                            void *context);
/* Refuses a roll whose body is not even looked at, as InvalidProtectorException; reason, a
 * sentence, goes into the reply and the audit trail. */
void keyprotection_refuse_request(struct keyprotection_service *service, const char *peer,
                                  const char *reason, keyprotection_reply *reply, void *context);
/* The reply when a queue is full: 503 and an Error document. */
void keyprotection_unavailable(keyprotection_reply *reply, void *context);
