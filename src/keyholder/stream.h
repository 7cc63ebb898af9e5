/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading descriptors that came from elsewhere: files, memory files or pipes, in bounded portions,
 * and never waiting for ever for a pipe that nobody fills.
 */

#include "base/buf.h"
#include "base/secret.h"

#define STREAM_WAIT_MS 10000
#define STREAM_PASSWORD_MAX 1024

/* Reads size bytes, or fewer only when the end comes; *got says how many. base.file-unreadable. */
bool stream_read(int fd, void *to, size_t size, size_t *got, const char *name, struct error *err);
/* Everything up to the end into out, whose limit bounds it. base.file-too-large. */
bool stream_read_all(struct buf *out, int fd, const char *name, struct error *err);
/* A password: what fd has, without one newline (LF or CR LF) at its end. fd < 0: the empty
 * password. */
bool stream_read_password(struct secret *out, int fd, struct error *err);
