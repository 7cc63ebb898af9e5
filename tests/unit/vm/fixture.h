/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of vm/ have in common: one owner, protectors of its own, and files around them. */

#include "../testing.h"
#include "protector/guardian.h"
#include "vm/vm.h"

struct fixture {
    struct guardian owner;
    struct buf document;  /* a protector of owner's */
    struct secret key;    /* its transport key */
    struct buf document2; /* another */
    struct secret key2;
};

static inline void fixture_protector(struct buf *document, struct secret *key,
                                     const struct guardian *owner)
{
    const struct guardian *none[1] = {NULL};
    buf_init(document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(document, key, owner, none, 0, err));
}

static inline int fixture_set_up(void **state)
{
    static struct fixture fixture;
    assert_ok(guardian_generate(&fixture.owner, "owner", 1800000000, err));
    fixture_protector(&fixture.document, &fixture.key, &fixture.owner);
    fixture_protector(&fixture.document2, &fixture.key2, &fixture.owner);
    *state = &fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    guardian_done(&fixture->owner);
    buf_done(&fixture->document);
    buf_done(&fixture->document2);
    secret_done(&fixture->key);
    secret_done(&fixture->key2);
    return 0;
}

/* A file around the first protector with one secret of each text. */
static inline void fixture_vm(struct vm *vm, const struct fixture *fixture,
                              const char *const *secrets)
{
    assert_ok(vm_create(vm, buf_slice(&fixture->document), err));
    for (; *secrets != NULL; secrets += 2)
        assert_ok(vm_secret_add(vm, secrets[0], slice_from_text(secrets[1]),
                                secret_slice(&fixture->key), err));
}

static inline void fixture_opens(const struct vm *vm, const struct secret *key, const char *name,
                                 const char *value)
{
    struct secret plain = SECRET_EMPTY;
    assert_ok(vm_secret_open(&plain, vm, name, secret_slice(key), err));
    assert_true(slice_equals_text(secret_slice(&plain), value));
    secret_done(&plain);
}
