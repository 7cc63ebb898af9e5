/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What travels on the administration socket: u32 length (little-endian), then that many bytes of
 * JSON. Descriptors (PFX files, passwords: never read by the service) come with the frame's first
 * byte. A request is
 *   {"operation": "host.add", "arguments": {…}, "dry_run": false}
 * and a reply {"ok": true, "result": …} or {"ok": false, "error": {code, kind, object, message,
 * …}}. One connection carries any number of requests, one after the other.
 */

#include "base/buf.h"

#define FRAME_REQUEST_MAX (2 * 1024 * 1024) /* a policy's record is up to 1 MiB */
#define FRAME_REPLY_MAX (256 * 1024 * 1024)
#define FRAME_DESCRIPTORS_MAX 8

/* Sends one frame, with count descriptors (they stay open here). admin.message, process.socket. */
bool frame_send(int socket, struct slice json, const int *fds, size_t count, struct error *err);
/*
 * Receives one frame of at most limit bytes, appended to json, and up to *count descriptors; *count
 * becomes how many. *closed is set, without an error, when the peer ended between frames.
 */
bool frame_receive(int socket, struct buf *json, size_t limit, int *fds, size_t *count,
                   bool *closed, struct error *err);
