/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files that are read again while the service runs (SIGHUP): hgsd.conf for its log level, and
 * those of TLS. What the sandbox leaves the service of them decides whether a renewal may put
 * another file in the place of one:
 *
 *   it leaves   the folder that the file is named in, and the one where it lies when its name is a
 *               link (as a renewal by certbot has it): then it may;
 *   except      where that folder is /, or a secret lies in or below it that the service must not
 *               reach: the keyholder's folder; key files, PINs and what a token writes as well, if
 *               service and keyholder are one user. Then it leaves the file alone, as it was at the
 *               start (Landlock knows files and folders, and no "but"). Another one in its place
 *               cannot be read, nor can one in a folder that was put in the place of the folder:
 *               hgsd.file-replaced.
 *
 * Other settings of hgsd.conf need a restart; those that were changed are told. What came of the
 * last time is told in the log, in `server show` and by `server test`.
 */

#include "base/clock.h"
#include "base/json.h"
#include "hgsd/config.h"
#include "http/server.h"

/* Of hgsd.conf, certificate, key and password, each by its name and where a link leads. */
#define RELOAD_READABLE_MAX 8

/* What of these files the service needs to read, as its user, before the sandbox: allocated,
 * NULL-terminated. */
struct reload_readable {
    char *paths[RELOAD_READABLE_MAX + 1];
};
void reload_readable_init(struct reload_readable *readable, const struct hgsd_config *config,
                          const char *config_path);
void reload_readable_done(struct reload_readable *readable);
#define _cleanup_reload_readable_ __attribute__((cleanup(reload_readable_done)))

struct reload;

/* config and config_path (NULL: HGSD_CONFIG_FILE, if it is there) are those of the start; they and
 * clock must outlive it. */
struct reload *reload_new(const struct hgsd_config *config, const char *config_path,
                          const struct clock *clock);
void reload_free(struct reload **reload);

/* Reads them. What cannot be read or used is logged, and what was there before stays; the others
 * are taken all the same. http: NULL when nobody listens. */
bool reload_run(struct reload *reload, struct http_server *http);
/* Why the last time failed; false when it did not, or there was none. Any thread. */
bool reload_problem(struct reload *reload, struct error *out);
/* "reload": {fixed: files that must not be replaced; and where there was a last time, time, ok,
 * errors, restart_for: settings that were changed since the start and are not in force, ""}, a
 * property of an object. Any thread. */
void reload_describe(struct reload *reload, struct json_writer *writer);
