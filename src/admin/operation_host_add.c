/* SPDX-License-Identifier: Apache-2.0 */

/* host.add and host.set: registering a host by its key or by its TPM, and what may be changed
 * afterwards. */

#include <stdlib.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/registering.h"
#include "attestation/host.h"
#include "base/memory.h"
#include "base/plain_name.h"
#include "tpm/pcr.h"

#define HOST_VALUE_MAX (128 * 1024)

/* Two names for one key would make the audit trail ambiguous. */
static bool check_key_is_new(const struct admin_request *request,
                             const struct attestation_host *host, struct error *err)
{
    char other[ATTESTATION_NAME_SIZE];
    if (!attestation_host_find(request->services->attestation, host->mode, host->key_id, other))
        return true;
    if (strcmp(other, host->name) == 0)
        return true; /* the store says that it exists */
    return error_set(err, &admin_exists, NULL, host->name,
                     "its key is registered already, as host %s", other);
}

/* Argument `name`, an array of texts; *count of them, borrowed. Absent: none. */
static bool read_names(const char **out, size_t *count, const struct admin_request *request,
                       const char *name, struct error *err)
{
    const struct json *list;
    *count = 0;
    if (json_get(request->arguments, name) == NULL)
        return true;
    if (!json_get_array(&list, request->arguments, name, err))
        return false;
    for (const struct json *it = json_first(list); it != NULL; it = json_next(it)) {
        if (!json_is_text(it) || *count == ATTESTATION_SETS_MAX)
            return error_set(err, &admin_argument, "hgsctl(8)", name,
                             "it is a list of at most %d names", ATTESTATION_SETS_MAX);
        out[(*count)++] = json_text(it);
    }
    return true;
}

static bool read_registration(struct attestation_registration *out, const char **sets,
                              const struct admin_request *request, struct error *err)
{
    const char *profile, *version, *bank;
    *out = (struct attestation_registration){.sets = sets};
    if (!json_get_text_or(&profile, request->arguments, "profile", "linux", err) ||
        !json_get_text_or(&version, request->arguments, "policy_version", "v2", err) ||
        !json_get_text_or(&bank, request->arguments, "bank", "sha256", err) ||
        !json_get_bool_or(&out->force, request->arguments, "force", false, err) ||
        !json_get_bool_or(&out->staged, request->arguments, "staged", false, err) ||
        !read_names(sets, &out->set_count, request, "sets", err))
        return false;
    if (policy_profile_parse(&out->profile, profile) &&
        policy_version_parse(&out->version, version) && tpm_pcr_bank_parse_name(&out->bank, bank))
        return true;
    return error_set(err, &admin_argument, "hgsctl(8)", request->operation,
                     "the profile is linux or windows, the policy version v1 or v2, the bank "
                     "sha256, sha384 or sha512");
}

static bool make_tpm_host(struct attestation_host *host, const char *name,
                          const struct admin_request *request, struct error *err)
{
    const char *sets[ATTESTATION_SETS_MAX];
    struct attestation_registration registration;
    _cleanup_buf_ struct buf identifier;
    buf_init(&identifier, PLATFORM_IDENTIFIER_SIZE_MAX);
    if (!json_get_bytes(&identifier, request->arguments, "identifier", err) ||
        !buf_ok(&identifier, "identifier", err) ||
        !read_registration(&registration, sets, request, err))
        return false;
    _cleanup_tpm_trust_ struct tpm_trust *trust = attestation_trust(request->services->attestation);
    return attestation_host_init_tpm(host, name, buf_slice(&identifier), &registration, trust,
                                     clock_now(request->services->clock), request->caller->name,
                                     err);
}

static bool make_host(struct attestation_host *host, const char *name,
                      const struct admin_request *request, struct error *err)
{
    _cleanup_buf_ struct buf key;
    buf_init(&key, ATTESTATION_HOST_KEY_MAX);
    if (json_get(request->arguments, "identifier") != NULL)
        return make_tpm_host(host, name, request, err);
    return json_get_bytes(&key, request->arguments, "key", err) &&
           attestation_host_init(host, name, buf_slice(&key), clock_now(request->services->clock),
                                 request->caller->name, err);
}

/* The host's record, value, goes into the store: its map has it when this returns. */
static bool register_host(const struct admin_request *request, const struct attestation_host *host,
                          struct slice value, struct error *err)
{
    const char *name = host->name;
    if (!check_key_is_new(request, host, err))
        return false;
    _cleanup_free_ char *object = memory_format("host %s", name);
    struct store_change put = {
        .kind = STORE_HOST, .key = name, .value = value, .expected = STORE_ABSENT};
    struct admin_change change = {"host.added", object, SLICE_EMPTY, value, &put, 1};
    if (admin_change_commit(request, &change, err))
        return true;
    if (error_kind(err) == ERROR_CONFLICT)
        error_set(err, &admin_exists, NULL, name, "a host of this name is registered already");
    return false;
}

bool operation_host_add(struct admin_request *request, struct json_writer *result,
                        struct error *err)
{
    const char *name;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, HOST_VALUE_MAX);
    if (!admin_request_name(&name, request, err) || !make_host(&host, name, request, err))
        return false;
    attestation_host_format(&value, &host);
    if (!buf_ok(&value, name, err))
        return false;
    registering_begin();
    bool ok = register_host(request, &host, buf_slice(&value), err);
    registering_end();
    if (ok)
        json_write_raw(result, NULL, buf_slice(&value));
    return ok;
}

/* The place of a set among the host's; -1: not in it. */
static int find_set(const struct attestation_tpm_host *host, const char *name)
{
    for (size_t i = 0; i < host->set_count; i++)
        if (strcmp(host->sets[i], name) == 0)
            return (int)i;
    return -1;
}

static bool add_set(struct attestation_tpm_host *host, const char *name, struct error *err)
{
    if (find_set(host, name) >= 0)
        return true;
    if (!plain_name_valid(name, PLAIN_NAME_SIZE) || host->set_count == ATTESTATION_SETS_MAX)
        return error_set(err, &admin_argument, "hgsctl(8)", name,
                         "it is not the name of a set, or the host is in %d sets already",
                         ATTESTATION_SETS_MAX);
    host->sets[host->set_count++] = memory_copy_text(name);
    return true;
}

static bool remove_set(struct attestation_tpm_host *host, const char *name, struct error *err)
{
    int place = find_set(host, name);
    if (place < 0)
        return error_set(err, &admin_not_found, NULL, name, "the host is not in this set");
    free(host->sets[place]);
    host->sets[place] = host->sets[--host->set_count];
    return true;
}

/* *changes: it was given. */
static bool change_bank(bool *changes, struct attestation_host *host,
                        const struct admin_request *request, struct error *err)
{
    const char *bank;
    if (!json_get_text_or(&bank, request->arguments, "bank", NULL, err))
        return false;
    *changes = bank != NULL;
    return bank == NULL || tpm_pcr_bank_parse_name(&host->tpm.bank, bank) ||
           error_set(err, &admin_argument, "hgsctl(8)", "bank",
                     "the bank is sha256, sha384 or sha512");
}

static bool change_host(struct attestation_host *host, const struct admin_request *request,
                        struct error *err)
{
    bool changes_bank;
    const char *add[ATTESTATION_SETS_MAX], *remove[ATTESTATION_SETS_MAX];
    size_t add_count, remove_count;
    if (!read_names(add, &add_count, request, "sets", err) ||
        !read_names(remove, &remove_count, request, "without_sets", err) ||
        !change_bank(&changes_bank, host, request, err))
        return false;
    if (add_count + remove_count == 0 && !changes_bank)
        return error_set(err, &admin_argument, "hgsctl(8)", host->name, "nothing was given to set");
    if (host->mode != ATTESTATION_MODE_TPM)
        return error_set(err, &admin_argument, "hgsctl(8)", host->name,
                         "only hosts that are registered by their TPM have a bank and are in sets: "
                         "policies are for them");
    for (size_t i = 0; i < remove_count; i++)
        if (!remove_set(&host->tpm, remove[i], err))
            return false;
    for (size_t i = 0; i < add_count; i++)
        if (!add_set(&host->tpm, add[i], err))
            return false;
    return true;
}

bool operation_host_set(struct admin_request *request, struct json_writer *result,
                        struct error *err)
{
    const char *name;
    int64_t revision = 0;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    _cleanup_buf_ struct buf before, after;
    buf_init(&before, STORE_VALUE_MAX);
    buf_init(&after, HOST_VALUE_MAX);
    if (!operation_host_load(&before, &revision, &name, request, err) ||
        !attestation_host_parse(&host, buf_slice(&before), err) ||
        !change_host(&host, request, err))
        return false;
    attestation_host_format(&after, &host);
    _cleanup_free_ char *object = memory_format("host %s", name);
    struct store_change put = {
        .kind = STORE_HOST, .key = name, .value = buf_slice(&after), .expected = revision};
    struct admin_change change = {"host.changed",    object, buf_slice(&before),
                                  buf_slice(&after), &put,   1};
    if (!buf_ok(&after, name, err) || !admin_change_commit(request, &change, err))
        return false;
    json_write_raw(result, NULL, buf_slice(&after));
    return true;
}
