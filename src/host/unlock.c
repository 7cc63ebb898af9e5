/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unlock.h"

#include "host/attest.h"
#include "host/errors.h"
#include "host/release.h"
#include "vm/errors.h"
#include "vm/file.h"

static bool check_file(const struct vm *vm, const char *path, const char *name, struct error *err)
{
    if (vm_secret_find(vm, name) == NULL)
        return error_set(err, &vm_secret_unknown, NULL, path, "it has no secret \"%s\"", name);
    /* Before the network: an altered file has its own remedy. */
    return protector_verify(vm->protector, err);
}

/* A kept health certificate may have become worthless (its signer distrusted, the service made
 * anew): then once more with a new one. */
static bool roll(struct host_release *out, const struct vm *vm,
                 const struct host_unlock_options *options, struct error *err)
{
    struct host_attest_options attest = {.config = options->config, .clock = options->clock};
    _cleanup_host_identity_ struct host_identity identity = {0};
    bool cached;
    if (!host_attest_if_needed(&identity, &cached, options->lost, &attest, err))
        return false;
    struct error cause = {0};
    if (host_release_roll(out, options->config, options->clock, &identity, vm->protector,
                          buf_slice(&vm->document), &cause))
        return true;
    if (!cached || cause.code != &host_health_refused) {
        if (err != NULL)
            *err = cause;
        return false;
    }
    struct host_status_record record;
    host_identity_done(&identity);
    return host_attest(&identity, &record, &attest, err) &&
           host_release_roll(out, options->config, options->clock, &identity, vm->protector,
                             buf_slice(&vm->document), err);
}

/* What will be written must open: the last moment at which a mistake costs nothing. */
static bool proves_good(const struct vm *built, const struct secret *key, struct error *err)
{
    struct buf text;
    buf_init(&text, VM_SIZE_MAX);
    vm_format(&text, built);
    _cleanup_vm_ struct vm again = {0};
    bool good = buf_ok(&text, "VM file", err) && vm_parse(&again, buf_slice(&text), err);
    for (size_t i = 0; good && i < again.count; i++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        good = vm_secret_open(&plain, &again, again.secrets[i].name, secret_slice(key), err);
    }
    buf_done(&text);
    return good;
}

bool host_unlock(struct secret *out, const char *path, const char *name,
                 const struct host_unlock_options *options, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    _cleanup_vm_ struct vm vm = {0};
    _cleanup_vm_ struct vm built = {0};
    _cleanup_host_release_ struct host_release release = {0};
    _cleanup_secret_ struct secret secret = SECRET_EMPTY;
    if (!host_config_require(options->config, err) || !vm_file_open(&file, path, err) ||
        !(vm_parse(&vm, buf_slice(&file.bytes), err) || error_name_object(err, path)) ||
        !check_file(&vm, path, name, err) || !roll(&release, &vm, options, err))
        return false;
    if (!vm_secret_open(&secret, &vm, name, secret_slice(&release.ingress_key), err) ||
        !vm_reseal(&built, &vm, secret_slice(&release.ingress_key), buf_slice(&release.document),
                   secret_slice(&release.egress_key), err) ||
        !proves_good(&built, &release.egress_key, err) ||
        !vm_file_save(&file, &built, VM_FILE_KEEP_FORMER, err))
        return false;
    *out = secret;
    secret = SECRET_EMPTY;
    return true;
}
