/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A sealed key: how the store keeps a private key that only this cluster's keyholders can open.
 *
 *   8 bytes  "HGS-KEY\n"
 *   u32      version, 1               (numbers are little-endian)
 *   u32      purpose
 *   32 bytes key id: SHA-256 of the SubjectPublicKeyInfo
 *   12 bytes nonce, PKCS#8 encrypted, 16 bytes tag: AES-256-GCM, whose associated data are the 48
 *            bytes before
 *
 * The sealing key is derived from the cluster key (cluster_key.h). So neither the purpose nor the
 * identity of a key can be changed by whoever has the store.
 */

#include "keyholder/keyholder.h"

#define SEALED_HEADER_SIZE 48

/* Appends the sealed form. sealing_key: 32 bytes. */
void sealed_format(struct buf *out, struct slice sealing_key, enum key_purpose purpose,
                   const struct private_key *key);
/* Opens one. keyholder.sealed when it is damaged, of another cluster or of a newer version; the
 * purpose's rule for keys (purpose.h) holds for what comes out. */
bool sealed_parse(struct private_key **key, enum key_purpose *purpose, struct slice sealing_key,
                  struct slice sealed, struct error *err);
