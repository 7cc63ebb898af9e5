/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A VM file: a key protector, and secrets (a disk's passphrase, say) sealed under its transport
 * key.
 *
 * As bytes it is a JSON document that can be read at three in the morning:
 *
 *   {"version": 1, "id": "<GUID>", "protector": "<base64 of the document>",
 *    "secrets": [{"name": "disk", "sealed": "<base64>"}, …]}
 *
 * A secret is sealed with AES-256-GCM under ConcatKDF(transport key, "HGS-VM-1 secret"), as nonce ‖
 * ciphertext ‖ tag. What is authenticated with it: "HGS-VM-1" ‖ the id's 16 bytes ‖ the SHA-256 of
 * the protector ‖ the name. So a sealed secret opens under its own name, in its own file, beside
 * the protector that it was sealed with, and nowhere else. When the transport key is rolled
 * everything is sealed anew (vm_reseal): the former key opens nothing in the new file.
 */

#include "base/guid.h"
#include "base/secret.h"
#include "protector/protector.h"

#define VM_SECRETS_MAX 64
#define VM_SECRET_SIZE_MAX ((size_t)64 * 1024)
#define VM_NAME_SIZE 129 /* with the NUL */
/* The protector and all secrets, as base64, and what stands around them. */
#define VM_SIZE_MAX ((size_t)8 * 1024 * 1024)

struct vm_secret {
    char name[VM_NAME_SIZE];
    struct buf sealed;
};

struct vm {
    struct guid id;              /* random; kept for the file's life */
    struct buf document;         /* the protector's bytes */
    struct protector *protector; /* the same, parsed */
    struct vm_secret *secrets;
    size_t count;
};

/* All zero is an empty one: `_cleanup_vm_ struct vm vm = {0};` */
void vm_done(struct vm *vm);
#define _cleanup_vm_ __attribute__((cleanup(vm_done)))

/* A file with a fresh id around a protector, without secrets. protector.* errors. */
bool vm_create(struct vm *out, struct slice document, struct error *err);
/* vm.malformed, vm.newer, vm.limit, protector.*: parsed, not verified. *out must be empty. */
bool vm_parse(struct vm *out, struct slice text, struct error *err);
void vm_format(struct buf *out, const struct vm *vm);

/* NULL when there is none of this name. */
const struct vm_secret *vm_secret_find(const struct vm *vm, const char *name);
/* Seals one more secret. vm.secret-exists, vm.limit. */
bool vm_secret_add(struct vm *vm, const char *name, struct slice plain, struct slice transport_key,
                   struct error *err);
/* vm.secret-unknown, vm.secret-sealed. */
bool vm_secret_open(struct secret *out, const struct vm *vm, const char *name,
                    struct slice transport_key, struct error *err);
/* vm.secret-unknown. Needs no key. */
bool vm_secret_remove(struct vm *vm, const char *name, struct error *err);

/*
 * The same file around another protector: every secret is opened with key from and sealed anew with
 * key to (which may be the same key, when only guardians changed). vm.secret-sealed when one does
 * not open: then nothing is given.
 */
bool vm_reseal(struct vm *out, const struct vm *vm, struct slice from, struct slice document,
               struct slice to, struct error *err);
