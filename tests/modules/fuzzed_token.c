/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module that answers as a fuzzer wants. Each call takes some bytes of what
 * fuzzed_token_feed() gave; a zero, or nothing left, is an honest answer of a token with one RSA
 * key that signs and decrypts wrongly. It writes only into what it was given room for: a module
 * that does otherwise has broken its process, and nobody can help that.
 */
#include <p11-kit/pkcs11.h>
#include <string.h>

static const CK_BYTE modulus[] = {
    0xb7, 0xab, 0x45, 0x24, 0xbf, 0x94, 0x53, 0x3d, 0x6a, 0x71, 0xbb, 0x12, 0x25, 0x5b, 0xd6, 0x7e,
    0x14, 0xbc, 0x8e, 0x8d, 0x69, 0xe9, 0xb4, 0xed, 0xbe, 0x25, 0x3c, 0xdc, 0x23, 0xcd, 0x10, 0xf7,
    0x2b, 0x03, 0x6f, 0x26, 0x80, 0x0f, 0x8b, 0x00, 0x43, 0x67, 0xc5, 0xee, 0xcc, 0x43, 0x68, 0x45,
    0x17, 0x85, 0x93, 0x09, 0xd7, 0xcd, 0xe3, 0x6b, 0x39, 0x92, 0x99, 0xf0, 0x22, 0x0a, 0x33, 0x32,
    0xb9, 0x0d, 0x26, 0x1e, 0x8e, 0x2f, 0xa8, 0x2a, 0xfd, 0x1e, 0xf5, 0x66, 0x20, 0xc6, 0x7e, 0x94,
    0x8c, 0x3d, 0xbb, 0x5c, 0xef, 0x90, 0x78, 0xa7, 0xe6, 0xff, 0xa5, 0x64, 0xd4, 0xd1, 0x33, 0x6d,
    0x00, 0xa4, 0xe6, 0xc8, 0xfa, 0x58, 0x3a, 0xc0, 0x74, 0x20, 0x23, 0x80, 0xab, 0x00, 0xe3, 0x2d,
    0xf9, 0x8f, 0x56, 0xb3, 0xea, 0x01, 0xf7, 0x48, 0x8f, 0x61, 0xab, 0xe8, 0x5a, 0x53, 0x96, 0xd9,
    0x5c, 0xa5, 0x63, 0x00, 0x00, 0x5e, 0xb2, 0x00, 0x0b, 0xad, 0x23, 0xc5, 0xaf, 0x0f, 0x8c, 0x51,
    0xb7, 0x0a, 0x4a, 0x68, 0x50, 0x36, 0x76, 0x22, 0x02, 0xa5, 0x29, 0xe2, 0x44, 0x16, 0xbd, 0xf0,
    0x0c, 0xf9, 0xce, 0xdf, 0x6e, 0xa1, 0xee, 0xa5, 0x71, 0xd1, 0x80, 0x2a, 0x5f, 0x46, 0x04, 0xda,
    0xca, 0x2f, 0x3f, 0x60, 0x20, 0xa1, 0xb0, 0xa2, 0xcf, 0x97, 0x95, 0xfa, 0xa3, 0x8c, 0x54, 0x04,
    0x8e, 0x1a, 0xf6, 0x65, 0xef, 0x50, 0xf6, 0xe9, 0x04, 0x56, 0x42, 0xf4, 0x52, 0x6e, 0x79, 0x50,
    0x65, 0x12, 0x5f, 0x57, 0x54, 0x9b, 0x4b, 0x59, 0x1b, 0x7c, 0x8d, 0xcd, 0xa0, 0x7b, 0x47, 0x57,
    0xf4, 0x7f, 0x08, 0x5b, 0x5c, 0xaa, 0xfc, 0x64, 0xf6, 0x19, 0x5c, 0x47, 0x69, 0x0e, 0xa3, 0x7d,
    0x61, 0x2a, 0x90, 0xd5, 0x06, 0x89, 0xd8, 0x8d, 0xe5, 0x34, 0xf5, 0x45, 0x23, 0xff, 0xbf, 0x01,
};
static const CK_BYTE exponent[] = {1, 0, 1};

static const CK_BYTE *rest;
static size_t rest_size;

__attribute__((visibility("default"))) void fuzzed_token_feed(const void *data, size_t size);
void fuzzed_token_feed(const void *data, size_t size)
{
    rest = data;
    rest_size = size;
}

static CK_BYTE next(void)
{
    if (rest_size == 0)
        return 0;
    rest_size--;
    return *rest++;
}

static CK_RV result(void)
{
    static const CK_RV results[] = {
        CKR_OK,
        CKR_GENERAL_ERROR,
        CKR_DEVICE_ERROR,
        CKR_DEVICE_REMOVED,
        CKR_SESSION_HANDLE_INVALID,
        CKR_TOKEN_NOT_PRESENT,
        CKR_USER_NOT_LOGGED_IN,
        CKR_CRYPTOKI_NOT_INITIALIZED,
        CKR_BUFFER_TOO_SMALL,
        CKR_MECHANISM_INVALID,
        CKR_ARGUMENTS_BAD,
        CKR_KEY_FUNCTION_NOT_PERMITTED,
        CKR_PIN_INCORRECT,
        CKR_PIN_LOCKED,
        CKR_SESSION_COUNT,
        CKR_ATTRIBUTE_TYPE_INVALID,
        CKR_ENCRYPTED_DATA_INVALID,
        CKR_OPERATION_ACTIVE,
    };
    CK_BYTE choice = next();
    return choice < sizeof results / sizeof results[0] ? results[choice] : CKR_OK;
}

/* A length that is right, or any other. */
static CK_ULONG length(CK_ULONG right)
{
    switch (next()) {
    case 1:
        return (CK_ULONG)-1;
    case 2:
        return (CK_ULONG)1 << 60;
    case 3:
        return right + 1;
    case 4:
        return 0;
    case 5:
        return next();
    default:
        return right;
    }
}

/* Some of the fuzzer's bytes over what stands there. */
static void spoil(void *bytes, size_t size)
{
    CK_BYTE count = next();
    for (CK_BYTE i = 0; i < count && size > 0; i++)
        ((CK_BYTE *)bytes)[next() % size] = next();
}

static CK_RV initialize(void *arguments)
{
    (void)arguments;
    return result();
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    return CKR_OK;
}

static CK_RV get_info(CK_INFO *info)
{
    memset(info, ' ', sizeof *info);
    spoil(info, sizeof *info);
    return result();
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    (void)present;
    if (slots != NULL && *count > 0)
        slots[0] = next();
    *count = length(1);
    return result();
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    (void)slot;
    memset(info, ' ', sizeof *info);
    spoil(info, sizeof *info);
    return result();
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    (void)slot;
    memset(info, 0, sizeof *info);
    memset(info->label, ' ', sizeof info->label);
    memcpy(info->label, "fuzz", 4);
    info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED;
    spoil(info, sizeof *info);
    return result();
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    (void)slot;
    (void)flags;
    (void)application;
    (void)notify;
    *session = next();
    return result();
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV close_all_sessions(CK_SLOT_ID slot)
{
    (void)slot;
    return CKR_OK;
}

static CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    (void)session;
    *info = (CK_SESSION_INFO){.state = CKS_RO_USER_FUNCTIONS};
    spoil(info, sizeof *info);
    return result();
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
    (void)session;
    (void)user;
    (void)pin;
    (void)size;
    return result();
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    (void)session;
    (void)object;
    return CKR_OK;
}

static void answer(CK_ATTRIBUTE *attribute, const void *value, CK_ULONG size)
{
    if (attribute->pValue != NULL && attribute->ulValueLen >= size)
        memcpy(attribute->pValue, value, size);
    if (attribute->pValue != NULL)
        spoil(attribute->pValue, attribute->ulValueLen);
    attribute->ulValueLen = length(size);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static const CK_KEY_TYPE rsa = CKK_RSA;
    (void)session;
    (void)object;
    for (CK_ULONG i = 0; i < count; i++) {
        if (attributes[i].type == CKA_MODULUS)
            answer(&attributes[i], modulus, sizeof modulus);
        else if (attributes[i].type == CKA_PUBLIC_EXPONENT)
            answer(&attributes[i], exponent, sizeof exponent);
        else if (attributes[i].type == CKA_KEY_TYPE)
            answer(&attributes[i], &rsa, sizeof rsa);
        else if (attributes[i].type == CKA_ALWAYS_AUTHENTICATE)
            answer(&attributes[i], &no, sizeof no);
        else
            answer(&attributes[i], &yes, sizeof yes);
    }
    return result();
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    (void)session;
    (void)template;
    (void)count;
    return result();
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most,
                          CK_ULONG *count)
{
    (void)session;
    if (most > 0)
        objects[0] = next();
    *count = length(1);
    return result();
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV operation_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                            CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)mechanism;
    (void)key;
    return result();
}

static CK_RV operation(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *out,
                       CK_ULONG *out_size)
{
    (void)session;
    (void)data;
    (void)size;
    memset(out, 0, *out_size);
    spoil(out, *out_size);
    *out_size = length(*out_size);
    return result();
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                               CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                               CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    (void)session;
    (void)mechanism;
    (void)public_template;
    (void)public_count;
    (void)private_template;
    (void)private_count;
    *public_key = next();
    *private_key = next();
    return result();
}

static CK_FUNCTION_LIST list = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetInfo = get_info,
    .C_GetSlotList = get_slot_list,
    .C_GetSlotInfo = get_slot_info,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_CloseAllSessions = close_all_sessions,
    .C_GetSessionInfo = get_session_info,
    .C_Login = login,
    .C_DestroyObject = destroy_object,
    .C_GetAttributeValue = get_attribute_value,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_SignInit = operation_init,
    .C_Sign = operation,
    .C_DecryptInit = operation_init,
    .C_Decrypt = operation,
    .C_GenerateKeyPair = generate_key_pair,
};

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    *out = &list;
    return CKR_OK;
}
