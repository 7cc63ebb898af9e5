/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/log.h"
#include "base/memory.h"
#include "keyprotection/message.h"

#define MINUTE (60 * 1000LL)
#define MEBIBYTE (1024LL * 1024)
#define FIELD(name) offsetof(struct hgsd_config, name)

const struct config_key hgsd_config_keys[] = {
    {"service", "node", CONFIG_TEXT, FIELD(node), "", 0, 0,
     "Name of this node in the cluster; the machine's name when empty."},
    {"service", "user", CONFIG_TEXT, FIELD(user), "", 0, 0,
     "User that the service runs as when hgsd is started by root; empty: it stays root."},
    {"service", "state", CONFIG_TEXT, FIELD(state_folder), "/var/lib/hgs", 0, 0,
     "Folder of everything that the service keeps."},
    {"service", "log-level", CONFIG_TEXT, FIELD(log_level), "notice", 0, 0,
     "How much is logged: error, warning, notice or debug."},
    {"service", "public-url", CONFIG_TEXT, FIELD(public_url), "", 0, 0,
     "Base URL by which hosts reach the service, for server show."},
    {"listen", "http", CONFIG_LIST, FIELD(http), "", 0, 0, "Addresses for HTTP, as 0.0.0.0:80."},
    {"listen", "https", CONFIG_LIST, FIELD(https), "", 0, 0, "Addresses for HTTPS."},
    {"listen", "certificate", CONFIG_TEXT, FIELD(certificate), "", 0, 0,
     "TLS certificate chain: a PEM file, or a PFX file."},
    {"listen", "key", CONFIG_TEXT, FIELD(key), "", 0, 0,
     "PEM private key of the TLS certificate; none with a PFX."},
    {"listen", "password-file", CONFIG_TEXT, FIELD(password_file), "", 0, 0,
     "File with the password of the PFX."},
    {"store", "kind", CONFIG_TEXT, FIELD(store_kind), "sqlite", 0, 0, "Kind of database: sqlite."},
    {"store", "path", CONFIG_TEXT, FIELD(store_path), "", 0, 0,
     "Database file, in a folder of its own; store/hgs.db in the state folder when empty."},
    {"admin", "socket", CONFIG_TEXT, FIELD(admin_socket), "/run/hgs/admin.sock", 0, 0,
     "UNIX socket that hgsctl talks to."},
    {"admin", "administrators", CONFIG_LIST, FIELD(administrators), "", 0, 0,
     "Groups whose members may do everything."},
    {"admin", "reviewers", CONFIG_LIST, FIELD(reviewers), "", 0, 0,
     "Groups whose members may look but not change."},
    {"audit", "folder", CONFIG_TEXT, FIELD(audit_folder), "", 0, 0,
     "Folder of the audit trail and nothing else; audit in the state folder when empty."},
    {"audit", "rotate", CONFIG_SIZE, FIELD(audit_rotate), "64MiB", 4096, 1LL << 40,
     "Size at which a file of the trail is closed and a new one begun."},
    {"audit", "retain", CONFIG_NUMBER, FIELD(audit_retain), "0", 0, 1000000,
     "Closed files that are kept; 0 keeps all."},
    {"audit", "checkpoint", CONFIG_NUMBER, FIELD(audit_checkpoint), "1000", 1, 1000000,
     "Records between two signed checkpoints."},
    {"audit", "refusals", CONFIG_NUMBER, FIELD(audit_refusals), "20", 1, 1000000,
     "Refusals of a kind that are recorded a second, half of them for one address, fifty times as "
     "many at once; more are only counted."},
    {"audit", "journal", CONFIG_BOOL, FIELD(audit_journal), "no", 0, 0,
     "Every record goes into the systemd journal, too; while that takes none, no key is released."},
    {"audit", "linux-audit", CONFIG_BOOL, FIELD(audit_linux), "no", 0, 0,
     "Every record goes to the Linux audit system, too (AUDIT_TRUSTED_APP; needs CAP_AUDIT_WRITE); "
     "while that takes none, no key is released."},
    {"limits", "connections", CONFIG_NUMBER, FIELD(connections), "16000", 1, 1000000,
     "Open connections at once."},
    {"limits", "idle", CONFIG_DURATION, FIELD(idle_ms), "60s", 100, 24 * 60 * MINUTE,
     "A connection without a request is closed after this."},
    {"limits", "request", CONFIG_DURATION, FIELD(request_ms), "30s", 100, 60 * MINUTE,
     "A request must arrive whole within this."},
    {"limits", "head", CONFIG_SIZE, FIELD(head), "16KiB", 8192, MEBIBYTE,
     "Largest head of a request; a connection that was used costs as much memory as long as it is "
     "open."},
    {"limits", "attestation-body", CONFIG_SIZE, FIELD(attestation_body), "4MiB", 4096,
     64 * MEBIBYTE, "Largest attestation request."},
    {"limits", "key-protection-body", CONFIG_SIZE, FIELD(key_protection_body), "1MiB", 4096,
     MESSAGE_SIZE_MAX, "Largest key protection request."},
    {"limits", "attestation-workers", CONFIG_NUMBER, FIELD(attestation_workers), "0", 0, 256,
     "Threads for attestations; 0: two a core."},
    {"limits", "release-workers", CONFIG_NUMBER, FIELD(release_workers), "0", 0, 256,
     "Threads for key releases; 0: two a core."},
    {"limits", "queue", CONFIG_NUMBER, FIELD(queue), "1024", 1, 100000,
     "Requests of a kind that wait at once; more are refused with a retryable error."},
    {"limits", "shutdown", CONFIG_DURATION, FIELD(shutdown_ms), "10s", 0, 10 * MINUTE,
     "How long requests under way may take when the service stops."},
    {"limits", "watchdog", CONFIG_DURATION, FIELD(watchdog_ms), "60s", 0, 60 * MINUTE,
     "A service that does not get on with its work for this long is started again; at least three "
     "times the longest timeout of a keyholder; 0s: never."},
    {"keyholder", "user", CONFIG_TEXT, FIELD(keyholder_user), "", 0, 0,
     "User that the software keyholder runs as when hgsd is started by root."},
    {"keyholder", "folder", CONFIG_TEXT, FIELD(keyholder_folder), "", 0, 0,
     "Folder with the cluster key; keyholder in the state folder when empty."},
    {"keyholder", "key-folder", CONFIG_TEXT, FIELD(key_folder), "/etc/hgs/keys", 0, 0,
     "Folder with this node's copies of certificates and private keys that are referred to by "
     "their "
     "thumbprints; the keyholder's user reads it, and no other process of hgsd. Empty: none."},
    {"keyholder", "timeout", CONFIG_DURATION, FIELD(keyholder_timeout_ms), "10s", 100, 10 * MINUTE,
     "Longest wait for one operation of a keyholder."},
};
const size_t hgsd_config_key_count = sizeof hgsd_config_keys / sizeof hgsd_config_keys[0];

/* A setting that was left empty becomes a path below the state folder. */
static void settle_path(char **field, const char *state_folder, const char *name)
{
    if (**field != '\0')
        return;
    free(*field);
    *field = memory_format("%s/%s", state_folder, name);
}

/* A worker may wait for a keyholder that long. */
static void settle_watchdog(struct hgsd_config *config)
{
    int64_t longest = config->keyholder_timeout_ms;
    for (size_t i = 0; i < config->tokens.count; i++)
        if (hgsd_config_token(config, i)->timeout_ms > longest)
            longest = hgsd_config_token(config, i)->timeout_ms;
    if (config->watchdog_ms != 0 && config->watchdog_ms < 3 * longest)
        config->watchdog_ms = 3 * longest;
}

static void settle(struct hgsd_config *config)
{
    settle_path(&config->store_path, config->state_folder, "store/hgs.db");
    settle_path(&config->audit_folder, config->state_folder, "audit");
    settle_path(&config->keyholder_folder, config->state_folder, "keyholder");
    if (*config->node == '\0') {
        char name[65] = "";
        gethostname(name, sizeof name - 1);
        name[strcspn(name, ".")] = '\0';
        free(config->node);
        config->node = memory_copy_text(name[0] != '\0' ? name : "node");
    }
    settle_watchdog(config);
    /* Most of the time a worker waits for the keyholder. */
    int64_t workers = 2 * sysconf(_SC_NPROCESSORS_ONLN);
    if (config->attestation_workers == 0)
        config->attestation_workers = workers;
    if (config->release_workers == 0)
        config->release_workers = workers;
}

/* What the form of each value alone cannot tell. */
static bool check(const struct hgsd_config *config, const char *path, struct error *err)
{
    enum log_level level;
    if (!log_level_parse(&level, config->log_level))
        return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path,
                         "[service] log-level is “%s”: use error, warning, notice or debug",
                         config->log_level);
    if (strcmp(config->store_kind, "sqlite") != 0)
        return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path,
                         "[store] kind is “%s”: only sqlite is supported", config->store_kind);
    if (config->http.count == 0 && config->https.count == 0)
        return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path,
                         "[listen] names no address: give http or https");
    if (config->https.count > 0 && *config->certificate == '\0')
        return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path,
                         "[listen] https needs a certificate");
    for (size_t i = 0; i < config->tokens.count; i++)
        if (!hgsd_token_check(hgsd_config_token(config, i), path, err))
            return false;
    return true;
}

bool hgsd_config_load(struct hgsd_config *config, const char *path, struct error *err)
{
    *config = (struct hgsd_config){0};
    if (path == NULL && access(HGSD_CONFIG_FILE, F_OK) == 0)
        path = HGSD_CONFIG_FILE;
    if (!config_load_family(config, hgsd_config_keys, hgsd_config_key_count, &hgsd_token_family,
                            &config->tokens, path, err))
        return false;
    settle(config);
    if (check(config, path != NULL ? path : "the built-in configuration", err))
        return true;
    hgsd_config_done(config);
    return false;
}

void hgsd_config_done(struct hgsd_config *config)
{
    config_members_done(&config->tokens, &hgsd_token_family);
    config_done(config, hgsd_config_keys, hgsd_config_key_count);
}
