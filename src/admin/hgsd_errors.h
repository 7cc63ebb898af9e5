/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of the program hgsd, here so that every program can explain them. */

#include "base/error.h"

#define HGSD_ERRORS(X)                                                                          \
    X(hgsd_config_invalid, "hgsd.config", ERROR_USAGE, "a setting of hgsd.conf cannot be used", \
      "correct the file that the message names (hgsd.conf(5)), then hgsd --check-config")       \
    X(hgsd_state, "hgsd.state", ERROR_IO, "a folder of the service cannot be used",             \
      "check owner and mode of the folder that the message names")                              \
    X(hgsd_token_unknown, "hgsd.token-unknown", ERROR_NOT_FOUND,                                \
      "no [token] section of this node has the token that a PKCS#11 URI names",                 \
      "add one to hgsd.conf (hgsd.conf(5)), and start hgsd again; hgsctl server show lists "    \
      "those that there are")                                                                   \
    X(hgsd_token_ambiguous, "hgsd.token-ambiguous", ERROR_CONFLICT,                             \
      "several [token] sections of this node answer to one PKCS#11 URI",                        \
      "add serial= of the token to the URI")                                                    \
    X(hgsd_child, "hgsd.child", ERROR_INTERNAL, "a process of hgsd could not do its work",      \
      "see the lines before this one in the log (journalctl -u hgsd)")

ERROR_TABLE_DECLARE(hgsd_errors, HGSD_ERRORS)
