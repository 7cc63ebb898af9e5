/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/trust_file.h"

#include "crypto/certificate_file.h"
#include "tpm/cabinet.h"
#include "tpm/errors.h"

/* Whom to call, and about which file. */
struct visit {
    bool (*each)(void *context, const struct tpm_trust_found *found, struct error *err);
    void *context;
    const char *name;
    enum tpm_trust_place place;
    bool stopped; /* each said so */
};

static bool report(struct visit *visit, struct slice der, const struct error *problem,
                   struct error *err)
{
    struct tpm_trust_found found = {visit->name, visit->place, der, problem};
    visit->stopped = !visit->each(visit->context, &found, err);
    return !visit->stopped;
}

/* A certificate that does not read is reported like one that does. */
static bool take(void *context, struct slice der, struct error *err)
{
    struct visit *visit = context;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    struct error problem = {0};
    if (certificate_parse_endorsement(&certificate, der, &problem))
        return report(visit, der, NULL, err);
    return report(visit, SLICE_EMPTY, &problem, err);
}

/* ---- the cabinet: VENDOR/RootCA/FILE and VENDOR/IntermediateCA/FILE ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcasecmp(text + size - end_size, end) == 0;
}

static enum tpm_trust_place place_of(const char *name)
{
    if (strcasestr(name, "/RootCA/") != NULL)
        return TPM_TRUST_ROOT;
    if (strcasestr(name, "/IntermediateCA/") != NULL)
        return TPM_TRUST_INTERMEDIATE;
    return TPM_TRUST_UNSAID;
}

/* Its scripts and texts are none of ours. */
static bool is_certificate_file(const char *name)
{
    static const char *const ends[] = {".cer", ".crt", ".der", ".pem", ".p7b"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(name, ends[i]))
            return place_of(name) != TPM_TRUST_UNSAID;
    return false;
}

static bool take_file(void *context, const struct cabinet_file *file, struct error *err)
{
    struct visit *visit = context;
    struct error problem = {0};
    visit->name = file->name;
    visit->place = place_of(file->name);
    bool read = file->problem == NULL
                    ? certificate_file_read(file->contents, take, visit, &problem)
                    : error_set(&problem, &tpm_trust_file, NULL, file->name, "%s", file->problem);
    if (read)
        return true;
    if (visit->stopped) {
        if (err != NULL)
            *err = problem;
        return false;
    }
    return report(visit, SLICE_EMPTY, &problem, err);
}

bool tpm_trust_file_read(struct slice file,
                         bool (*each)(void *context, const struct tpm_trust_found *found,
                                      struct error *err),
                         void *context, struct error *err)
{
    struct visit visit = {.each = each, .context = context};
    if (file.size > TPM_TRUST_FILE_SIZE_MAX)
        return error_set(err, &tpm_trust_file, NULL, NULL, "%zu bytes are more than any such file",
                         file.size);
    if (cabinet_is(file))
        return cabinet_read(file, is_certificate_file, take_file, &visit, err);
    struct error problem = {0};
    if (certificate_file_read(file, take, &visit, &problem))
        return true;
    if (visit.stopped) {
        if (err != NULL)
            *err = problem;
        return false;
    }
    return error_set(err, &tpm_trust_file, problem.clause, NULL,
                     "it is no PEM, DER, PKCS#7 or cabinet of certificates: %s", problem.message);
}
