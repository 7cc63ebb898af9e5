/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The host key (protocol.md 2.1): how a host is known in host key mode. A PEM file with a private
 * key, mode 0600; its public half is what an administrator registers.
 */

#include "crypto/private_key.h"
#include "host/config.h"

/* host.key-missing, host.key-unusable, base.file-mode (wider than 0600), crypto.key-*. */
bool host_key_load(struct private_key **out, const char *path, struct error *err);
/* Makes an RSA-2048 key and writes it, mode 0600. host.key-exists unless replace. */
bool host_key_generate(struct private_key **out, const char *path, bool replace, struct error *err);
/* The public key as PEM (or DER when path ends in ".der"), world-readable. */
bool host_key_export(const struct public_key *key, const char *path, struct error *err);
/* "-----BEGIN PUBLIC KEY-----"…, appended. */
void host_key_format_public(struct buf *out, const struct public_key *key);
