/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The user's guardians: a folder (mode 0700) with one folder for each. --guardians, HGS_GUARDIANS,
 * $XDG_CONFIG_HOME/hgs/guardians or ~/.config/hgs/guardians, in this order; for root as for
 * anybody.
 *
 * One of our own holds signing.pem, encryption.pem, signing.key and encryption.key (PKCS#8 PEM,
 * mode 0600); an imported one holds metadata.xml as it was imported, whose signatures are verified
 * each time it is used.
 */

#include "base/option.h"
#include "protector/guardian.h"

/* The folder, allocated; made with mode 0700 when it is missing, refused when it is wider
 * (base.file-mode). */
bool guardians_folder(char **out, const struct option_values *values, struct error *err);

/* hgs.guardian-unknown, hgs.guardian-damaged, base.file-mode (a key wider than 0600). */
bool guardians_load(struct guardian *out, const char *folder, const char *name, struct error *err);
/* As guardians_load, and has private keys: hgs.guardian-foreign. */
bool guardians_load_own(struct guardian *out, const char *folder, const char *name,
                        struct error *err);
bool guardians_is_own(const struct guardian *guardian);

/* Whether a guardian could be saved under this name, as one of our own or (imported) as one whose
 * metadata is: name, hgs.guardian-exists. For a dry run. */
bool guardians_check_save(const char *folder, const char *name, bool imported, bool replace,
                          struct error *err);
/* Whether there is one. hgs.guardian-unknown. */
bool guardians_check_there(const char *folder, const char *name, struct error *err);
/* One of our own. The folder appears whole or not at all. hgs.guardian-exists. */
bool guardians_save_own(const char *folder, const char *name, const struct guardian *guardian,
                        struct error *err);
/* One whose metadata was imported; of guardian only only_sha1 counts. replace: also when there is
 * an imported one of this name; never one of our own. */
bool guardians_save_imported(const char *folder, const char *name, const struct guardian *guardian,
                             struct slice metadata, bool replace, struct error *err);
bool guardians_remove(const char *folder, const char *name, struct error *err);
/* The public half as metadata: what was imported, or a document signed by the guardian itself.
 * Appended. */
bool guardians_export(struct buf *out, const char *folder, const char *name, struct error *err);

/* The names, sorted; each and the array are freed with guardians_names_free. */
bool guardians_names(char ***out, size_t *count, const char *folder, struct error *err);
void guardians_names_free(char **names, size_t count);

/*
 * The guardian of ours that owns the protector: the one called name, or, with name NULL, the one
 * whose signing certificate the owner's wrapping has. hgs.owner-unknown.
 */
bool guardians_find_owner(struct guardian *out, const char *folder, const char *name,
                          const struct protector *protector, struct error *err);
