/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of the program hgs, here so that every program can explain them. */

#include "base/error.h"

#define HGS_ERRORS(X)                                                                              \
    X(hgs_guardian_unknown, "hgs.guardian-unknown", ERROR_NOT_FOUND,                               \
      "there is no guardian of this name",                                                         \
      "see which there are: hgs guardian list; HGS_GUARDIANS or --guardians names another folder") \
    X(hgs_guardian_exists, "hgs.guardian-exists", ERROR_CONFLICT,                                  \
      "there is a guardian of this name already",                                                  \
      "choose another name, replace it (hgs guardian import --replace), or remove it: hgs "        \
      "guardian remove NAME")                                                                      \
    X(hgs_guardian_damaged, "hgs.guardian-damaged", ERROR_MALFORMED,                               \
      "the files of a guardian do not fit together",                                               \
      "restore its folder from a backup, or import it anew")                                       \
    X(hgs_guardian_foreign, "hgs.guardian-foreign", ERROR_UNAUTHORIZED,                            \
      "the private keys of a guardian are not here",                                               \
      "name a guardian of your own (hgs guardian list), or work where its keys are")               \
    X(hgs_owner_unknown, "hgs.owner-unknown", ERROR_NOT_FOUND,                                     \
      "none of the guardians here owns this key protector",                                        \
      "run it where the owner's guardian was made; hgs vm show FILE names the owner")              \
    X(hgs_descriptor, "hgs.descriptor", ERROR_USAGE, "a descriptor to write to is not open",       \
      "open it in the shell: hgs … --out-fd 3 3>FILE")                                             \
    X(hgs_no_home, "hgs.no-home", ERROR_USAGE, "there is no folder for guardians",                 \
      "set HOME, XDG_CONFIG_HOME or HGS_GUARDIANS, or give --guardians FOLDER")                    \
    X(hgs_metadata_unreachable, "hgs.metadata", ERROR_UNAVAILABLE,                                 \
      "a service does not give its guardian metadata",                                             \
      "when it says why, that is for its administrators to mend (hgsctl server test); else check " \
      "the URL: http://SERVER/KeyProtection/service/metadata/2014-07/metadata.xml")

ERROR_TABLE_DECLARE(hgs_errors, HGS_ERRORS)
