/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Microsoft cabinets ([MS-CAB]), read in memory. A signature behind the cabinet is not looked at.
 * Only this room includes it. */

#include "base/buf.h"
#include "base/error.h"

bool cabinet_is(struct slice bytes);

/* One file of it. */
struct cabinet_file {
    const char *name;      /* with its folders, separated by slashes */
    struct slice contents; /* empty when unreadable */
    const char *problem;   /* why it is, or NULL */
};

#define CABINET_FILES_MAX 8192
#define CABINET_FILE_SIZE_MAX (256 * 1024)   /* bytes of one that is read */
#define CABINET_WORK_MAX (512 * 1024 * 1024) /* bytes unpacked for all of them */

/* Calls each file whose name wanted() wants, in order. False from each stops with its error. A
 * cabinet that is damaged, or larger than the limits, is tpm.trust-file. */
bool cabinet_read(struct slice bytes, bool (*wanted)(const char *name),
                  bool (*each)(void *context, const struct cabinet_file *file, struct error *err),
                  void *context, struct error *err);
