/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cluster key: 32 random bytes that every node of a cluster has in its keyholder's folder, and
 * from which the keys are derived that protect what the store keeps. `cluster.key` is a text of two
 * lines, so that whoever finds it knows what it is:
 *
 *   HGS cluster key 1: opens the private keys of this service's store. Keep a copy, keep it secret.
 *   <64 hexadecimal digits>
 */

#include "base/error.h"
#include "base/secret.h"

#include <sys/stat.h>

#define CLUSTER_KEY_FILE "cluster.key"
#define CLUSTER_KEY_SIZE 32

/* The uses that a key is derived for. */
#define CLUSTER_KEY_SEAL "HGS-SEAL-KEY-1"

/*
 * Reads folder/cluster.key, or makes it (and the folder, whose parent must exist) at the first
 * start; the file is whole and flushed before anything is sealed to it. Both must belong to this
 * process's user or root and be closed to everyone else. keyholder.cluster-key.
 */
bool cluster_key_open(struct secret *out, const char *folder, struct error *err);
/* HMAC-SHA256(cluster key, label): the 32-byte key for one use. */
void cluster_key_derive(struct secret *out, struct slice cluster_key, const char *label);
/* Refuses a file or folder that others could have put there or may look at. keyholder.cluster-key.
 */
bool cluster_key_check_owner(const struct stat *status, const char *path, struct error *err);
