/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/vm.h"

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/memory.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "protector/errors.h"
#include "vm/errors.h"

static const char *const two[] = {"disk", "correct horse", "vtpm", "battery", NULL};

static char *text_of(const struct vm *vm)
{
    struct buf out;
    buf_init(&out, VM_SIZE_MAX);
    vm_format(&out, vm);
    assert_ok(buf_ok(&out, "file", err));
    char *text = memory_copy_text(buf_text(&out));
    buf_done(&out);
    return text;
}

static void is_read_back(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0}, again = {0};
    fixture_vm(&vm, fixture, two);
    char *text = text_of(&vm);
    assert_ok(vm_parse(&again, slice_from_text(text), err));
    assert_memory_equal(again.id.bytes, vm.id.bytes, sizeof vm.id.bytes);
    assert_true(slice_equal(buf_slice(&again.document), buf_slice(&fixture->document)));
    assert_int_equal(again.count, 2);
    fixture_opens(&again, &fixture->key, "disk", "correct horse");
    fixture_opens(&again, &fixture->key, "vtpm", "battery");
    char *text_again = text_of(&again);
    assert_string_equal(text, text_again);
    free(text);
    free(text_again);
    vm_done(&vm);
    vm_done(&again);
}

static void holds_any_bytes(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0};
    struct secret plain = SECRET_EMPTY;
    static uint8_t large[VM_SECRET_SIZE_MAX + 1];
    assert_ok(vm_create(&vm, buf_slice(&fixture->document), err));
    large[7] = 200;
    assert_ok(vm_secret_add(&vm, "large", slice_of(large, VM_SECRET_SIZE_MAX),
                            secret_slice(&fixture->key), err));
    assert_ok(vm_secret_add(&vm, "empty", SLICE_EMPTY, secret_slice(&fixture->key), err));
    assert_refused(vm_secret_add(&vm, "larger", slice_of(large, sizeof large),
                                 secret_slice(&fixture->key), err),
                   vm_limit);
    assert_ok(vm_secret_open(&plain, &vm, "large", secret_slice(&fixture->key), err));
    assert_true(slice_equal(secret_slice(&plain), slice_of(large, VM_SECRET_SIZE_MAX)));
    secret_done(&plain);
    assert_ok(vm_secret_open(&plain, &vm, "empty", secret_slice(&fixture->key), err));
    assert_int_equal(plain.size, 0);
    secret_done(&plain);
    vm_done(&vm);
}

static void adds_and_removes(void **state)
{
    const struct fixture *fixture = *state;
    struct slice key = secret_slice(&fixture->key);
    struct vm vm = {0};
    fixture_vm(&vm, fixture, two);
    assert_refused(vm_secret_add(&vm, "disk", key, key, err), vm_secret_exists);
    assert_refused(vm_secret_add(&vm, "no/name", key, key, err), base_name);
    assert_refused(vm_secret_remove(&vm, "none", err), vm_secret_unknown);
    assert_ok(vm_secret_remove(&vm, "disk", err));
    assert_null(vm_secret_find(&vm, "disk"));
    fixture_opens(&vm, &fixture->key, "vtpm", "battery");
    assert_ok(vm_secret_remove(&vm, "vtpm", err));
    assert_int_equal(vm.count, 0);
    for (int i = 0; i < VM_SECRETS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        assert_ok(vm_secret_add(&vm, name, key, key, err));
    }
    assert_refused(vm_secret_add(&vm, "more", key, key, err), vm_limit);
    vm_done(&vm);
}

static void opens_only_what_it_should(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0}, other = {0};
    struct secret plain = SECRET_EMPTY;
    fixture_vm(&vm, fixture, two);
    fixture_vm(&other, fixture, two);
    assert_refused(vm_secret_open(&plain, &vm, "none", secret_slice(&fixture->key), err),
                   vm_secret_unknown);
    /* another key */
    assert_refused(vm_secret_open(&plain, &vm, "disk", secret_slice(&fixture->key2), err),
                   vm_secret_sealed);
    /* another name: the two exchange their sealed bytes */
    struct buf sealed = vm.secrets[0].sealed;
    vm.secrets[0].sealed = vm.secrets[1].sealed;
    vm.secrets[1].sealed = sealed;
    assert_refused(vm_secret_open(&plain, &vm, "disk", secret_slice(&fixture->key), err),
                   vm_secret_sealed);
    /* another file with the same protector */
    sealed = vm.secrets[1].sealed;
    vm.secrets[1].sealed = other.secrets[0].sealed;
    other.secrets[0].sealed = sealed;
    assert_refused(vm_secret_open(&plain, &other, "disk", secret_slice(&fixture->key), err),
                   vm_secret_sealed);
    /* each bit of it */
    for (size_t i = 0; i < other.secrets[1].sealed.size; i++) {
        other.secrets[1].sealed.data[i] ^= 0x10;
        assert_refused(vm_secret_open(&plain, &other, "vtpm", secret_slice(&fixture->key), err),
                       vm_secret_sealed);
        other.secrets[1].sealed.data[i] ^= 0x10;
    }
    fixture_opens(&other, &fixture->key, "vtpm", "battery");
    assert_null(plain.data);
    vm_done(&vm);
    vm_done(&other);
}

static void seals_anew_for_another_key(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0}, built = {0};
    struct secret plain = SECRET_EMPTY;
    fixture_vm(&vm, fixture, two);
    assert_ok(vm_reseal(&built, &vm, secret_slice(&fixture->key), buf_slice(&fixture->document2),
                        secret_slice(&fixture->key2), err));
    assert_memory_equal(built.id.bytes, vm.id.bytes, sizeof vm.id.bytes);
    fixture_opens(&built, &fixture->key2, "disk", "correct horse");
    fixture_opens(&built, &fixture->key2, "vtpm", "battery");
    /* the point of rolling: the former key opens nothing in the new file */
    assert_refused(vm_secret_open(&plain, &built, "disk", secret_slice(&fixture->key), err),
                   vm_secret_sealed);
    /* and a secret taken over from the old file does not open beside the new protector */
    struct buf sealed = built.secrets[0].sealed;
    built.secrets[0].sealed = vm.secrets[0].sealed;
    vm.secrets[0].sealed = sealed;
    assert_refused(vm_secret_open(&plain, &built, "disk", secret_slice(&fixture->key), err),
                   vm_secret_sealed);
    vm_done(&built);
    assert_refused(vm_reseal(&built, &vm, secret_slice(&fixture->key2),
                             buf_slice(&fixture->document2), secret_slice(&fixture->key2), err),
                   vm_secret_sealed);
    assert_null(built.protector);
    vm_done(&vm);
}

/* The first `what` in text replaced; must be there. */
static char *with(const char *text, const char *what, const char *by)
{
    const char *at = strstr(text, what);
    assert_non_null(at);
    return memory_format("%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
}

static void refuses_other_documents(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0}, out = {0};
    fixture_vm(&vm, fixture, two);
    char *good = text_of(&vm);
    const struct {
        const char *what, *by;
        const struct error_code *code;
    } changes[] = {
        {"\"version\": 1", "\"version\": 2", &vm_newer},
        {"\"version\": 1", "\"version\": 0", &vm_malformed},
        {"\"version\": 1", "\"version\": \"1\"", &vm_malformed},
        {"\"version\": 1,", "", &vm_malformed},
        {"\"id\": \"", "\"id\": \"x", &vm_malformed},
        {"\"id\"", "\"ID\"", &vm_malformed},
        {"\"protector\": \"", "\"protector\": \"*", &vm_malformed},
        {"\"protector\": \"PD94", "\"protector\": \"PD95", &protector_malformed},
        {"\"secrets\": [", "\"secrets\": [3,", &vm_malformed},
        {"\"secrets\": [", "\"further\": 1, \"secrets\": [", &vm_malformed},
        {"\"vtpm\"", "\"disk\"", &vm_malformed},
        {"\"vtpm\"", "\"../x\"", &vm_malformed},
        {"\"sealed\": \"", "\"sealed\": \"AAAA\", \"x\": \"", &vm_malformed},
        {"{", "[", &vm_malformed},
        {"\n}\n", "\n}\n{}", &vm_malformed},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = with(good, changes[i].what, changes[i].by);
        struct error err = {0};
        assert_false(vm_parse(&out, slice_from_text(text), &err));
        if (err.code != changes[i].code)
            fail_msg("%zu: %s", i, err.code->name);
        assert_null(out.protector);
        free(text);
    }
    free(good);
    vm_done(&vm);
}

static void refuses_every_truncation(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0}, out = {0};
    fixture_vm(&vm, fixture, two);
    char *good = text_of(&vm);
    size_t size = strlen(good);
    /* all but the final newline, which is only white space */
    for (size_t i = 0; i + 1 < size; i++) {
        struct error err = {0};
        if (vm_parse(&out, slice_of(good, i), &err))
            fail_msg("parsed when cut at %zu of %zu", i, size);
        assert_ptr_equal(err.code, &vm_malformed);
    }
    free(good);
    vm_done(&vm);
}

/* The sealed form by other means: key and associated data as vm.h says, AES-256-GCM by the crypto
 * room, whose own tests compare with other programs. */
static void seals_as_described(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0};
    fixture_vm(&vm, fixture, two);
    struct buf input, with_it;
    struct digest key;
    struct secret plain = SECRET_EMPTY;
    buf_init_secret(&input, 256);
    buf_init(&with_it, 256);
    buf_append_bytes(&input, "\0\0\0\1", 4);
    buf_append(&input, secret_slice(&fixture->key));
    buf_append_text(&input, "HGS-VM-1 secret");
    digest_compute(&key, DIGEST_SHA256, buf_slice(&input));
    buf_append_text(&with_it, "HGS-VM-1");
    buf_append_bytes(&with_it, vm.id.bytes, 16);
    struct digest document;
    digest_compute(&document, DIGEST_SHA256, buf_slice(&vm.document));
    buf_append(&with_it, digest_slice(&document));
    buf_append_text(&with_it, "disk");
    assert_ok(aead_open(&plain, digest_slice(&key), buf_slice(&with_it),
                        buf_slice(&vm_secret_find(&vm, "disk")->sealed), err));
    assert_true(slice_equals_text(secret_slice(&plain), "correct horse"));
    secret_done(&plain);
    buf_done(&input);
    buf_done(&with_it);
    vm_done(&vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_back),
        cmocka_unit_test(holds_any_bytes),
        cmocka_unit_test(adds_and_removes),
        cmocka_unit_test(opens_only_what_it_should),
        cmocka_unit_test(seals_anew_for_another_key),
        cmocka_unit_test(refuses_other_documents),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(seals_as_described),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
