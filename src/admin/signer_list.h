/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every attestation signer whose health certificates key protection accepts, as the store has them:
 * this service's own (STORE_ATTESTATION_SIGNER) and those of other services
 * (STORE_TRUSTED_SIGNER), for the operations that list and change them.
 */

#include "attestation/signer.h"
#include "base/json.h"
#include "keyprotection/trusted_signer.h"

struct signer_list_item {
    bool own;
    char thumbprint[KEYPROTECTION_THUMBPRINT_SIZE];
    int64_t revision;
    /* One of the two, by own. */
    struct attestation_signer attestation;
    struct keyprotection_trusted_signer trusted;
};

struct signer_list {
    struct signer_list_item *items;
    size_t count;
    int64_t deny_all_before;   /* 0: nothing */
    int64_t deny_all_revision; /* STORE_ABSENT: no such record */
};

/* Errors of store/, and of the first record that cannot be read. Freed in any case. */
bool signer_list_load(struct signer_list *out, struct store *store, struct error *err);
void signer_list_done(struct signer_list *list);
#define _cleanup_signer_list_ __attribute__((cleanup(signer_list_done)))

struct certificate *signer_list_certificate(const struct signer_list_item *item);
/* The one with exactly this certificate; NULL when there is none. */
struct signer_list_item *signer_list_get(const struct signer_list *list,
                                         const struct certificate *certificate);
/* The one that text names (admin/thumbprint.h). NULL with admin.not-found, or admin.argument when
 * several begin so. */
struct signer_list_item *signer_list_find(const struct signer_list *list, const char *text,
                                          struct error *err);
/* The value of an item's record, appended. */
void signer_list_format(struct buf *out, const struct signer_list_item *item);

/* The trusted ones as objects of the array "trusted": thumbprint, subject, not_before, not_after,
 * added, added_by, deny_before (absent: nothing). */
void signer_list_write_trusted(struct json_writer *writer, const struct signer_list *list);
