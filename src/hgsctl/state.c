/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/errors.h"
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

static void show_key_to_bring(const struct json *item)
{
    const struct json *error = json_get(item, "error");
    bool is_token = strcmp(call_text(item, "key_source"), "token") == 0;
    printf("  %s %s (%s): %s%s\n", call_text(item, "type"), call_text(item, "thumbprint"),
           call_text(item, "subject"),
           is_token ? "the token with " : "certificate and key file, into [keyholder] key-folder",
           is_token ? call_text(item, "key_uri") : "");
    if (error != NULL)
        printf("    does not work here yet: %s (%s)\n", call_text(error, "message"),
               call_text(error, "code"));
}

/* Keys that are not in the backup because they are not in the state. */
static void show_bring(const struct json *result, const char *sentence)
{
    const struct json *item = json_first(json_get(result, "bring"));
    if (item == NULL)
        return;
    puts(sentence);
    for (; item != NULL; item = json_next(item))
        show_key_to_bring(item);
}

static int run_export(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *path = option_argument(values, 0);
    _cleanup_free_ char *temporary = memory_format("%s.%d.new", path, (int)getpid());
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_BACKUP;
    if (!file_check_replaceable(path, &call.err) ||
        !open_permit(&files.fds[MEETING_PERMIT], &call, values) ||
        !call_open_password(&call, &files.fds[MEETING_PASSWORD],
                            option_text(values, "password-file"), true))
        return call_fail(&call);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(&call.err, &base_file_unwritable, errno, path, "cannot be made");
        return call_fail(&call);
    }
    files.fds[MEETING_BACKUP] = fd; /* until call_done */
    if (!call_give(&call, "meeting_fd", &files) || !call_run(&call, "state.export") ||
        !finish(&call, fd, temporary, path)) {
        unlink(temporary);
        return call_fail(&call);
    }
    int status = call_say(&call, "%s holds %lld records and %lld private keys.", path,
                          (long long)call_integer(call.result, "records"),
                          (long long)call_integer(call.result, "keys"));
    if (!option_json(values))
        show_bring(call.result, "These private keys are not in it; a new service needs them by "
                                "hand, on every node:");
    return status;
}

static void show_items(const struct json *items)
{
    const char *const headings[] = {"KIND", "NAME", "RESULT", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *item = json_first(items); item != NULL; item = json_next(item)) {
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "kind"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "name"));
        bool registered = json_get(item, "registered_as") != NULL;
        table_cell(table, TABLE_PLAIN, "%s%s%s", call_text(item, "result"),
                   registered ? ": its key is registered as " : "",
                   registered ? call_text(item, "registered_as") : "");
        table_end_row(table);
    }
    table_print(table, stdout);
}

static void add_modes(struct call *call, const struct option_values *values)
{
    static const char *const modes[][2] = {
        {"tpm-mode", "tpm"}, {"host-key-mode", "hostkey"}, {"ad-mode", "ad"}};
    bool any = false;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        any = any || option_given(values, modes[i][0]);
    if (!any)
        return;
    json_write_array(&call->writer, "modes");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (option_given(values, modes[i][0]))
            json_write_text(&call->writer, NULL, modes[i][1]);
    json_write_array_end(&call->writer);
}

/* The first one in conflict, as the error: the list has all. */
static bool refuse_conflicts(struct call *call)
{
    long long count = call_integer(call->result, "conflicts");
    for (const struct json *item = json_first(json_get(call->result, "items")); item != NULL;
         item = json_next(item))
        if (strcmp(call_text(item, "result"), "conflict") == 0)
            return json_get(item, "registered_as") != NULL
                       ? error_set(&call->err, &admin_state_conflict, NULL, call_text(item, "name"),
                                   "its key is registered at the service already, as host %s; %lld "
                                   "objects differ in all",
                                   call_text(item, "registered_as"), count)
                       : error_set(&call->err, &admin_state_conflict, NULL, call_text(item, "name"),
                                   "the %s of the backup differs from that of the service; %lld "
                                   "objects differ in all",
                                   call_text(item, "kind"), count);
    return true;
}

static int run_import(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    add_modes(&call, values);
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_RESTORE;
    if (!call_open(&call, &files.fds[MEETING_BACKUP], option_argument(values, 0)) ||
        !call_open_password(&call, &files.fds[MEETING_PASSWORD],
                            option_text(values, "password-file"), false) ||
        !call_give(&call, "meeting_fd", &files) || !call_run(&call, "state.import"))
        return call_fail(&call);
    if (!call_printed(&call)) {
        show_items(json_get(call.result, "items"));
        printf("%lld added, %lld the same, %lld mended, %lld in conflict, %lld left out.%s\n",
               (long long)call_integer(call.result, "added"),
               (long long)call_integer(call.result, "same"),
               (long long)call_integer(call.result, "mended"),
               (long long)call_integer(call.result, "conflicts"),
               (long long)call_integer(call.result, "left_out"),
               call_bool(call.result, "imported") ? "" : " Nothing was changed.");
        show_bring(call.result, "These private keys are not in the backup; bring them by hand:");
    }
    return refuse_conflicts(&call) ? 0 : call_fail(&call);
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
    {"tpm-mode", NULL, "of the attestation state, that of TPM mode: TPM hosts, policies, TPM roots",
     OPTION_FLAG, OPTION_ANY, NULL, false, NULL, false},
    {"ad-mode", NULL, "that of Active Directory mode: host groups", OPTION_FLAG, OPTION_ANY, NULL,
     false, NULL, false},
    {"host-key-mode", NULL, "that of host key mode: hosts with host keys", OPTION_FLAG, OPTION_ANY,
     NULL, false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const char *const export_examples[] = {
    "hgsctl state export fabric.hgsbackup --password-file pw", NULL};
static const char *const import_examples[] = {
    "hgsctl state import fabric.hgsbackup --password-file pw",
    "hgsctl state import fabric.hgsbackup --password-file pw --tpm-mode --dry-run", NULL};

const struct option_command state_commands[] = {
    {"state export", "write an encrypted backup",
     "One file with hosts, policies, TPM roots, certificates, private keys, signers and settings, "
     "encrypted with AES-256-GCM under a key that scrypt derives from the password. Whoever has "
     "the "
     "file and the password has every key. Only root and the keyholder's user can make one. "
     "Private "
     "keys in files of each node and in tokens are not in it; it lists them.",
     file_argument, export_options, export_examples, "Export-HgsServerState", run_export},
    {"state import", "restore a backup into this service",
     "Reports each item as added, same or in conflict. When one differs from what the service has, "
     "or a host's key is registered under another name, nothing is changed, and the command ends "
     "with 1. Private keys that the service has and cannot open (its cluster.key was lost) are "
     "mended. Doing it again does no harm. With "
     "--tpm-mode, "
     "--ad-mode or --host-key-mode (one or more), hosts, policies, groups and roots of other modes "
     "are left out; a new service then attests in the mode of the backup if that is among them, "
     "and "
     "else in the first of tpm, hostkey and ad that is. Lists the private keys that must be "
     "brought by "
     "hand, and whether they work here.",
     file_argument, import_options, import_examples, "Import-HgsServerState", run_import},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
