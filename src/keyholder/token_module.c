/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_module.h"

#include <dlfcn.h>
#include <string.h>

#include "keyholder/errors.h"
#include "keyholder/token_result.h"

/* Every function that this room calls. */
static bool complete(const CK_FUNCTION_LIST *list)
{
    return list->C_Initialize != NULL && list->C_Finalize != NULL && list->C_GetInfo != NULL &&
           list->C_GetSlotList != NULL && list->C_GetSlotInfo != NULL &&
           list->C_GetTokenInfo != NULL && list->C_OpenSession != NULL &&
           list->C_CloseSession != NULL && list->C_CloseAllSessions != NULL &&
           list->C_GetSessionInfo != NULL && list->C_Login != NULL &&
           list->C_DestroyObject != NULL && list->C_GetAttributeValue != NULL &&
           list->C_FindObjectsInit != NULL && list->C_FindObjects != NULL &&
           list->C_FindObjectsFinal != NULL && list->C_SignInit != NULL && list->C_Sign != NULL &&
           list->C_DecryptInit != NULL && list->C_Decrypt != NULL &&
           list->C_GenerateKeyPair != NULL;
}

static bool load(CK_FUNCTION_LIST **out, const char *path, struct error *err)
{
    if (path == NULL || path[0] != '/')
        return error_set(err, &token_module, NULL, path, "the path must begin with /");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return error_set(err, &token_module, NULL, path, "%s", dlerror());
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL)
        return error_set(err, &token_module, "PKCS#11 5.4", path,
                         "it has no C_GetFunctionList, so it is no PKCS#11 module");
    CK_FUNCTION_LIST *list = NULL;
    char name[TOKEN_RESULT_NAME_SIZE];
    CK_RV result = get(&list);
    if (result != CKR_OK || list == NULL)
        return error_set(err, &token_module, "PKCS#11 5.4", path, "C_GetFunctionList answered %s",
                         token_result_name(result, name));
    if (list->version.major < 2 || list->version.major > 3 || !complete(list))
        return error_set(err, &token_module, "PKCS#11 5.4", path,
                         "it is of version %u.%u, or lacks functions", list->version.major,
                         list->version.minor);
    *out = list;
    return true;
}

static CK_RV initialize(CK_FUNCTION_LIST *module, bool threads)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV result = module->C_Initialize(&arguments);
    /* A module that knows no locks does for one thread. */
    if (!threads && (result == CKR_CANT_LOCK || result == CKR_ARGUMENTS_BAD))
        result = module->C_Initialize(NULL);
    return result;
}

bool token_module_open(struct token_module *out, const char *path, bool threads, struct error *err)
{
    CK_FUNCTION_LIST *module;
    if (!load(&module, path, err))
        return false;
    CK_RV result = initialize(module, threads);
    if (result == CKR_CANT_LOCK)
        return error_set(err, &token_module, "PKCS#11 5.4", path,
                         "it cannot be used by several threads; configure one session for it");
    /* Some want to speak to their HSM at once, which may be away. */
    if (result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return token_result_refuse(err, result, "C_Initialize", path);
    *out = (struct token_module){module, path, threads, result == CKR_OK};
    return true;
}

void token_module_close(struct token_module *module)
{
    if (module->owned)
        module->call->C_Finalize(NULL);
    module->owned = false;
}

bool token_module_restart(struct token_module *module, struct error *err)
{
    if (!module->owned)
        return error_set(err, &token_lost, NULL, module->path,
                         "the module must be initialised again by whoever did it first");
    module->call->C_Finalize(NULL);
    CK_RV result = initialize(module->call, module->threads);
    return result == CKR_OK || token_result_refuse(err, result, "C_Initialize", module->path);
}
