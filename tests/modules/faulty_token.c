/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module for tests and benchmarks that hands every call on to a real one, and on the way
 * is slow, hangs, fails, crashes or lies as it is told.
 *
 * HGS_FAULTY_MODULE   the real module (default: SoftHSM's)
 * HGS_FAULTY_RULES    rules that hold from the start
 * HGS_FAULTY_CONTROL  a file of rules that is looked at before each call; as soon as it is there
 *                     its rules replace the others. Write it beside and rename it.
 *
 * Rules are separated by semicolons or newlines: FUNCTION ACTION [ARGUMENT] [once]
 *
 *   C_Sign delay 10      10 ms later
 *
 *   C_Sign hang          does not return as long as this rule stands
 *
 *   C_Sign fail 0x30     returns this CKR_ instead
 *
 *   C_Sign crash         SIGSEGV
 *
 *   C_Sign lie           a bit of the answer is wrong (signatures, plaintexts, attributes); slots
 *                        and objects are not found; the token's model is no text
 *
 *   C_Sign long          says that the answer is 2^60 bytes (slots, objects) long
 *
 *   C_GetTokenInfo set 0x40000    sets flags of the answer; clear takes some away
 *
 * A test that loads it into its own process may also call faulty_rules(), faulty_calls() and
 * faulty_hanging() (dlsym).
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define RULES_MAX 32
#define RULES_SIZE 4096
#define LONG ((CK_ULONG)1 << 60)

enum function {
    INITIALIZE,
    FINALIZE,
    GET_SLOT_LIST,
    GET_TOKEN_INFO,
    OPEN_SESSION,
    CLOSE_SESSION,
    GET_SESSION_INFO,
    LOGIN,
    FIND_OBJECTS_INIT,
    FIND_OBJECTS,
    GET_ATTRIBUTE_VALUE,
    SIGN_INIT,
    SIGN,
    DECRYPT_INIT,
    DECRYPT,
    GENERATE_KEY_PAIR,
    DESTROY_OBJECT,
    FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {
    [INITIALIZE] = "C_Initialize",
    [FINALIZE] = "C_Finalize",
    [GET_SLOT_LIST] = "C_GetSlotList",
    [GET_TOKEN_INFO] = "C_GetTokenInfo",
    [OPEN_SESSION] = "C_OpenSession",
    [CLOSE_SESSION] = "C_CloseSession",
    [GET_SESSION_INFO] = "C_GetSessionInfo",
    [LOGIN] = "C_Login",
    [FIND_OBJECTS_INIT] = "C_FindObjectsInit",
    [FIND_OBJECTS] = "C_FindObjects",
    [GET_ATTRIBUTE_VALUE] = "C_GetAttributeValue",
    [SIGN_INIT] = "C_SignInit",
    [SIGN] = "C_Sign",
    [DECRYPT_INIT] = "C_DecryptInit",
    [DECRYPT] = "C_Decrypt",
    [GENERATE_KEY_PAIR] = "C_GenerateKeyPair",
    [DESTROY_OBJECT] = "C_DestroyObject",
};

enum action { DELAY, HANG, FAIL, CRASH, LIE, LONG_ANSWER, SET, CLEAR, ACTIONS };
static const char *const actions[ACTIONS] = {"delay", "hang", "fail", "crash",
                                             "lie",   "long", "set",  "clear"};

struct rule {
    enum function function;
    enum action action;
    unsigned long argument;
    bool once, spent;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* everything below */
static struct rule rules[RULES_MAX];
static size_t rule_count;
static unsigned long calls[FUNCTIONS];
static unsigned hanging;
static char control_text[RULES_SIZE]; /* what the control file held when it was read last */

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST ours;

static int index_of(const char *const *list, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return i;
    return -1;
}

/* A rule that cannot be read ends the process: a test must not pass because of a slip in it. */
static void add_rule(char *text)
{
    char function[32] = "", action[32] = "", rest[2][32] = {"", ""};
    int words = sscanf(text, "%31s %31s %31s %31s", function, action, rest[0], rest[1]);
    if (words < 1 || function[0] == '#')
        return;
    int f = index_of(names, FUNCTIONS, function), a = index_of(actions, ACTIONS, action);
    if (f < 0 || a < 0 || rule_count == RULES_MAX) {
        fprintf(stderr, "faulty_token: cannot read the rule “%s”\n", text);
        abort();
    }
    bool once = strcmp(rest[0], "once") == 0 || strcmp(rest[1], "once") == 0;
    rules[rule_count++] =
        (struct rule){(enum function)f, (enum action)a, strtoul(rest[0], NULL, 0), once, false};
}

static void set_rules(const char *text)
{
    char copy[RULES_SIZE], *state = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    rule_count = 0;
    for (char *rule = strtok_r(copy, ";\n", &state); rule != NULL;
         rule = strtok_r(NULL, ";\n", &state))
        add_rule(rule);
}

__attribute__((visibility("default"))) void faulty_rules(const char *text);
void faulty_rules(const char *text)
{
    pthread_mutex_lock(&lock);
    set_rules(text);
    pthread_mutex_unlock(&lock);
}

/* How often a function was called since the program began. */
__attribute__((visibility("default"))) unsigned long faulty_calls(const char *function);
unsigned long faulty_calls(const char *function)
{
    int f = index_of(names, FUNCTIONS, function);
    if (f < 0)
        abort();
    pthread_mutex_lock(&lock);
    unsigned long count = calls[f];
    pthread_mutex_unlock(&lock);
    return count;
}

/* How many threads hang in a call now. */
__attribute__((visibility("default"))) unsigned faulty_hanging(void);
unsigned faulty_hanging(void)
{
    pthread_mutex_lock(&lock);
    unsigned count = hanging;
    pthread_mutex_unlock(&lock);
    return count;
}

/* Under the lock. */
static void look_at_control(void)
{
    const char *path = getenv("HGS_FAULTY_CONTROL");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return;
    char text[RULES_SIZE];
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (strcmp(text, control_text) == 0)
        return;
    strcpy(control_text, text);
    set_rules(text);
}

/* Whether a rule for it stands, which is spent by this if it holds only once. */
static bool told(enum function function, enum action action, unsigned long *argument)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    look_at_control();
    for (size_t i = 0; i < rule_count && !found; i++) {
        struct rule *rule = &rules[i];
        if (rule->function != function || rule->action != action || rule->spent)
            continue;
        found = true;
        rule->spent = rule->once;
        if (argument != NULL)
            *argument = rule->argument;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void sleep_ms(unsigned long milliseconds)
{
    struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0)
        ;
}

static void count(unsigned *counter, int change)
{
    pthread_mutex_lock(&lock);
    *counter += (unsigned)change;
    pthread_mutex_unlock(&lock);
}

/* What happens before a call is handed on. False: it is not, and returns *result. */
static bool enter(enum function function, CK_RV *result)
{
    unsigned long argument = 0;
    pthread_mutex_lock(&lock);
    calls[function]++;
    pthread_mutex_unlock(&lock);
    if (told(function, DELAY, &argument))
        sleep_ms(argument);
    if (told(function, HANG, NULL)) {
        count(&hanging, 1);
        while (told(function, HANG, NULL))
            sleep_ms(1);
        count(&hanging, -1);
    }
    if (told(function, CRASH, NULL)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (!told(function, FAIL, &argument))
        return true;
    *result = argument;
    return false;
}

/* The answer of a call that gives bytes. */
static void spoil(enum function function, CK_RV result, CK_BYTE *bytes, CK_ULONG *size)
{
    if (result != CKR_OK || size == NULL)
        return;
    if (bytes != NULL && *size > 0 && told(function, LIE, NULL))
        bytes[*size / 2] ^= 1;
    if (told(function, LONG_ANSWER, NULL))
        *size = LONG;
}

static void change_flags(enum function function, CK_FLAGS *flags)
{
    unsigned long argument = 0;
    if (told(function, SET, &argument))
        *flags |= argument;
    if (told(function, CLEAR, &argument))
        *flags &= ~argument;
}

static CK_RV initialize(void *arguments)
{
    CK_RV result;
    return enter(INITIALIZE, &result) ? real->C_Initialize(arguments) : result;
}

static CK_RV finalize(void *reserved)
{
    CK_RV result;
    return enter(FINALIZE, &result) ? real->C_Finalize(reserved) : result;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *size)
{
    CK_RV result;
    if (!enter(GET_SLOT_LIST, &result))
        return result;
    result = real->C_GetSlotList(present, slots, size);
    if (result == CKR_OK && told(GET_SLOT_LIST, LIE, NULL))
        *size = 0;
    spoil(GET_SLOT_LIST, result, NULL, size);
    return result;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV result;
    if (!enter(GET_TOKEN_INFO, &result))
        return result;
    result = real->C_GetTokenInfo(slot, info);
    if (result != CKR_OK)
        return result;
    change_flags(GET_TOKEN_INFO, &info->flags);
    /* Texts without the padding that the standard wants, and with what spoils a terminal. */
    if (told(GET_TOKEN_INFO, LIE, NULL))
        memset(info->model, '\x1b', sizeof info->model);
    return result;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    CK_RV result;
    return enter(OPEN_SESSION, &result)
               ? real->C_OpenSession(slot, flags, application, notify, session)
               : result;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    CK_RV result;
    return enter(CLOSE_SESSION, &result) ? real->C_CloseSession(session) : result;
}

static CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    CK_RV result;
    if (!enter(GET_SESSION_INFO, &result))
        return result;
    result = real->C_GetSessionInfo(session, info);
    if (result == CKR_OK)
        change_flags(GET_SESSION_INFO, &info->flags);
    return result;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
    CK_RV result;
    return enter(LOGIN, &result) ? real->C_Login(session, user, pin, size) : result;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG size)
{
    CK_RV result;
    return enter(FIND_OBJECTS_INIT, &result) ? real->C_FindObjectsInit(session, template, size)
                                             : result;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most,
                          CK_ULONG *size)
{
    CK_RV result;
    if (!enter(FIND_OBJECTS, &result))
        return result;
    result = real->C_FindObjects(session, objects, most, size);
    if (result == CKR_OK && told(FIND_OBJECTS, LIE, NULL))
        *size = 0;
    spoil(FIND_OBJECTS, result, NULL, size);
    return result;
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE *template, CK_ULONG size)
{
    CK_RV result;
    if (!enter(GET_ATTRIBUTE_VALUE, &result))
        return result;
    result = real->C_GetAttributeValue(session, object, template, size);
    for (CK_ULONG i = 0; i < size; i++)
        spoil(GET_ATTRIBUTE_VALUE, result, template[i].pValue, &template[i].ulValueLen);
    return result;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV result;
    return enter(SIGN_INIT, &result) ? real->C_SignInit(session, mechanism, key) : result;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature,
                  CK_ULONG *signature_size)
{
    CK_RV result;
    if (!enter(SIGN, &result))
        return result;
    result = real->C_Sign(session, data, size, signature, signature_size);
    spoil(SIGN, result, signature, signature_size);
    return result;
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV result;
    return enter(DECRYPT_INIT, &result) ? real->C_DecryptInit(session, mechanism, key) : result;
}

static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *plain,
                     CK_ULONG *plain_size)
{
    CK_RV result;
    if (!enter(DECRYPT, &result))
        return result;
    result = real->C_Decrypt(session, data, size, plain, plain_size);
    spoil(DECRYPT, result, plain, plain_size);
    return result;
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public_template, CK_ULONG public_size,
                               CK_ATTRIBUTE *private_template, CK_ULONG private_size,
                               CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_RV result;
    return enter(GENERATE_KEY_PAIR, &result)
               ? real->C_GenerateKeyPair(session, mechanism, public_template, public_size,
                                         private_template, private_size, public_key, private_key)
               : result;
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_RV result;
    return enter(DESTROY_OBJECT, &result) ? real->C_DestroyObject(session, object) : result;
}

static void wrap(void)
{
    ours = *real;
    ours.C_Initialize = initialize;
    ours.C_Finalize = finalize;
    ours.C_GetSlotList = get_slot_list;
    ours.C_GetTokenInfo = get_token_info;
    ours.C_OpenSession = open_session;
    ours.C_CloseSession = close_session;
    ours.C_GetSessionInfo = get_session_info;
    ours.C_Login = login;
    ours.C_FindObjectsInit = find_objects_init;
    ours.C_FindObjects = find_objects;
    ours.C_GetAttributeValue = get_attribute_value;
    ours.C_SignInit = sign_init;
    ours.C_Sign = sign;
    ours.C_DecryptInit = decrypt_init;
    ours.C_Decrypt = decrypt;
    ours.C_GenerateKeyPair = generate_key_pair;
    ours.C_DestroyObject = destroy_object;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (real == NULL) {
        const char *path = getenv("HGS_FAULTY_MODULE");
        void *module = dlopen(path != NULL ? path : SOFTHSM, RTLD_NOW | RTLD_LOCAL);
        CK_C_GetFunctionList get = NULL;
        if (module != NULL)
            *(void **)&get = dlsym(module, "C_GetFunctionList");
        if (get == NULL || get(&real) != CKR_OK)
            return CKR_GENERAL_ERROR;
        wrap();
        if (getenv("HGS_FAULTY_RULES") != NULL)
            faulty_rules(getenv("HGS_FAULTY_RULES"));
    }
    *list = &ours;
    return CKR_OK;
}
