/* SPDX-License-Identifier: Apache-2.0 */

/* hgs guardian: the guardians that this user knows or is. */

#include <fnmatch.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/table.h"
#include "crypto/errors.h"
#include "crypto/pkcs12.h"
#include "hgs/commands.h"
#include "hgs/guardians.h"
#include "hgs/output.h"
#include "host/hgs_errors.h"
#include "http/client.h"
#include "keyprotection/message.h"
#include "protector/metadata.h"

#define PFX_MAX ((size_t)1024 * 1024)
#define PASSWORD_MAX 1024

static bool read_password(struct buf *out, const char *file, struct error *err)
{
    buf_init_secret(out, PASSWORD_MAX);
    if (file == NULL)
        return true;
    if (!file_read_private(out, file, err))
        return false;
    /* A trailing newline is the editor's and not the password's. */
    while (out->size > 0 && (out->data[out->size - 1] == '\n' || out->data[out->size - 1] == '\r'))
        out->size--;
    return true;
}

static bool read_pfx(struct private_key **key, struct certificate **certificate, const char *file,
                     const struct buf *password, struct error *err)
{
    struct buf bytes;
    buf_init_secret(&bytes, PFX_MAX);
    bool good = file_read(&bytes, file, err) &&
                (pkcs12_parse(key, certificate, buf_slice(&bytes), buf_slice(password), err) ||
                 error_name_object(err, file));
    buf_done(&bytes);
    if (good && public_key_type(certificate_key(*certificate)) != PUBLIC_KEY_RSA)
        return error_set(err, &crypto_key_unsupported, "protocol.md 3", file,
                         "a guardian's keys are RSA, and this one is not");
    return good;
}

static bool make(struct guardian *out, const struct option_values *values, const char *name,
                 struct error *err)
{
    const char *signing = option_text(values, "signing");
    const char *encryption = option_text(values, "encryption");
    struct clock clock;
    clock_init(&clock);
    if (signing == NULL && encryption == NULL)
        return guardian_generate(out, name, clock_now(&clock), err);
    if (signing == NULL || encryption == NULL)
        return error_set(err, &base_usage, NULL, "guardian create",
                         "--signing and --encryption go together");
    struct buf password;
    bool good = read_password(&password, option_text(values, "password-file"), err) &&
                read_pfx(&out->signing_key, &out->signing, signing, &password, err) &&
                read_pfx(&out->encryption_key, &out->encryption, encryption, &password, err);
    buf_done(&password);
    return good;
}

static void thumbprint(const struct certificate *certificate, char text[65])
{
    hex_format(slice_of(certificate_facts(certificate)->thumbprint, 32), text);
}

static void write_guardian(struct json_writer *writer, const char *name,
                           const struct guardian *guardian)
{
    char text[65], time[CLOCK_TEXT_SIZE];
    json_write_text(writer, "name", name);
    json_write_bool(writer, "own", guardians_is_own(guardian));
    json_write_bool(writer, "only_sha1", guardian->only_sha1);
    json_write_text(writer, "subject", certificate_facts(guardian->signing)->subject_text);
    thumbprint(guardian->signing, text);
    json_write_text(writer, "signing", text);
    thumbprint(guardian->encryption, text);
    json_write_text(writer, "encryption", text);
    json_write_text(writer, "expires",
                    clock_format(certificate_facts(guardian->encryption)->not_after, time));
}

static int run_create(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    _cleanup_free_ char *folder = NULL;
    _cleanup_guardian_ struct guardian guardian = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!guardians_folder(&folder, values, &err) || !make(&guardian, values, name, &err) ||
        !(dry ? guardians_check_save(folder, name, false, false, &err)
              : guardians_save_own(folder, name, &guardian, &err)))
        return option_fail(values, &err);
    write_guardian(&output.writer, name, &guardian);
    return output_say(&output,
                      "%s guardian %s in %s. Keep a copy of its folder in a safe place: "
                      "without it nobody can grant access.",
                      dry ? "Would make" : "Made", name, folder);
}

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* What a service says that does not give its metadata, where it speaks MS-KPS. */
static bool refuse_status(const char *url, unsigned status, struct slice body, struct error *err)
{
    _cleanup_buf_ struct buf code, message;
    buf_init(&code, METADATA_SIZE_MAX);
    buf_init(&message, METADATA_SIZE_MAX);
    if (!roll_error_parse(&code, &message, body, NULL))
        return error_set(err, &hgs_metadata_unreachable, NULL, url,
                         "it answered with HTTP status %u", status);
    return error_set(err, &hgs_metadata_unreachable, NULL, url,
                     "it answered with HTTP status %u: %s", status, buf_text(&message));
}

static bool fetch(struct buf *out, const char *url, const char *ca_file, struct error *err)
{
    struct http_client_options options = {.ca_file = ca_file, .reply_limit = METADATA_SIZE_MAX};
    struct http_client *client = http_client_new(&options);
    unsigned status;
    bool good = http_client_request(client, url, NULL, NULL, out, &status, err);
    http_client_free(&client);
    return good && (status == 200 || refuse_status(url, status, buf_slice(out), err));
}

static bool import_from(struct guardian *out, struct buf *metadata,
                        const struct option_values *values, struct error *err)
{
    const char *source = option_argument(values, 1);
    struct clock clock;
    clock_init(&clock);
    struct metadata_checks checks = {
        .allow_untrusted_root = option_given(values, "allow-untrusted-root"),
        .allow_expired = option_given(values, "allow-expired"),
        .now = clock_now(&clock),
    };
    bool good = is_url(source) ? fetch(metadata, source, option_text(values, "ca-file"), err)
                               : file_read(metadata, source, err);
    if (!good || !metadata_parse(out, buf_slice(metadata), &checks, err))
        return error_name_object(err, source);
    out->only_sha1 = option_given(values, "sha1");
    return true;
}

static int run_import(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    _cleanup_free_ char *folder = NULL;
    _cleanup_guardian_ struct guardian guardian = {0};
    _cleanup_buf_ struct buf metadata;
    _cleanup_output_ struct output output;
    char signing[65];
    output_init(&output, values);
    buf_init(&metadata, METADATA_SIZE_MAX);
    bool dry = option_given(values, "dry-run"), replace = option_given(values, "replace");
    if (!guardians_folder(&folder, values, &err) ||
        !import_from(&guardian, &metadata, values, &err) ||
        !(dry ? guardians_check_save(folder, name, true, replace, &err)
              : guardians_save_imported(folder, name, &guardian, buf_slice(&metadata), replace,
                                        &err)))
        return option_fail(values, &err);
    write_guardian(&output.writer, name, &guardian);
    thumbprint(guardian.signing, signing);
    return output_say(&output,
                      "%s %s as guardian %s.\nSHA-256 of its signing certificate: %s\nCompare it "
                      "with the administrator's: hgsctl certificate list",
                      dry ? "Would import" : "Imported",
                      certificate_facts(guardian.signing)->subject_text, name, signing);
}

static int run_export(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    const char *out = option_text(values, "out");
    _cleanup_free_ char *folder = NULL;
    _cleanup_buf_ struct buf metadata;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    buf_init(&metadata, METADATA_SIZE_MAX);
    if (!guardians_folder(&folder, values, &err) ||
        !guardians_export(&metadata, folder, name, &err) ||
        (out != NULL && !file_replace(out, buf_slice(&metadata), 0644, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "name", name);
    json_write_text(&output.writer, "out", out);
    if (out == NULL)
        json_write_slice(&output.writer, "metadata", buf_slice(&metadata));
    if (out != NULL)
        return output_say(&output, "Wrote the public half of guardian %s to %s.", name, out);
    if (!output_json(&output))
        fwrite(metadata.data, 1, metadata.size, stdout);
    return 0;
}

static void add_row(struct table *table, const char *name, const struct guardian *guardian)
{
    char text[65], time[CLOCK_TEXT_SIZE];
    table_cell(table, TABLE_PLAIN, "%s", name);
    table_cell(table, TABLE_PLAIN, "%s", guardians_is_own(guardian) ? "own" : "imported");
    table_cell(table, TABLE_PLAIN, "%s", certificate_facts(guardian->signing)->subject_text);
    thumbprint(guardian->signing, text);
    table_cell(table, TABLE_FAINT, "%.16s…", text);
    thumbprint(guardian->encryption, text);
    table_cell(table, TABLE_FAINT, "%.16s…", text);
    clock_format(certificate_facts(guardian->encryption)->not_after, time);
    table_cell(table, TABLE_PLAIN, "%.10s", time);
    table_end_row(table);
}

/* A damaged guardian is a row of its own: the others are still to be seen. */
static void list_one(struct output *output, struct table *table, const char *folder,
                     const char *name)
{
    struct error err;
    _cleanup_guardian_ struct guardian guardian = {0};
    json_write_object(&output->writer, NULL);
    if (guardians_load(&guardian, folder, name, &err)) {
        write_guardian(&output->writer, name, &guardian);
        add_row(table, name, &guardian);
    } else {
        json_write_text(&output->writer, "name", name);
        json_write_error(&output->writer, "error", &err);
        table_cell(table, TABLE_PLAIN, "%s", name);
        table_cell(table, TABLE_BAD, "%s", err.code->name);
        table_cell(table, TABLE_PLAIN, "%s", err.message);
        table_end_row(table);
    }
    json_write_object_end(&output->writer);
}

static int run_list(const struct option_values *values)
{
    static const char *const headings[] = {"NAME",       "KIND",    "SUBJECT", "SIGNING",
                                           "ENCRYPTION", "EXPIRES", NULL};
    struct error err;
    const char *pattern = option_argument(values, 0);
    char **names;
    size_t count;
    _cleanup_free_ char *folder = NULL;
    _cleanup_table_ struct table *table = table_new(headings);
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!guardians_folder(&folder, values, &err) || !guardians_names(&names, &count, folder, &err))
        return option_fail(values, &err);
    json_write_array(&output.writer, "guardians");
    for (size_t i = 0; i < count; i++)
        if (pattern == NULL || fnmatch(pattern, names[i], 0) == 0)
            list_one(&output, table, folder, names[i]);
    json_write_array_end(&output.writer);
    guardians_names_free(names, count);
    if (!output_json(&output))
        table_print(table, stdout);
    return 0;
}

static int run_remove(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    _cleanup_free_ char *folder = NULL;
    _cleanup_guardian_ struct guardian guardian = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!guardians_folder(&folder, values, &err))
        return option_fail(values, &err);
    /* Also one that does not load can be removed. */
    bool own = guardians_load(&guardian, folder, name, &err) && guardians_is_own(&guardian);
    bool dry = option_given(values, "dry-run");
    const char *warning = own ? "Its private keys go with it: without a copy nobody can change who "
                                "may open what it owns. "
                              : "";
    if ((!dry && !option_confirm(values, &err, "%sRemove guardian %s?", warning, name)) ||
        !(dry ? guardians_check_there(folder, name, &err) : guardians_remove(folder, name, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "name", name);
    return output_say(&output, "%s guardian %s.", dry ? "Would remove" : "Removed", name);
}

static const struct option_argument name_argument[] = {
    {"NAME", "the guardian", OPTION_NAME, false, false},
    {.name = NULL},
};
static const struct option_argument import_arguments[] = {
    {"NAME", "what to call it here", OPTION_NAME, false, false},
    {"FILE|URL", "its metadata", OPTION_FILE, false, false},
    {.name = NULL},
};
static const struct option_argument list_arguments[] = {
    {"PATTERN", "only those whose names match", OPTION_PATTERN, true, false},
    {.name = NULL},
};

static const struct option_entry create_options[] = {
    {"signing", "PFX", "use this certificate and key for signing", OPTION_VALUE, OPTION_FILE},
    {"encryption", "PFX", "use this certificate and key for encryption", OPTION_VALUE, OPTION_FILE},
    {"password-file", "FILE", "holds the password of both PFX files", OPTION_VALUE, OPTION_FILE},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry import_options[] = {
    {"allow-untrusted-root", NULL,
     "accept certificates that do not chain to a root this machine trusts", OPTION_FLAG},
    {"allow-expired", NULL, "accept certificates that are not valid now", OPTION_FLAG},
    {"ca-file", "FILE", "PEM file of the authorities for an https:// URL", OPTION_VALUE,
     OPTION_FILE},
    {"replace", NULL, "take the place of what was imported under this name before", OPTION_FLAG},
    {"sha1", NULL,
     "write key protectors for it with SHA-1, where its administrator says that its HSM knows no "
     "other",
     OPTION_FLAG},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry export_options[] = {
    {"out", "FILE", "write it there instead of to standard output", OPTION_VALUE, OPTION_FILE},
    OPTION_END,
};
static const struct option_entry remove_options[] = {
    OPTION_ROW_YES,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};

static const char *const create_examples[] = {
    "hgs guardian create alice",
    "hgs guardian create alice --signing s.pfx --encryption e.pfx --password-file pw", NULL};
static const char *const import_examples[] = {
    "hgs guardian import fabric "
    "http://hgs.example/KeyProtection/service/metadata/2014-07/metadata.xml "
    "--allow-untrusted-root",
    "hgs guardian import fabric metadata.xml --replace --allow-untrusted-root", NULL};
static const char *const export_examples[] = {"hgs guardian export alice --out alice.xml", NULL};
static const char *const list_examples[] = {"hgs guardian list", NULL};
static const char *const remove_examples[] = {"hgs guardian remove fabric --yes", NULL};

const struct option_command guardian_commands[] = {
    {"guardian create", "make a guardian of your own, an owner",
     "Without files, RSA-2048 keys and self-signed certificates are made. The private keys stay in "
     "the folder of guardians, mode 0600.",
     name_argument, create_options, create_examples, "New-HgsGuardian", run_create},
    {"guardian import", "import a service's guardian from its metadata",
     "Key protectors keep the certificates that they were granted to. When a service has new ones, "
     "import it again (--replace, or under another name) and grant each file anew.",
     import_arguments, import_options, import_examples, "Import-HgsGuardian", run_import},
    {"guardian export", "write a guardian's public half, as metadata", NULL, name_argument,
     export_options, export_examples, "Export-HgsGuardian", run_export},
    {"guardian list", "list guardians", NULL, list_arguments, NULL, list_examples,
     "Get-HgsGuardian", run_list},
    {"guardian remove", "remove a guardian, with its private keys if it has any", NULL,
     name_argument, remove_options, remove_examples, "Remove-HgsGuardian", run_remove},
    {.name = NULL},
};
