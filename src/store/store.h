/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the service remembers: records of a few kinds under text keys, one contract over several
 * backends (SQLite on one node; etcd for a cluster later). Every commit that changes something gets
 * a revision of the whole store, higher than all before it (from 1; not always by one); a record
 * remembers the revision that wrote it. Commits are atomic and durable when store_commit returns
 * true, and conditional: each change may demand the revision that it replaces. A watch delivers
 * every commit once and in order, from any revision on that the store still remembers.
 *
 * Bounds: at most STORE_CHANGES_MAX changes a commit with values of STORE_COMMIT_MAX bytes together
 * (what one etcd request carries), STORE_VALUE_MAX bytes a value, keys of 1 to STORE_KEY_MAX bytes
 * of UTF-8 without control characters (store.limit, store.key-invalid). Values are JSON documents
 * or sealed bytes whose meaning belongs to the rooms that keep them here.
 */

#include "base/buf.h"

#define STORE_CHANGES_MAX 128
#define STORE_VALUE_MAX (1024 * 1024)
#define STORE_COMMIT_MAX (1280 * 1024)
#define STORE_KEY_MAX 255

/* Stable numbers: they stand in the database and in backups. */
enum store_kind {
    STORE_SETTING = 1, /* service name, mode, limits: key = name */
    STORE_NODE = 2,    /* key = node name */
    STORE_HOST = 3,    /* registered hosts: key = name */
    STORE_GROUP = 4,   /* host groups: key = name */
    STORE_POLICY = 5,
    STORE_CERTIFICATE = 6,          /* guardian certificates: key = type/thumbprint */
    STORE_KEY = 7,                  /* sealed private keys: key = hex key id */
    STORE_ATTESTATION_SIGNER = 8,   /* key = thumbprint */
    STORE_TRUSTED_SIGNER = 9,       /* signers of other clusters, deny-before times */
    STORE_TPM_ROOT = 10,            /* whom endorsement certificates lead to: key = hex SHA-256 */
    STORE_AUDIT_HEAD = 11,          /* key = node name */
    STORE_PENDING = 12,             /* a host's boot that failed its policies: key = host name */
    STORE_LAST_BOOT = 13,           /* a host's last boot that passed: key = host name */
    STORE_CERTIFICATE_REQUEST = 14, /* guardian certificates to come: key = hex key id */
    STORE_CERTIFICATE_USAGE = 15,   /* who asks for which: key = node name/page */
};
#define STORE_KIND_MAX 32

struct store;

struct store_record {
    enum store_kind kind;
    const char *key;
    struct slice value;
    int64_t revision; /* of the commit that wrote it */
};

#define STORE_ANY (-1) /* whatever is there */
#define STORE_ABSENT 0 /* must not exist */

struct store_change {
    enum store_kind kind;
    const char *key;
    bool remove;
    struct slice value; /* unless remove */
    int64_t expected;   /* STORE_ANY, STORE_ABSENT, or the revision it must have */
};

/*
 * Opens (making it when absent, mode 0600, in a folder that exists) the database file at path. One
 * process at a time should have it open: others read and commit correctly, but a watch sees what
 * they wrote only with the next commit of its own process. store.unusable, store.newer.
 */
bool store_open_sqlite(struct store **out, const char *path, struct error *err);
/* Every watch must have been stopped. */
void store_close(struct store **store);
/*
 * All functions may be called by any thread, and by callbacks. Besides what is named below, each
 * can fail with store.unusable (also when the disk is full: the store goes on once there is room)
 * and store.busy.
 */

/* Appends the value (NULL: not wanted). store.not-found when there is none. revision may be NULL.
 */
bool store_get(struct store *store, enum store_kind kind, const char *key, struct buf *value,
               int64_t *revision, struct error *err);
/*
 * Calls each for the records of a kind in key order, starting behind the key `after` (NULL: from
 * the first), at most limit of them (0: all). each returns false to stop early, having set err when
 * it is a failure. All of one state: *revision (may be NULL) is the store's at that moment.
 */
typedef bool store_each(void *context, const struct store_record *record, struct error *err);
bool store_list(struct store *store, enum store_kind kind, const char *after, size_t limit,
                store_each *each, void *context, int64_t *revision, struct error *err);
/* How many records of a kind there are. */
bool store_count(struct store *store, enum store_kind kind, int64_t *count, struct error *err);
/*
 * All changes or none; *revision (may be NULL) is the commit's. store.conflict names the first key
 * whose revision was not the expected one. Removing what is not there, with STORE_ANY, is no
 * change; with STORE_ABSENT it is a condition alone. A commit of no change at all takes no revision
 * of its own and gives the newest.
 */
bool store_commit(struct store *store, const struct store_change *changes, size_t count,
                  int64_t *revision, struct error *err);
/* The newest revision. */
bool store_revision(struct store *store, int64_t *revision, struct error *err);

/*
 * Calls changed on a thread of the watch's own for every commit after revision `since`, in order,
 * without gaps: the records as they were written (removed ones with an empty value and remove
 * true), `expected` holding the revision of their commit. One call may deliver several whole
 * commits, of at most STORE_CHANGES_MAX changes together; revision is the last one's.
 *
 * The store remembers the latest commits only (on SQLite 16384 changes or 64 MiB): store.compacted
 * when `since` is older, or newer than anything here. List then, and watch from the list's
 * revision. A running watch is waited for; should its history be lost all the same (another process
 * wrote; a cluster went on without this node), changed is called with changes NULL and count 0:
 * list again and pass over what is not newer than that list. The watch goes on behind revision.
 *
 * The callback must not call store_watch_stop. Stop with store_watch_stop, after which it is not
 * called any more.
 */
struct store_watch;
typedef void store_changed(void *context, const struct store_change *changes, size_t count,
                           int64_t revision);
bool store_watch_start(struct store_watch **out, struct store *store, int64_t since,
                       store_changed *changed, void *context, struct error *err);
void store_watch_stop(struct store_watch **watch);
