/* SPDX-License-Identifier: Apache-2.0 */

/* hgs vm: VM files. */

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/table.h"
#include "crypto/random.h"
#include "hgs/access.h"
#include "hgs/commands.h"
#include "hgs/platform.h"
#include "host/unlock.h"
#include "vm/file.h"

#define PASSPHRASE_SIZE 32

/* 32 characters of 64 kinds: 192 bits that can also be typed. */
static void generate(struct secret *out)
{
    static const char kinds[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    secret_init(out, PASSPHRASE_SIZE);
    random_bytes(out->data, out->size);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = (uint8_t)kinds[out->data[i] & 63];
}

static bool read_value(struct secret *out, const char *file, struct error *err)
{
    struct buf bytes;
    buf_init_secret(&bytes, VM_SECRET_SIZE_MAX);
    bool good = strcmp(file, "-") == 0 ? file_read_fd(&bytes, STDIN_FILENO, "standard input", err)
                                       : file_read(&bytes, file, err);
    if (good)
        secret_copy(out, buf_slice(&bytes));
    buf_done(&bytes);
    return good;
}

/* NAME=FILE (every byte of it), or NAME: a new random passphrase. */
static bool add_secret(struct vm *vm, const char *text, const struct secret *key, struct error *err)
{
    const char *equals = strchr(text, '=');
    _cleanup_secret_ struct secret value = SECRET_EMPTY;
    _cleanup_free_ char *name =
        equals != NULL ? memory_format("%.*s", (int)(equals - text), text) : memory_copy_text(text);
    if (!option_check_name(name, "secret", err))
        return false;
    if (equals == NULL)
        generate(&value);
    else if (!read_value(&value, equals + 1, err))
        return false;
    return vm_secret_add(vm, name, secret_slice(&value), secret_slice(key), err);
}

static bool create(struct vm *out, const struct option_values *values, struct error *err)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_buf_ struct buf document;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    if (!access_create(&document, &key, values, err) || !vm_create(out, buf_slice(&document), err))
        return false;
    for (size_t i = 0; i < option_count(values, "secret"); i++)
        if (!add_secret(out, option_item(values, "secret", i), &key, err))
            return false;
    return true;
}

static int run_create(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    _cleanup_vm_ struct vm vm = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!create(&vm, values, &err) ||
        !(dry ? file_check_absent(path, &err) : vm_file_create(path, &vm, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    json_write_integer(&output.writer, "secrets", (int64_t)vm.count);
    return output_say(&output, "%s %s with %zu secret%s.", dry ? "Would make" : "Made", path,
                      vm.count, vm.count == 1 ? "" : "s");
}

static void show_secrets(struct output *output, const struct vm *vm, bool print)
{
    static const char *const headings[] = {"SECRET", "SEALED BYTES", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    json_write_array(&output->writer, "secrets");
    for (size_t i = 0; i < vm->count; i++) {
        json_write_object(&output->writer, NULL);
        json_write_text(&output->writer, "name", vm->secrets[i].name);
        json_write_integer(&output->writer, "sealed_size", (int64_t)vm->secrets[i].sealed.size);
        json_write_object_end(&output->writer);
        table_cell(table, TABLE_PLAIN, "%s", vm->secrets[i].name);
        table_cell(table, TABLE_PLAIN, "%zu", vm->secrets[i].sealed.size);
        table_end_row(table);
    }
    json_write_array_end(&output->writer);
    if (!print)
        return;
    putchar('\n');
    table_print(table, stdout);
}

static int run_show(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    char id[GUID_TEXT_SIZE];
    _cleanup_vm_ struct vm vm = {0};
    _cleanup_output_ struct output output;
    _cleanup_free_ char *last_good = vm_file_last_good(path);
    output_init(&output, values);
    if (!vm_file_read(&vm, path, &err))
        return option_fail(values, &err);
    bool print = !option_json(values);
    bool has_last_good = access(last_good, F_OK) == 0;
    guid_format(&vm.id, id);
    json_write_text(&output.writer, "id", id);
    json_write_text(&output.writer, "last_known_good", has_last_good ? last_good : NULL);
    if (print) {
        _cleanup_table_ struct table *table = table_new(NULL);
        table_pair(table, "VM file", "%s", id);
        table_pair(table, "Last known good", "%s", has_last_good ? last_good : "none yet");
        table_print(table, stdout);
    }
    access_show(&output, vm.protector, print);
    show_secrets(&output, &vm, print);
    output_json(&output);
    return 0;
}

/* Exactly the secret's bytes, so that `cryptsetup --key-file -` takes them; base64 with --json. */
static bool give(struct output *output, const char *name, const struct secret *secret,
                 struct error *err)
{
    const struct option_values *values = output->values;
    bool in_json = option_json(values) && !option_given(values, "out-fd");
    json_write_text(&output->writer, "name", name);
    json_write_integer(&output->writer, "size", (int64_t)secret->size);
    if (in_json)
        json_write_base64(&output->writer, "secret", secret_slice(secret));
    else if (!output_secret(values, secret_slice(secret), err))
        return false;
    output_json(output);
    return true;
}

static int run_unlock(const struct option_values *values)
{
    struct error err;
    struct clock clock;
    const char *name = option_text(values, "secret");
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_secret_ struct secret secret = SECRET_EMPTY;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    clock_init(&clock);
    struct error lost = {0};
    struct host_unlock_options options = {&config, &clock, &lost};
    bool good = output_check_descriptor(values, &err) &&
                platform_load_config(&config, values, PLATFORM_BOTH_LOGS, &err) &&
                host_unlock(&secret, option_argument(values, 0), name, &options, &err);
    if (lost.code != NULL)
        fprintf(stderr, "hgs: %s; attesting anew (%s)\n", lost.message, lost.code->name);
    if (!good || !give(&output, name, &secret, &err))
        return option_fail(values, &err);
    return 0;
}

static int run_restore(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if ((!dry && !option_confirm(values, &err, "Replace %s by its last known good copy?", path)) ||
        !(dry ? vm_file_check_restore(path, &err) : vm_file_restore(path, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    return output_say(&output, "%s %s from %s.last-good; what it held is in %s.replaced.",
                      dry ? "Would restore" : "Restored", path, path, path);
}

/* An owner's work on a VM file: locked, read, and opened with the owner's keys. */
struct work {
    struct vm_file file;
    struct vm vm;
    struct guardian owner;
    struct secret key;
};

static void work_done(struct work *work)
{
    secret_done(&work->key);
    guardian_done(&work->owner);
    vm_done(&work->vm);
    vm_file_close(&work->file);
}
#define _cleanup_work_ __attribute__((cleanup(work_done)))
#define WORK_NONE                         \
    {                                     \
        .file = {.folder = -1, .fd = -1 } \
    }

static bool work_open(struct work *work, const struct option_values *values, struct error *err)
{
    const char *path = option_argument(values, 0);
    return vm_file_open(&work->file, path, err) &&
           (vm_parse(&work->vm, buf_slice(&work->file.bytes), err) ||
            error_name_object(err, path)) &&
           access_owner(&work->owner, work->vm.protector, values, err) &&
           protector_unwrap(&work->key, work->vm.protector, &work->owner, err);
}

/* A revoked guardian may have seen the transport key: everything goes under a new one, signed by
 * the owner. */
static bool renew_key(struct buf *document, struct secret *key, const struct guardian *owner,
                      struct error *err)
{
    _cleanup_protector_ struct protector *without = NULL;
    if (!protector_parse(&without, buf_slice(document), NULL, err) ||
        !protector_verify(without, err))
        return false;
    secret_init(key, PROTECTOR_TRANSPORT_KEY_SIZE);
    random_bytes(key->data, key->size);
    struct signer signer = signer_of_key(owner->signing_key);
    buf_reset(document);
    return protector_reseal(document, without, secret_slice(key),
                            protector_max_offline_unwraps(without), protector_owner(without)->id,
                            &signer, err);
}

static bool change_access(struct vm *out, struct work *work, enum access_change how,
                          const struct option_values *values, struct error *err)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_buf_ struct buf document;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    if (!access_change(&document, work->vm.protector, &work->owner, how, values, err))
        return false;
    if (how == ACCESS_GRANT)
        secret_copy(&key, secret_slice(&work->key));
    else if (!renew_key(&document, &key, &work->owner, err))
        return false;
    return vm_reseal(out, &work->vm, secret_slice(&work->key), buf_slice(&document),
                     secret_slice(&key), err);
}

static int change(const struct option_values *values, enum access_change how)
{
    struct error err;
    const char *path = option_argument(values, 0);
    _cleanup_work_ struct work work = WORK_NONE;
    _cleanup_vm_ struct vm built = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!work_open(&work, values, &err) || !change_access(&built, &work, how, values, &err) ||
        (!dry &&
         !vm_file_save(&work.file, &built,
                       how == ACCESS_GRANT ? VM_FILE_KEEP_FORMER : VM_FILE_FORGET_FORMER, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    return output_say(
        &output, "%s %s%s.", dry ? "Would change" : "Changed", path,
        how == ACCESS_GRANT ? "" : ": it has a new key, and the former copies beside it are gone");
}

static int run_grant(const struct option_values *values)
{
    return change(values, ACCESS_GRANT);
}

static int run_revoke(const struct option_values *values)
{
    return change(values, ACCESS_REVOKE);
}

static int run_secret_add(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    const char *secret = option_argument(values, 1);
    _cleanup_work_ struct work work = WORK_NONE;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!work_open(&work, values, &err) || !add_secret(&work.vm, secret, &work.key, &err) ||
        (!dry && !vm_file_save(&work.file, &work.vm, VM_FILE_KEEP_FORMER, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    return output_say(&output, "%s secret %.*s to %s.", dry ? "Would add" : "Added",
                      (int)strcspn(secret, "="), secret, path);
}

static int run_secret_remove(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    const char *name = option_argument(values, 1);
    _cleanup_work_ struct work work = WORK_NONE;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!vm_file_open(&work.file, path, &err) ||
        !(vm_parse(&work.vm, buf_slice(&work.file.bytes), &err) || error_name_object(&err, path)) ||
        !vm_secret_remove(&work.vm, name, &err) ||
        (!dry && !option_confirm(values, &err, "Remove secret %s from %s?", name, path)) ||
        (!dry && !vm_file_save(&work.file, &work.vm, VM_FILE_LEAVE_FORMER, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    return output_say(&output, "%s secret %s from %s.", dry ? "Would remove" : "Removed", name,
                      path);
}

static int run_secret_show(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 1);
    _cleanup_work_ struct work work = WORK_NONE;
    _cleanup_secret_ struct secret secret = SECRET_EMPTY;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!output_check_descriptor(values, &err) || !work_open(&work, values, &err) ||
        !vm_secret_open(&secret, &work.vm, name, secret_slice(&work.key), &err) ||
        !give(&output, name, &secret, &err))
        return option_fail(values, &err);
    return 0;
}

static const struct option_argument file_argument[] = {
    {"FILE", "the VM file", OPTION_FILE, false, false},
    {.name = NULL},
};
static const struct option_argument add_arguments[] = {
    {"FILE", "the VM file", OPTION_FILE, false, false},
    {"NAME[=FILE]", "the secret: a file's bytes, or a new random passphrase", OPTION_ANY, false,
     false},
    {.name = NULL},
};
static const struct option_argument secret_arguments[] = {
    {"FILE", "the VM file", OPTION_FILE, false, false},
    {"NAME", "the secret", OPTION_NAME, false, false},
    {.name = NULL},
};

static const struct option_entry create_options[] = {
    ACCESS_ROW_OWNER_REQUIRED,
    ACCESS_ROW_GUARDIAN,
    {"secret", "NAME[=FILE]",
     "a secret: a file's bytes (- is standard input), or a new random passphrase of 32 characters",
     OPTION_REPEATED, .required = true},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry unlock_options[] = {
    {"secret", "NAME", "which secret to write", OPTION_VALUE, OPTION_NAME, .required = true},
    OUTPUT_ROW_OUT_FD,
    PLATFORM_ROW_TCTI,
    PLATFORM_ROW_BIOS_LOG,
    PLATFORM_ROW_IMA_LOG,
    OPTION_END,
};
static const struct option_entry restore_options[] = {
    OPTION_ROW_YES,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry change_options[] = {
    ACCESS_ROW_GUARDIAN,
    ACCESS_ROW_OWNER,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry add_options[] = {
    ACCESS_ROW_OWNER,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry secret_show_options[] = {
    ACCESS_ROW_OWNER,
    OUTPUT_ROW_OUT_FD,
    OPTION_END,
};

static const char *const create_examples[] = {
    "hgs vm create web1.vm --owner alice --guardian fabric --secret disk",
    "hgs vm create web1.vm --owner alice --guardian fabric --secret disk=passphrase.txt", NULL};
static const char *const show_examples[] = {"hgs vm show web1.vm", NULL};
static const char *const unlock_examples[] = {
    "hgs vm unlock web1.vm --secret disk | cryptsetup open --key-file - /dev/vg/web1 web1", NULL};
static const char *const restore_examples[] = {"hgs vm restore web1.vm --yes", NULL};
static const char *const grant_examples[] = {"hgs vm grant web1.vm --guardian fabric2", NULL};
static const char *const revoke_examples[] = {"hgs vm revoke web1.vm --guardian fabric", NULL};
static const char *const add_examples[] = {"hgs vm secret add web1.vm vtpm=vtpm.key", NULL};
static const char *const remove_examples[] = {"hgs vm secret remove web1.vm vtpm", NULL};
static const char *const secret_show_examples[] = {
    "hgs vm secret show web1.vm disk | cryptsetup luksFormat --key-file - disk.img", NULL};

const struct option_command vm_commands[] = {
    {"vm create", "make a VM file for an owner and guardians", NULL, file_argument, create_options,
     create_examples, "Enable-VMTPM, Set-VMKeyProtector", run_create},
    {"vm show", "show guardians and secrets of a VM file", NULL, file_argument, NULL, show_examples,
     "Get-VMKeyProtector", run_show},
    {"vm unlock", "write a secret, with the key that the service releases",
     "Attests if needed, has the service replace the key, seals all secrets under the new one, "
     "replaces the file atomically, keeps the former one as FILE.last-good, and then writes the "
     "secret, without a newline.",
     file_argument, unlock_options, unlock_examples, "Start-VM", run_unlock},
    {"vm restore", "bring back the last known good copy of a VM file",
     "FILE becomes FILE.last-good; what FILE held is kept in FILE.replaced.", file_argument,
     restore_options, restore_examples, "Set-VMKeyProtector -RestoreLastKnownGoodKeyProtector",
     run_restore},
    {"vm grant", "let a further guardian unlock a VM file", NULL, file_argument, change_options,
     grant_examples, "Grant-HgsKeyProtectorAccess", run_grant},
    {"vm revoke", "take a guardian off a VM file, which gets a new key",
     "A wrapping is the guardian's when it has one of its certificates, unless it is exactly "
     "another guardian's here. FILE.last-good and FILE.replaced are removed, since the guardian "
     "could still open them. Other copies of the file are beyond its reach: change the secrets "
     "themselves if that matters.",
     file_argument, change_options, revoke_examples, "Revoke-HgsKeyProtectorAccess", run_revoke},
    {"vm secret add", "add a secret to a VM file, as its owner", NULL, add_arguments, add_options,
     add_examples, NULL, run_secret_add},
    {"vm secret remove", "remove a secret from a VM file",
     "FILE.last-good still has it until the file changes again.", secret_arguments, restore_options,
     remove_examples, NULL, run_secret_remove},
    {"vm secret show", "write a secret, as the owner, without any service", NULL, secret_arguments,
     secret_show_options, secret_show_examples, NULL, run_secret_show},
    {.name = NULL},
};
