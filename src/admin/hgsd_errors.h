/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of the program hgsd, here so that every program can explain them. */

#include "base/error.h"

#define HGSD_ERRORS(X)                                                                          \
    X(hgsd_config_invalid, "hgsd.config", ERROR_USAGE, "a setting of hgsd.conf cannot be used", \
      "correct the file that the message names (hgsd.conf(5)), then hgsd --check-config")       \
    X(hgsd_state, "hgsd.state", ERROR_IO, "a folder of the service cannot be used",             \
      "check owner and mode of the folder that the message names")                              \
    X(hgsd_file_replaced, "hgsd.file-replaced", ERROR_IO,                                       \
      "a file that was to be read again was put in the place of another, and the service's "    \
      "sandbox leaves it only the one that was there at its start",                             \
      "write into the file instead of replacing it, or restart hgsd (systemctl restart hgsd); " \
      "for good, give it a folder of its own, below which no keys, PINs or tokens lie")         \
    X(hgsd_token_unknown, "hgsd.token-unknown", ERROR_NOT_FOUND,                                \
      "no [token] section of this node has the token that a PKCS#11 URI names",                 \
      "add one to hgsd.conf (hgsd.conf(5)), and start hgsd again; hgsctl server show lists "    \
      "those that there are")                                                                   \
    X(hgsd_token_ambiguous, "hgsd.token-ambiguous", ERROR_CONFLICT,                             \
      "several [token] sections of this node answer to one PKCS#11 URI",                        \
      "add serial= of the token to the URI")                                                    \
    X(hgsd_clock_set, "hgsd.clock-set", ERROR_CONFLICT,                                         \
      "this node's clock was set, by more than the bound, while hgsd ran",                      \
      "see which time is right (timedatectl, a time server) and keep it: timedatectl set-ntp "  \
      "true; hosts whose certificates look expired attest again by themselves, and signers "    \
      "that are missing are made at once (hgsctl signer list)")                                 \
    X(hgsd_clock_back, "hgsd.clock-back", ERROR_CONFLICT,                                       \
      "when hgsd started, this node's clock was behind the newest record of its audit trail",   \
      "see whether it is right now (timedatectl, a time server): then a clock was ahead "       \
      "before, and records of that time bear it; else set it right: timedatectl set-ntp true")  \
    X(hgsd_host_clock, "hgsd.host-clock", ERROR_CONFLICT,                                       \
      "a host's clock is further from this node's than the bound",                              \
      "see which is wrong (hgsctl host list shows others) and set it right on that machine: "   \
      "timedatectl set-ntp true")                                                               \
    X(hgsd_child, "hgsd.child", ERROR_INTERNAL, "a process of hgsd could not do its work",      \
      "see the lines before this one in the log (journalctl -u hgsd)")

ERROR_TABLE_DECLARE(hgsd_errors, HGSD_ERRORS)
