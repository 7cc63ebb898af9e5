/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/certificate_permission.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/table.h"
#include "hgsctl/call.h"
#include "keyholder/errors.h"
#include "keyholder/key_folder.h"
#include "process/file_access.h"

#define JSON_MAX (64 * 1024)

struct permission {
    const struct option_values *values;
    struct call call;
    struct file_access_user user;
    struct file_access_lacks lacks;
    struct key_folder_place place;
    struct error failure; /* why there is nothing to be given, though the key does not work */
    bool granted;
};

static bool ask(struct permission *permission, const char *thumbprint)
{
    struct call *call = &permission->call;
    json_write_text(&call->writer, "thumbprint", thumbprint);
    return call_run(call, "certificate.permission");
}

static bool works(const struct permission *permission)
{
    return call_bool(permission->call.result, "works");
}

/* Where the two files are, as far as who runs this can see, and what the user lacks there. False
 * when that cannot be said; permission->failure has the reason. */
static bool examine(struct permission *permission)
{
    struct error *why = &permission->failure;
    const struct json *result = permission->call.result;
    const char *path = call_text(result, "folder");
    struct key_folder folder;
    _cleanup_private_key_ struct private_key *key = NULL;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf thumbprint;
    buf_init(&thumbprint, 32);
    if (!hex_parse(&thumbprint, slice_from_text(call_text(result, "thumbprint")), why) ||
        !file_access_user_find(&permission->user, call_text(result, "user"), why))
        return false;
    key_folder_init(&folder, *path != '\0' ? path : NULL);
    bool found = key_folder_find(&key, &certificate, &permission->place, &folder,
                                 buf_slice(&thumbprint), why);
    key_folder_done(&folder);
    const struct key_folder_place *place = &permission->place;
    return (place->certificate_file == NULL ||
            file_access_examine(&permission->lacks, place->certificate_file, &permission->user,
                                why)) &&
           (place->key_file == NULL ||
            file_access_examine(&permission->lacks, place->key_file, &permission->user, why)) &&
           found;
}

/* Who gets the rights is what the service says, which may be in an attacker's hands: it must not
 * be given the keys itself. The kernel knows as whom the keyholder works. */
static bool check_user(struct permission *permission)
{
    const struct file_access_user *user = &permission->user;
    return give_is_keyholders(admin_client_peer(permission->call.client), user->uid) ||
           error_set(&permission->call.err, &keyholder_impostor, NULL, "service",
                     "it says that user %s reads the keys; no keyholder works as that user now",
                     user->name);
}

static bool grant(struct permission *permission)
{
    if (!check_user(permission))
        return false;
    for (size_t i = 0; i < permission->lacks.count; i++)
        if (!file_access_grant(&permission->lacks.items[i], &permission->user,
                               &permission->call.err))
            return false;
    permission->granted = true;
    const char *thumbprint = option_argument(permission->values, 0);
    call_again(&permission->call);
    return ask(permission, thumbprint);
}

static const char *rights_of(const struct file_access_lack *lack)
{
    if (lack->rights == (FILE_ACCESS_READ | FILE_ACCESS_SEARCH))
        return "read, search";
    return lack->rights == FILE_ACCESS_READ ? "read" : "search";
}

static const char *owner_of(char text[96], const struct stat *status)
{
    /* cppcheck-suppress getpwuidCalled ; of a command that uses no threads here */
    const struct passwd *user = getpwuid(status->st_uid);
    /* cppcheck-suppress getgrgidCalled ; likewise */
    const struct group *group = getgrgid(status->st_gid);
    char numbers[2][16];
    snprintf(numbers[0], sizeof numbers[0], "%u", (unsigned)status->st_uid);
    snprintf(numbers[1], sizeof numbers[1], "%u", (unsigned)status->st_gid);
    snprintf(text, 96, "%.40s:%.40s", user != NULL ? user->pw_name : numbers[0],
             group != NULL ? group->gr_name : numbers[1]);
    return text;
}

static void show_lacks(const struct permission *permission)
{
    char owner[96];
    const char *const headings[] = {"PATH", "MODE", "OWNER", "LACKS", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (size_t i = 0; i < permission->lacks.count; i++) {
        const struct file_access_lack *lack = &permission->lacks.items[i];
        table_cell(table, TABLE_PLAIN, "%s", lack->path);
        table_cell(table, TABLE_PLAIN, "%04o", (unsigned)(lack->status.st_mode & 07777));
        table_cell(table, TABLE_PLAIN, "%s", owner_of(owner, &lack->status));
        table_cell(table, TABLE_PLAIN, "%s", rights_of(lack));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static void write_lacks(struct json_writer *writer, const struct permission *permission)
{
    char text[96];
    json_write_array(writer, "lacks");
    for (size_t i = 0; i < permission->lacks.count; i++) {
        const struct file_access_lack *lack = &permission->lacks.items[i];
        json_write_object(writer, NULL);
        json_write_text(writer, "path", lack->path);
        json_write_text(writer, "owner", owner_of(text, &lack->status));
        snprintf(text, sizeof text, "%04o", (unsigned)(lack->status.st_mode & 07777));
        json_write_text(writer, "mode", text);
        json_write_text(writer, "rights", rights_of(lack));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void show_json(const struct permission *permission)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf text;
    buf_init(&text, JSON_MAX);
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    for (const struct json *field = json_first(permission->call.result); field != NULL;
         field = json_next(field)) {
        _cleanup_buf_ struct buf value;
        buf_init(&value, JSON_MAX);
        json_append(&value, field);
        json_write_raw(&writer, json_name(field), buf_slice(&value));
    }
    if (permission->place.certificate_file != NULL)
        json_write_text(&writer, "certificate_file", permission->place.certificate_file);
    if (permission->place.key_file != NULL)
        json_write_text(&writer, "key_file", permission->place.key_file);
    write_lacks(&writer, permission);
    json_write_bool(&writer, "granted", permission->granted);
    json_write_object_end(&writer);
    puts(buf_text(&text));
}

/* The sentence about a key that does not work, although nothing more can be given. */
static void show_failure(const struct permission *permission)
{
    const struct json *error = json_get(permission->call.result, "error");
    const struct error *own = &permission->failure;
    printf("The private key does not work: %s: %s (%s)\n  what to do: %s\n",
           call_text(error, "object"), call_text(error, "message"), call_text(error, "code"),
           call_text(error, "remedy"));
    if (own->code != NULL)
        printf("Seen from here: %s: %s (%s)\n", own->object, own->message, own->code->name);
    else if (permission->lacks.count == 0 || permission->granted)
        puts("By its permissions the user can read all of it. A folder that was made, or became "
             "reachable, after hgsd had started is known to it only after a restart: systemctl "
             "restart hgsd.");
}

static void show(const struct permission *permission)
{
    const struct json *result = permission->call.result;
    const char *user = call_text(result, "user");
    bool dry_run = option_given(permission->values, "dry-run");
    if (*user == '\0') {
        printf("The private key %s; no file permission has to do with it.\n",
               strcmp(call_text(result, "key_source"), "token") == 0 ? "is in a token"
                                                                     : "is sealed in the state");
    } else if (permission->lacks.count > 0) {
        show_lacks(permission);
        if (permission->granted)
            printf("User %s has that now.\n", user);
        else
            printf("User %s lacks that%s\n", user,
                   option_given(permission->values, "grant")
                       ? " and would be given it (not done: --dry-run)."
                       : ". To give it that and no more: certificate permission --grant");
    }
    if (works(permission))
        printf("The private key works%s%s%s.\n", *user != '\0' ? ": user " : "", user,
               *user != '\0' ? " can read it" : "");
    else if (permission->lacks.count == 0 || permission->granted ||
             (dry_run && permission->failure.code != NULL))
        show_failure(permission);
}

static bool run(struct permission *permission)
{
    const struct option_values *values = permission->values;
    if (!ask(permission, option_argument(values, 0)))
        return false;
    if (works(permission) || *call_text(permission->call.result, "user") == '\0')
        return true;
    /* Also when only one of the two files was found: what it lacks is in the way of the other. */
    examine(permission);
    if (permission->lacks.count == 0 || !option_given(values, "grant") ||
        option_given(values, "dry-run"))
        return true;
    return grant(permission);
}

int certificate_permission_run(const struct option_values *values)
{
    struct permission permission = {.values = values};
    call_init(&permission.call, values);
    bool ok = run(&permission);
    bool would = option_given(values, "grant") && option_given(values, "dry-run") &&
                 permission.lacks.count > 0;
    int status = ok && (works(&permission) || would) ? 0 : 1;
    if (!ok)
        status = call_fail(&permission.call);
    else if (option_json(values))
        show_json(&permission);
    else
        show(&permission);
    key_folder_place_done(&permission.place);
    file_access_lacks_done(&permission.lacks);
    file_access_user_done(&permission.user);
    call_done(&permission.call);
    return status;
}
