/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/option.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "vm/errors.h"

#define VERSION 1
#define LABEL "HGS-VM-1"
#define SEALED_SIZE_MAX (VM_SECRET_SIZE_MAX + AEAD_OVERHEAD)
#define ASSOCIATED_SIZE_MAX 256

void vm_done(struct vm *vm)
{
    for (size_t i = 0; i < vm->count; i++)
        buf_done(&vm->secrets[i].sealed);
    free(vm->secrets);
    buf_done(&vm->document);
    protector_free(&vm->protector);
    *vm = (struct vm){0};
}

static bool set_protector(struct vm *vm, struct slice document, struct error *err)
{
    buf_init(&vm->document, PROTECTOR_SIZE_MAX);
    buf_append(&vm->document, document);
    return buf_ok(&vm->document, "protector", err) &&
           protector_parse(&vm->protector, buf_slice(&vm->document), NULL, err);
}

/* Moves what was built to the caller, or frees it. */
static bool give(struct vm *out, struct vm *built, bool good)
{
    if (good)
        *out = *built;
    else
        vm_done(built);
    return good;
}

bool vm_create(struct vm *out, struct slice document, struct error *err)
{
    struct vm vm = {0};
    random_bytes(vm.id.bytes, sizeof vm.id.bytes);
    return give(out, &vm, set_protector(&vm, document, err));
}

const struct vm_secret *vm_secret_find(const struct vm *vm, const char *name)
{
    for (size_t i = 0; i < vm->count; i++)
        if (strcmp(vm->secrets[i].name, name) == 0)
            return &vm->secrets[i];
    return NULL;
}

/* A place for one more secret, with an empty sealed buffer. */
static struct vm_secret *append_secret(struct vm *vm, const char *name, struct error *err)
{
    if (!option_check_name(name, "secret", err))
        return NULL;
    if (vm_secret_find(vm, name) != NULL) {
        error_set(err, &vm_secret_exists, NULL, name, "there is such a secret already");
        return NULL;
    }
    if (vm->count == VM_SECRETS_MAX) {
        error_set(err, &vm_limit, NULL, name, "the file holds %d secrets already", VM_SECRETS_MAX);
        return NULL;
    }
    vm->secrets = memory_resize(vm->secrets, vm->count + 1, sizeof vm->secrets[0]);
    struct vm_secret *secret = &vm->secrets[vm->count++];
    memset(secret, 0, sizeof *secret);
    memcpy(secret->name, name, strlen(name) + 1);
    buf_init(&secret->sealed, SEALED_SIZE_MAX);
    return secret;
}

static bool parse_secret(struct vm *vm, const struct json *value, struct error *err)
{
    const char *name;
    if (!json_get_text(&name, value, "name", err))
        return false;
    struct vm_secret *secret = append_secret(vm, name, err);
    if (secret == NULL)
        return false;
    if (!json_get_bytes(&secret->sealed, value, "sealed", err))
        return false;
    if (secret->sealed.size < AEAD_OVERHEAD)
        return error_set(err, &vm_malformed, NULL, name, "its sealed bytes are cut short");
    return true;
}

static bool parse_secrets(struct vm *vm, const struct json *document, struct error *err)
{
    const struct json *array;
    if (!json_get_array(&array, document, "secrets", err))
        return false;
    for (const struct json *value = json_first(array); value != NULL; value = json_next(value))
        if (!parse_secret(vm, value, err))
            return false;
    return true;
}

/* An unknown property would be lost when the file is written again: refused instead. */
static bool only_known(const struct json *object, const char *const *names, struct error *err)
{
    for (const struct json *value = json_first(object); value != NULL; value = json_next(value)) {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, json_name(value)) != 0)
            name++;
        if (*name == NULL)
            return error_set(err, &vm_malformed, NULL, json_name(value), "is no known property");
    }
    return true;
}

static bool check_version(const struct json *document, struct error *err)
{
    int64_t version;
    if (!json_is_object(document))
        return error_set(err, &vm_malformed, NULL, NULL, "the file is not a JSON object");
    if (!json_get_integer(&version, document, "version", err))
        return false;
    if (version > VERSION)
        return error_set(err, &vm_newer, NULL, NULL, "the file has version %lld, known is %d",
                         (long long)version, VERSION);
    if (version != VERSION)
        return error_set(err, &vm_malformed, NULL, NULL, "the file has version %lld",
                         (long long)version);
    return true;
}

static bool parse(struct vm *vm, const struct json *document, struct error *err)
{
    static const char *const names[] = {"version", "id", "protector", "secrets", NULL};
    const char *id;
    struct buf bytes;
    buf_init(&bytes, PROTECTOR_SIZE_MAX);
    bool good = check_version(document, err) && only_known(document, names, err) &&
                json_get_text(&id, document, "id", err) &&
                guid_parse(&vm->id, slice_from_text(id), err) &&
                json_get_bytes(&bytes, document, "protector", err) &&
                set_protector(vm, buf_slice(&bytes), err) && parse_secrets(vm, document, err);
    buf_done(&bytes);
    return good;
}

/* Whatever a part of the file was found to be, the person has a broken VM file. The room that found
 * out says what is wrong; this room's code says what to do. */
static bool malformed(struct error *err, const struct error *cause)
{
    return error_set(err, &vm_malformed, NULL, cause->object, "%s", cause->message);
}

static bool is_of_format(const struct error *err)
{
    return err->code == &base_json_malformed || err->code == &base_json_too_deep ||
           err->code == &base_base64_malformed || err->code == &base_guid_malformed ||
           err->code == &base_name || err->code == &base_buffer_full ||
           err->code == &vm_secret_exists;
}

bool vm_parse(struct vm *out, struct slice text, struct error *err)
{
    struct vm vm = {0};
    struct error cause = {0};
    _cleanup_json_ struct json *document = NULL;
    bool good = json_parse(&document, text, &cause) && parse(&vm, document, &cause);
    if (!good && is_of_format(&cause))
        malformed(err, &cause);
    else if (!good && err != NULL)
        *err = cause;
    return give(out, &vm, good);
}

/* One value a line. Nothing in it needs escaping: names, GUIDs and base64 are letters, digits and a
 * few signs. */
void vm_format(struct buf *out, const struct vm *vm)
{
    char id[GUID_TEXT_SIZE];
    buf_append_format(out, "{\n  \"version\": %d,\n  \"id\": \"%s\",\n  \"protector\": \"", VERSION,
                      guid_format(&vm->id, id));
    base64_append(out, buf_slice(&vm->document));
    buf_append_text(out, "\",\n  \"secrets\": [");
    for (size_t i = 0; i < vm->count; i++) {
        buf_append_format(out, "%s\n    {\"name\": \"%s\", \"sealed\": \"", i > 0 ? "," : "",
                          vm->secrets[i].name);
        base64_append(out, buf_slice(&vm->secrets[i].sealed));
        buf_append_text(out, "\"}");
    }
    buf_append_text(out, "\n  ]\n}\n");
}

static void sealing_key(struct secret *out, struct slice transport_key)
{
    kdf_concat(out, transport_key, slice_from_text(LABEL " secret"), AEAD_KEY_SIZE);
}

static void associated(struct buf *out, const struct vm *vm, const char *name)
{
    buf_init(out, ASSOCIATED_SIZE_MAX);
    buf_append_text(out, LABEL);
    buf_append_bytes(out, vm->id.bytes, sizeof vm->id.bytes);
    buf_append_bytes(out, protector_digest(vm->protector), DIGEST_SHA256_SIZE);
    buf_append_text(out, name);
}

bool vm_secret_add(struct vm *vm, const char *name, struct slice plain, struct slice transport_key,
                   struct error *err)
{
    if (plain.size > VM_SECRET_SIZE_MAX)
        return error_set(err, &vm_limit, NULL, name, "has %zu bytes, at most %zu are allowed",
                         plain.size, VM_SECRET_SIZE_MAX);
    struct vm_secret *secret = append_secret(vm, name, err);
    if (secret == NULL)
        return false;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    sealing_key(&key, transport_key);
    struct buf with;
    associated(&with, vm, name);
    aead_seal(&secret->sealed, secret_slice(&key), buf_slice(&with), plain);
    buf_done(&with);
    return true;
}

bool vm_secret_open(struct secret *out, const struct vm *vm, const char *name,
                    struct slice transport_key, struct error *err)
{
    const struct vm_secret *secret = vm_secret_find(vm, name);
    if (secret == NULL)
        return error_set(err, &vm_secret_unknown, NULL, name, "there is no such secret");
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    sealing_key(&key, transport_key);
    struct buf with;
    associated(&with, vm, name);
    bool good =
        aead_open(out, secret_slice(&key), buf_slice(&with), buf_slice(&secret->sealed), NULL);
    buf_done(&with);
    return good || error_set(err, &vm_secret_sealed, NULL, name,
                             "does not open beside this protector with this key");
}

bool vm_secret_remove(struct vm *vm, const char *name, struct error *err)
{
    const struct vm_secret *found = vm_secret_find(vm, name);
    if (found == NULL)
        return error_set(err, &vm_secret_unknown, NULL, name, "there is no such secret");
    size_t index = (size_t)(found - vm->secrets);
    buf_done(&vm->secrets[index].sealed);
    memmove(&vm->secrets[index], &vm->secrets[index + 1],
            (vm->count - index - 1) * sizeof vm->secrets[0]);
    vm->count--;
    return true;
}

bool vm_reseal(struct vm *out, const struct vm *vm, struct slice from, struct slice document,
               struct slice to, struct error *err)
{
    struct vm built = {.id = vm->id};
    bool good = set_protector(&built, document, err);
    for (size_t i = 0; good && i < vm->count; i++) {
        const char *name = vm->secrets[i].name;
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        good = vm_secret_open(&plain, vm, name, from, err) &&
               vm_secret_add(&built, name, secret_slice(&plain), to, err);
    }
    return give(out, &built, good);
}
