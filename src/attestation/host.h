/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A registered host: the record of kind STORE_HOST under the host's name. A host is known by the
 * SHA-256 of its key's DER SubjectPublicKeyInfo: its host key (protocol.md 2.1), or its TPM's
 * endorsement key (2.3). Hosts of every mode can be registered in any mode of the service.
 *
 * Value: {"name", "mode": "hostkey" or "tpm", "key": base64 SubjectPublicKeyInfo, "key_id": hex,
 * "added": RFC 3339 time, "added_by": text}; for TPM mode also what tpm_host.h names.
 */

#include "attestation/message.h"
#include "attestation/tpm_host.h"
#include "base/buf.h"
#include "base/plain_name.h"

#define ATTESTATION_NAME_SIZE PLAIN_NAME_SIZE
#define ATTESTATION_HOST_KEY_MAX 4096 /* bytes of a SubjectPublicKeyInfo */
#define ATTESTATION_HOST_ID_SIZE 32

struct attestation_host {
    char name[ATTESTATION_NAME_SIZE];
    enum attestation_mode mode;
    struct buf key; /* DER SubjectPublicKeyInfo */
    uint8_t key_id[ATTESTATION_HOST_ID_SIZE];
    int64_t added;
    char added_by[256];
    struct attestation_tpm_host tpm; /* in TPM mode */
};

/*
 * A new host in host key mode. key: a file as an administrator gives it: a
 * SubjectPublicKeyInfo or certificate, DER or PEM, or an RSA1 blob. attestation.host-name,
 * crypto.key-*. Freed with attestation_host_done.
 */
bool attestation_host_init(struct attestation_host *out, const char *name, struct slice key,
                           int64_t added, const char *added_by, struct error *err);
/*
 * A new host in TPM mode, from a platform identifier's file. attestation.host-name, the errors of
 * platform_identifier_parse and attestation_tpm_host_register.
 */
bool attestation_host_init_tpm(struct attestation_host *out, const char *name,
                               struct slice identifier,
                               const struct attestation_registration *registration,
                               struct tpm_trust *trust, int64_t added, const char *added_by,
                               struct error *err);
void attestation_host_done(struct attestation_host *host);
#define _cleanup_attestation_host_ __attribute__((cleanup(attestation_host_done)))

/* Appends the record's value. */
void attestation_host_format(struct buf *out, const struct attestation_host *host);
/*
 * Reads a record's value. key_id must be the digest of the key, but the key itself is not decoded
 * again (a million hosts are read at start). For a host of a mode that has no hosts only name,
 * mode, added and added_by are read. attestation.host-malformed and the errors of base/.
 */
bool attestation_host_parse(struct attestation_host *out, struct slice value, struct error *err);
