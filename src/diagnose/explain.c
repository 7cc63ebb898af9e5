/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnose/explain.h"

#include <string.h>

#include "admin/errors.h"
#include "admin/hgsd_errors.h"
#include "attestation/errors.h"
#include "audit/errors.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/option_nearest.h"
#include "bootimage/errors.h"
#include "crypto/errors.h"
#include "diagnose/errors.h"
#include "eventlog/errors.h"
#include "host/errors.h"
#include "host/hgs_errors.h"
#include "http/errors.h"
#include "keyholder/errors.h"
#include "keyprotection/errors.h"
#include "policy/errors.h"
#include "process/errors.h"
#include "protector/errors.h"
#include "store/errors.h"
#include "tpm/errors.h"
#include "vm/errors.h"

#define CODES_MAX 1024

static const struct error_code *const *const tables[] = {
    base_errors,  process_errors,  crypto_errors,    http_errors,        keyholder_errors,
    tpm_errors,   eventlog_errors, bootimage_errors, policy_errors,      protector_errors,
    vm_errors,    store_errors,    audit_errors,     attestation_errors, keyprotection_errors,
    admin_errors, host_errors,     hgs_errors,       hgsd_errors,        diagnose_errors,
};
#define TABLE_COUNT (sizeof tables / sizeof tables[0])

const struct error_code *diagnose_explain_at(size_t index)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (const struct error_code *const *code = tables[i]; *code != NULL; code++)
            if (index-- == 0)
                return *code;
    return NULL;
}

const struct error_code *diagnose_explain_find(const char *name)
{
    const struct error_code *code;
    for (size_t i = 0; (code = diagnose_explain_at(i)) != NULL; i++)
        if (strcmp(code->name, name) == 0)
            return code;
    return NULL;
}

const char *diagnose_explain_nearest(const char *name)
{
    const char *names[CODES_MAX];
    const struct error_code *code;
    size_t count = 0;
    for (; count < CODES_MAX && (code = diagnose_explain_at(count)) != NULL; count++)
        names[count] = code->name;
    return option_nearest(name, names, count);
}

void diagnose_explain_format(struct buf *out, const struct error_code *code)
{
    buf_append_format(out, "%s (%s)\n\nWhat happened: %s.\nWhat to do: %s.\n", code->name,
                      error_kind_name(code->kind), code->cause, code->remedy);
}

static void write_code(struct json_writer *writer, const struct error_code *code)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "code", code->name);
    json_write_text(writer, "kind", error_kind_name(code->kind));
    json_write_text(writer, "cause", code->cause);
    json_write_text(writer, "remedy", code->remedy);
    json_write_object_end(writer);
}

void diagnose_explain_format_json(struct buf *out, const struct error_code *code)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    write_code(&writer, code);
    buf_append_text(out, "\n");
}

void diagnose_explain_list(struct buf *out, bool json)
{
    const struct error_code *code;
    struct json_writer writer;
    json_writer_init(&writer, out);
    if (json)
        json_write_array(&writer, NULL);
    for (size_t i = 0; (code = diagnose_explain_at(i)) != NULL; i++) {
        if (json)
            write_code(&writer, code);
        else
            buf_append_format(out, "%-36s %s\n", code->name, code->cause);
    }
    if (json) {
        json_write_array_end(&writer);
        buf_append_text(out, "\n");
    }
}
