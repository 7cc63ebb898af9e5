/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How an error of ours is told to a caller: one table from error codes to the Error codes of MS-KPS
 * and HTTP status (protocol.md 3). What is our own fault is told by its code alone: its words are
 * for our log.
 */

#include "base/buf.h"

/* Appends an Error document and gives its HTTP status. */
void error_reply_format(struct buf *out, unsigned *status, const struct error *err);
