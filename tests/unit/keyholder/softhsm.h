/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tokens for tests: SoftHSM behind the module that fails as it is told (tests/modules), with a
 * folder and a configuration of each test's own. Making keys is slow, so a group makes its tokens
 * once, and every test gets a copy of that folder.
 */

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../folder.h"
#include "base/memory.h"
#include "keyholder/token.h"

#define SOFTHSM_PIN "1234"
#define SOFTHSM_OFFICER_PIN "abcd"

static CK_FUNCTION_LIST *softhsm;              /* of the faulty module */
static void (*faulty_rules)(const char *text); /* see tests/modules/faulty_token.c */
static unsigned long (*faulty_calls)(const char *function);
static unsigned (*faulty_hanging)(void);

static char softhsm_template[FOLDER_SIZE], softhsm_folder[FOLDER_SIZE];

static inline const char *softhsm_module(void)
{
    const char *path = getenv("HGS_FAULTY_TOKEN");
    assert_non_null(path);
    return path;
}

static inline void softhsm_load(void)
{
    void *library = dlopen(softhsm_module(), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_msg("%s", dlerror());
    CK_C_GetFunctionList get;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    *(void **)&faulty_rules = dlsym(library, "faulty_rules");
    *(void **)&faulty_calls = dlsym(library, "faulty_calls");
    *(void **)&faulty_hanging = dlsym(library, "faulty_hanging");
    assert_int_equal(get(&softhsm), CKR_OK);
}

static inline void softhsm_run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* SoftHSM keeps its tokens in folder/tokens from its next C_Initialize on. */
static inline void softhsm_use(const char *folder)
{
    _cleanup_free_ char *path = memory_format("%s/softhsm2.conf", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
            folder);
    fclose(file);
    setenv("SOFTHSM2_CONF", path, 1);
}

/* A new token, in the slot that SoftHSM keeps free for it. The module is initialised again. */
static inline void softhsm_make_token(const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_UTF8CHAR padded[32];
    memset(padded, ' ', sizeof padded);
    memcpy(padded, label, strlen(label));
    assert_int_equal(softhsm->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    count = 16;
    assert_int_equal(softhsm->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    CK_SLOT_ID slot = slots[count - 1];
    assert_int_equal(softhsm->C_InitToken(slot, (CK_UTF8CHAR *)SOFTHSM_OFFICER_PIN, 4, padded),
                     CKR_OK);
    CK_SESSION_HANDLE session;
    CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    assert_int_equal(softhsm->C_OpenSession(slot, flags, NULL, NULL, &session), CKR_OK);
    assert_int_equal(softhsm->C_Login(session, CKU_SO, (CK_UTF8CHAR *)SOFTHSM_OFFICER_PIN, 4),
                     CKR_OK);
    assert_int_equal(softhsm->C_InitPIN(session, (CK_UTF8CHAR *)SOFTHSM_PIN, 4), CKR_OK);
    assert_int_equal(softhsm->C_CloseSession(session), CKR_OK);
    softhsm->C_Finalize(NULL);
    assert_int_equal(softhsm->C_Initialize(NULL), CKR_OK);
}

/* A session of the user with the token of that label; the module is initialised. */
static inline CK_SESSION_HANDLE softhsm_login(const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    assert_int_equal(softhsm->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        assert_int_equal(softhsm->C_GetTokenInfo(slots[i], &info), CKR_OK);
        if (memcmp(info.label, label, strlen(label)) != 0)
            continue;
        CK_SESSION_HANDLE session;
        CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        assert_int_equal(softhsm->C_OpenSession(slots[i], flags, NULL, NULL, &session), CKR_OK);
        assert_int_equal(softhsm->C_Login(session, CKU_USER, (CK_UTF8CHAR *)SOFTHSM_PIN, 4),
                         CKR_OK);
        return session;
    }
    fail_msg("no token %s", label);
    return 0;
}

struct softhsm_key {
    const char *label;
    CK_BYTE id;
    CK_ULONG bits;
    bool sign, decrypt, confirm;
};

static inline void softhsm_generate(CK_SESSION_HANDLE session, struct softhsm_key key)
{
    CK_BBOOL yes = CK_TRUE, sign = key.sign, decrypt = key.decrypt, confirm = key.confirm;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_ATTRIBUTE public_key[] = {
        {CKA_TOKEN, &yes, 1},
        {CKA_LABEL, (void *)key.label, strlen(key.label)},
        {CKA_ID, &key.id, 1},
        {CKA_MODULUS_BITS, &key.bits, sizeof key.bits},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
    };
    CK_ATTRIBUTE private_key[] = {
        {CKA_TOKEN, &yes, 1},
        {CKA_PRIVATE, &yes, 1},
        {CKA_LABEL, (void *)key.label, strlen(key.label)},
        {CKA_ID, &key.id, 1},
        {CKA_SIGN, &sign, 1},
        {CKA_DECRYPT, &decrypt, 1},
        {CKA_ALWAYS_AUTHENTICATE, &confirm, 1},
    };
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE handles[2];
    assert_int_equal(softhsm->C_GenerateKeyPair(session, &mechanism, public_key, 5, private_key, 7,
                                                &handles[0], &handles[1]),
                     CKR_OK);
}

/* For a group: tokens made by fill(), in an initialised module. */
static inline void softhsm_make_template(void (*fill)(void))
{
    softhsm_load();
    folder_make(softhsm_template);
    _cleanup_free_ char *command = memory_format("mkdir %s/tokens", softhsm_template);
    softhsm_run(command);
    softhsm_use(softhsm_template);
    assert_int_equal(softhsm->C_Initialize(NULL), CKR_OK);
    fill();
    assert_int_equal(softhsm->C_Finalize(NULL), CKR_OK);
}

/* The tear-down of such a group. */
static inline int softhsm_remove_template(void **state)
{
    (void)state;
    folder_remove(softhsm_template);
    return 0;
}

static inline void softhsm_fill_for_signing(void)
{
    softhsm_make_token("alpha");
    CK_SESSION_HANDLE session = softhsm_login("alpha");
    softhsm_generate(session, (struct softhsm_key){"sign", 1, 2048, .sign = true});
}

/* The set-up of a group with a token "alpha" that has a key "sign". */
static inline int softhsm_make_signing_template(void **state)
{
    (void)state;
    softhsm_make_template(softhsm_fill_for_signing);
    return 0;
}

/* For a test: a copy of the group's tokens. */
static inline void softhsm_set_up(void)
{
    faulty_rules("");
    folder_make(softhsm_folder);
    _cleanup_free_ char *command =
        memory_format("cp -r %s/tokens %s", softhsm_template, softhsm_folder);
    softhsm_run(command);
    softhsm_use(softhsm_folder);
}

static inline void softhsm_tear_down(void)
{
    faulty_rules("");
    softhsm->C_Finalize(NULL); /* had a test failed on its way */
    folder_remove(softhsm_folder);
}

/* Takes all tokens away, and brings them back. */
static inline void softhsm_unplug(void)
{
    _cleanup_free_ char *command = memory_format("mv %s/tokens %s/away && mkdir %s/tokens",
                                                 softhsm_folder, softhsm_folder, softhsm_folder);
    softhsm_run(command);
}
static inline void softhsm_plug(void)
{
    _cleanup_free_ char *command = memory_format("rmdir %s/tokens && mv %s/away %s/tokens",
                                                 softhsm_folder, softhsm_folder, softhsm_folder);
    softhsm_run(command);
}

/* Options for a token of SoftHSM, with the right PIN. */
static inline struct token_options softhsm_options(const char *uri)
{
    static struct secret pin;
    if (pin.data == NULL)
        secret_copy(&pin, slice_from_text(SOFTHSM_PIN));
    return (struct token_options){
        .module = softhsm_module(), .uri = uri, .pin = &pin, .workers = 2};
}
