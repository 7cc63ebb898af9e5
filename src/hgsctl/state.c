/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "keyholder/keyholder.h"

/* The proof that we are an administrator and not a service that was taken over: keyholder.h,
 * KEYHOLDER_PERMIT_FILE. */
static bool open_permit(int *fd, struct call *call, const struct option_values *values)
{
    struct call show;
    call_init(&show, values);
    bool ok = call_run(&show, "server.show");
    _cleanup_free_ char *path =
        memory_format("%s/%s", call_text(show.result, "keyholder_folder"), KEYHOLDER_PERMIT_FILE);
    if (!ok)
        call->err = show.err;
    call_done(&show);
    if (!ok)
        return false;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ||
           error_set_errno(&call->err, &base_file_unreadable, errno, path,
                           "only root and the keyholder's user may export private keys");
}

/* A backup replaces a file only once it is whole. */
static bool finish(struct call *call, int fd, const char *temporary, const char *path)
{
    if (fsync(fd) == 0 && rename(temporary, path) == 0)
        return true;
    return error_set_errno(&call->err, &base_file_unwritable, errno, path, "cannot finish it");
}

static int run_export(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *path = option_argument(values, 0);
    _cleanup_free_ char *temporary = memory_format("%s.%d.new", path, (int)getpid());
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_BACKUP;
    if (!open_permit(&files.fds[MEETING_PERMIT], &call, values) ||
        !call_open_password(&call, &files.fds[MEETING_PASSWORD],
                            option_text(values, "password-file"), true))
        return call_fail(&call);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(&call.err, &base_file_unwritable, errno, temporary, "cannot make it");
        return call_fail(&call);
    }
    files.fds[MEETING_BACKUP] = fd; /* until call_done */
    if (!call_give(&call, "meeting_fd", &files) || !call_run(&call, "state.export") ||
        !finish(&call, fd, temporary, path)) {
        unlink(temporary);
        return call_fail(&call);
    }
    return call_say(&call, "%s holds %lld records and %lld private keys.", path,
                    (long long)call_integer(call.result, "records"),
                    (long long)call_integer(call.result, "keys"));
}

static void show_items(const struct json *items)
{
    const char *const headings[] = {"KIND", "NAME", "RESULT", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *item = json_first(items); item != NULL; item = json_next(item)) {
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "kind"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "name"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "result"));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static const char *chosen_mode(const struct option_values *values)
{
    return option_given(values, "tpm-mode")        ? "tpm"
           : option_given(values, "ad-mode")       ? "ad"
           : option_given(values, "host-key-mode") ? "hostkey"
                                                   : NULL;
}

static int run_import(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *mode = chosen_mode(values);
    if (mode != NULL)
        json_write_text(&call.writer, "trust", mode);
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_RESTORE;
    if (!call_open(&call, &files.fds[MEETING_BACKUP], option_argument(values, 0)) ||
        !call_open_password(&call, &files.fds[MEETING_PASSWORD],
                            option_text(values, "password-file"), false) ||
        !call_give(&call, "meeting_fd", &files) || !call_run(&call, "state.import"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    show_items(json_get(call.result, "items"));
    printf("%lld added, %lld the same.\n", (long long)call_integer(call.result, "added"),
           (long long)call_integer(call.result, "same"));
    return 0;
}

static const struct option_argument file_argument[] = {
    {"FILE", "the backup", OPTION_FILE, false, false}, {NULL, NULL, OPTION_ANY, false, false}};
#define PASSWORD_ROW                                                                             \
    {                                                                                            \
        "password-file", "FILE", "file with the password (asked for on the terminal otherwise)", \
            OPTION_VALUE, OPTION_FILE, NULL, false, NULL, false                                  \
    }
static const struct option_entry export_options[] = {PASSWORD_ROW, OPTION_END};
static const struct option_entry import_options[] = {
    PASSWORD_ROW,
    {"host-key-mode", NULL, "attest in host key mode afterwards", OPTION_FLAG, OPTION_ANY, NULL,
     false, "mode", false},
    {"tpm-mode", NULL, "attest in TPM mode afterwards", OPTION_FLAG, OPTION_ANY, NULL, false,
     "mode", false},
    {"ad-mode", NULL, "attest in Active Directory mode afterwards", OPTION_FLAG, OPTION_ANY, NULL,
     false, "mode", false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const char *const export_examples[] = {
    "hgsctl state export fabric.hgsbackup --password-file pw", NULL};
static const char *const import_examples[] = {
    "hgsctl state import fabric.hgsbackup --password-file pw", NULL};

const struct option_command state_commands[] = {
    {"state export", "write an encrypted backup",
     "One file with hosts, certificates, private keys, signers and settings. Whoever has the file "
     "and the password has every key. Only root and the keyholder's user can make one.",
     file_argument, export_options, export_examples, "Export-HgsServerState", run_export},
    {"state import", "restore a backup into this service",
     "Reports each item as added or same. When an item differs from what the service has, nothing "
     "is changed and the conflict is named.",
     file_argument, import_options, import_examples, "Import-HgsServerState", run_import},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
