/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/policy_store.h"

#include <stdio.h>
#include <strings.h>

#include "admin/errors.h"
#include "policy/errors.h"

#define BUILTIN_PREFIX "Hgs_"

bool policy_store_is_builtin(const char *name)
{
    return strncasecmp(name, BUILTIN_PREFIX, strlen(BUILTIN_PREFIX)) == 0;
}

bool policy_store_load(struct policy *out, struct buf *value, int64_t *revision,
                       const struct admin_request *request, const char *name, struct error *err)
{
    if (store_get(request->services->store, STORE_POLICY, name, value, revision, err))
        return policy_parse(out, buf_slice(value), err);
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_found, NULL, name, "there is no policy of this name");
    return false;
}

bool policy_store_find_builtins(const struct builtin *out[POLICY_STORE_PROFILES],
                                const struct admin_request *request, const char *name,
                                struct error *err)
{
    const char *word;
    enum eventlog_profile only;
    if (!json_get_text_or(&word, request->arguments, "profile", NULL, err))
        return false;
    if (word != NULL && !policy_profile_parse(&only, word))
        return error_set(err, &admin_argument, "hgsctl(8)", word, "a profile is linux or windows");
    for (int profile = 0; profile < POLICY_STORE_PROFILES; profile++) {
        bool chosen = word == NULL || (int)only == profile;
        out[profile] = chosen ? builtin_find((enum eventlog_profile)profile, name) : NULL;
    }
    return out[0] != NULL || out[1] != NULL ||
           error_set(err, &policy_builtin_unknown, NULL, name, "%s has no such policy",
                     word != NULL ? word : "neither profile");
}

bool policy_store_load_builtin(struct policy *out, struct buf *value, int64_t *revision,
                               struct store *store, const struct builtin *builtin,
                               enum eventlog_profile profile, struct error *err)
{
    char key[POLICY_KEY_SIZE];
    *out = (struct policy){.kind = POLICY_BUILTIN, .profile = profile};
    snprintf(out->name, sizeof out->name, "%s", builtin->name);
    *revision = STORE_ABSENT;
    if (store_get(store, STORE_POLICY, policy_key(out, key), value, revision, err))
        return policy_parse(out, buf_slice(value), err);
    return error_kind(err) == ERROR_NOT_FOUND;
}
