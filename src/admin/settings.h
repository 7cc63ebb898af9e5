/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `server set` changes: the mode (STORE_SETTING "service"), lifetimes and keys of attestation
 * ("attestation"), and limits of key protection ("keyprotection"). Members that are not named keep
 * their values.
 */

#include "admin/operation.h"

#define SETTINGS_RECORDS 3

struct settings_edit {
    struct store_change changes[SETTINGS_RECORDS];
    struct buf values[SETTINGS_RECORDS]; /* the records as they shall be */
    size_t count;
    struct buf before, after; /* JSON objects with the records that change, for the audit trail */
};

/* Safe to free with settings_edit_done from here on. */
void settings_edit_init(struct settings_edit *edit);
void settings_edit_done(struct settings_edit *edit);

/*
 * The changes that the request's arguments ask for: "trust", "attestation" (an object of members of
 * that record), "key_protection" (likewise). admin.not-initialized; admin.argument when they ask
 * for nothing; admin.mode-unsupported; attestation.settings-malformed for a member out of its
 * bounds.
 */
bool settings_edit_make(struct settings_edit *edit, const struct admin_request *request,
                        struct error *err);

/* The settings in force as property "settings" of an object: {"attestation": {…}, "key_protection":
 * {…}}. */
bool settings_write(struct json_writer *writer, struct store *store, struct error *err);
