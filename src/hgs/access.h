/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who may open a key protector: what `protector` and `vm` commands have in common. */

#include "hgs/guardians.h"
#include "hgs/output.h"

/* The guardians that --guardian names, loaded. */
struct access_list {
    struct guardian *guardians;
    size_t count;
};
void access_list_done(struct access_list *list);
#define _cleanup_access_list_ __attribute__((cleanup(access_list_done)))
bool access_list_load(struct access_list *out, const char *folder,
                      const struct option_values *values, struct error *err);

/* A new protector for --owner and every --guardian. document: appended. */
bool access_create(struct buf *document, struct secret *transport_key,
                   const struct option_values *values, struct error *err);

enum access_change { ACCESS_GRANT, ACCESS_REVOKE };
/* The protector with every --guardian added or removed, by its owner. document: appended. */
bool access_change(struct buf *document, const struct protector *from, const struct guardian *owner,
                   enum access_change how, const struct option_values *values, struct error *err);

/* The owner's guardian among ours: --owner, or found. */
bool access_owner(struct guardian *out, const struct protector *protector,
                  const struct option_values *values, struct error *err);

/* Everything about a protector: to the JSON object under way ("wrappings", "verifies"…), and with
 * print tables on stdout. Whether it verifies is part of what is shown. */
void access_show(struct output *output, const struct protector *protector, bool print);

/* Option rows. */
#define ACCESS_ROW_OWNER                                                                    \
    {                                                                                       \
        "owner", "NAME", "the owner's guardian (default: found among yours)", OPTION_VALUE, \
            OPTION_NAME                                                                     \
    }
#define ACCESS_ROW_OWNER_REQUIRED                                                        \
    {                                                                                    \
        "owner", "NAME", "the owner: a guardian of your own", OPTION_VALUE, OPTION_NAME, \
            .required = true                                                             \
    }
#define ACCESS_ROW_GUARDIAN                                                              \
    {                                                                                    \
        "guardian", "NAME", "a guardian", OPTION_REPEATED, OPTION_NAME, .required = true \
    }
