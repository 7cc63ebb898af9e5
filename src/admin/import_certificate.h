/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates of a backup beside those of a service. Which one of a type is primary is for the
 * service to say, where it says so already. */

#include "admin/certificate_list.h"
#include "base/buf.h"

/* Whether the two records of this key differ in nothing but whether they are primary. */
bool import_certificate_is_same(const char *key, struct slice one, struct slice other);
/* Whether the record is primary, and the service has a primary one of its type; then out (which is
 * initialised) is the record as one that is not. */
bool import_certificate_demote(struct buf *out, const struct certificate_list *own, const char *key,
                               struct slice record);
