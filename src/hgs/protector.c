/* SPDX-License-Identifier: Apache-2.0 */

/* hgs protector: key protectors on their own. */

#include "base/file.h"
#include "base/hex.h"
#include "hgs/access.h"
#include "hgs/commands.h"

/* A protector file; the protector borrows nothing from bytes, which stay for their mode. */
static bool load(struct protector **out, const char *path, struct error *err)
{
    struct buf bytes;
    buf_init(&bytes, PROTECTOR_SIZE_MAX);
    bool good =
        file_read(&bytes, path, err) &&
        (protector_parse(out, buf_slice(&bytes), NULL, err) || error_name_object(err, path));
    buf_done(&bytes);
    return good;
}

static int run_create(const struct option_values *values)
{
    struct error err;
    const char *out = option_text(values, "out");
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_buf_ struct buf document;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    buf_init(&document, PROTECTOR_SIZE_MAX);
    bool dry = option_given(values, "dry-run");
    if (!access_create(&document, &key, values, &err) ||
        !(dry ? file_check_absent(out, &err) : file_create(out, buf_slice(&document), 0644, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "out", out);
    return output_say(&output, "%s key protector %s.", dry ? "Would make" : "Made", out);
}

static int change(const struct option_values *values, enum access_change how)
{
    struct error err;
    const char *path = option_argument(values, 0);
    _cleanup_protector_ struct protector *protector = NULL;
    _cleanup_guardian_ struct guardian owner = {0};
    _cleanup_buf_ struct buf document;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    buf_init(&document, PROTECTOR_SIZE_MAX);
    bool dry = option_given(values, "dry-run");
    if (!load(&protector, path, &err) || !access_owner(&owner, protector, values, &err) ||
        !access_change(&document, protector, &owner, how, values, &err) ||
        (!dry && !file_replace(path, buf_slice(&document), 0644, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    return output_say(&output, "%s %s.", dry ? "Would change" : "Changed", path);
}

static int run_grant(const struct option_values *values)
{
    return change(values, ACCESS_GRANT);
}

static int run_revoke(const struct option_values *values)
{
    return change(values, ACCESS_REVOKE);
}

static int run_show(const struct option_values *values)
{
    struct error err;
    _cleanup_protector_ struct protector *protector = NULL;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!load(&protector, option_argument(values, 0), &err))
        return option_fail(values, &err);
    access_show(&output, protector, !option_json(values));
    output_json(&output);
    return 0;
}

/* The raw key to a descriptor; as hexadecimal text to a person. */
static bool give_key(struct output *output, const struct secret *key, struct error *err)
{
    if (option_given(output->values, "out-fd"))
        return output_secret(output->values, secret_slice(key), err);
    json_write_hex(&output->writer, "transport_key", secret_slice(key));
    if (output_json(output))
        return true;
    struct buf text;
    buf_init_secret(&text, 256);
    hex_append(&text, secret_slice(key));
    puts(buf_text(&text));
    buf_done(&text);
    return true;
}

static int run_unwrap(const struct option_values *values)
{
    struct error err;
    _cleanup_protector_ struct protector *protector = NULL;
    _cleanup_guardian_ struct guardian owner = {0};
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!output_check_descriptor(values, &err) ||
        !load(&protector, option_argument(values, 0), &err) ||
        !access_owner(&owner, protector, values, &err) ||
        !protector_unwrap(&key, protector, &owner, &err) || !give_key(&output, &key, &err))
        return option_fail(values, &err);
    return 0;
}

static const struct option_argument file_argument[] = {
    {"FILE", "the key protector", OPTION_FILE, false, false},
    {.name = NULL},
};
static const struct option_entry create_options[] = {
    ACCESS_ROW_OWNER_REQUIRED,
    ACCESS_ROW_GUARDIAN,
    {"out", "FILE", "write it there; nothing is overwritten", OPTION_VALUE, OPTION_FILE,
     .required = true},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry change_options[] = {
    ACCESS_ROW_GUARDIAN,
    ACCESS_ROW_OWNER,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry unwrap_options[] = {
    ACCESS_ROW_OWNER,
    {"out-fd", "N", "write the key's 32 bytes to descriptor N instead of hexadecimal text",
     OPTION_VALUE, OPTION_NUMBER},
    OPTION_END,
};

static const char *const create_examples[] = {
    "hgs protector create --owner alice --guardian fabric --out web1.kp", NULL};
static const char *const grant_examples[] = {"hgs protector grant web1.kp --guardian fabric2",
                                             NULL};
static const char *const revoke_examples[] = {"hgs protector revoke web1.kp --guardian fabric",
                                              NULL};
static const char *const show_examples[] = {"hgs protector show web1.kp", NULL};
static const char *const unwrap_examples[] = {"hgs protector unwrap web1.kp --out-fd 3 3>key",
                                              NULL};

const struct option_command protector_commands[] = {
    {"protector create", "make a key protector with a random transport key", NULL, NULL,
     create_options, create_examples, "New-HgsKeyProtector", run_create},
    {"protector grant", "let a further guardian open a key protector", NULL, file_argument,
     change_options, grant_examples, "Grant-HgsKeyProtectorAccess", run_grant},
    {"protector revoke", "take a guardian off a key protector",
     "A wrapping is the guardian's when it has one of its certificates, unless it is exactly "
     "another guardian's here. The transport key stays the same: a guardian that has opened it "
     "before still knows it. hgs vm revoke makes a new one.",
     file_argument, change_options, revoke_examples, "Revoke-HgsKeyProtectorAccess", run_revoke},
    {"protector show", "show owner, guardians and whether all signatures verify", NULL,
     file_argument, NULL, show_examples, "ConvertTo-HgsKeyProtector", run_show},
    {"protector unwrap", "open a key protector with the owner's keys, without any service", NULL,
     file_argument, unwrap_options, unwrap_examples, NULL, run_unwrap},
    {.name = NULL},
};
