/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something that calls itself a PKCS#11 module. HGS_BROKEN_MODULE says what is wrong with it:
 * "fails", "nothing" (no list of functions), "version" (9.0), "incomplete" (no functions in it).
 */
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST list;

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    const char *wrong = getenv("HGS_BROKEN_MODULE");
    if (wrong == NULL || strcmp(wrong, "fails") == 0)
        return CKR_GENERAL_ERROR;
    list.version.major = strcmp(wrong, "version") == 0 ? 9 : 2;
    *out = strcmp(wrong, "nothing") == 0 ? NULL : &list;
    return CKR_OK;
}
