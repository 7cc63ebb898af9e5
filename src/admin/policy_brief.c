/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/policy_brief.h"

#include "base/clock.h"
#include "crypto/digest.h"
#include "policy/code_integrity.h"
#include "policy/code_integrity_record.h"

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, clock_format(time, text));
}

static void write_pcrs(struct json_writer *writer, uint32_t pcrs)
{
    json_write_array(writer, "pcrs");
    for (unsigned i = 0; i < 24; i++)
        if ((pcrs >> i & 1) != 0)
            json_write_integer(writer, NULL, i);
    json_write_array_end(writer);
}

static void write_ci(struct json_writer *writer, const struct policy_ci *ci)
{
    const char *warning = code_integrity_warning(ci);
    json_write_text(writer, "form", code_integrity_form_name(ci->form));
    json_write_text(writer, "strength", code_integrity_strength(ci->form));
    json_write_text(writer, "evidence", code_integrity_evidence(ci->form));
    if (ci->form == POLICY_CI_UNIFIED_KERNEL)
        json_write_slice(writer, "command_line", buf_slice(&ci->unified.command_line));
    else if (ci->form == POLICY_CI_KERNEL)
        json_write_slice(writer, "command_line", buf_slice(&ci->kernel.command_line));
    if (warning != NULL)
        json_write_text(writer, "warning", warning);
}

static void write_contents(struct json_writer *writer, const struct policy *policy)
{
    if (policy->kind == POLICY_BASELINE) {
        write_pcrs(writer, policy->baseline.pcrs);
        json_write_integer(writer, "events", policy->baseline.count);
    } else if (policy->kind == POLICY_CI) {
        write_ci(writer, &policy->ci);
    }
}

static void write_members(struct json_writer *writer, const struct policy *policy, int64_t now)
{
    json_write_text(writer, "name", policy->name);
    json_write_text(writer, "type", policy_kind_name(policy->kind));
    json_write_text(writer, "profile", policy_profile_name(policy->profile));
    json_write_text(writer, "policy_version", policy_version_name(policy->version));
    json_write_text(writer, "state", policy_state_name(policy->state));
    if (policy->scope != POLICY_FOR_ALL) {
        json_write_object(writer, "for");
        json_write_text(writer, policy->scope == POLICY_FOR_HOST ? "host" : "set",
                        policy->scope_name);
        json_write_object_end(writer);
    }
    write_time(writer, "added", policy->added);
    json_write_text(writer, "added_by", policy->added_by);
    if (policy->until != 0) {
        write_time(writer, "until", policy->until);
        json_write_bool(writer, "expired", policy->until <= now);
    }
    write_contents(writer, policy);
}

void policy_brief_write(struct json_writer *writer, const struct policy *policy,
                        struct slice record, int64_t now)
{
    json_write_object(writer, NULL);
    write_members(writer, policy, now);
    if (record.size > 0)
        json_write_raw(writer, "record", record);
    json_write_object_end(writer);
}

void policy_brief_write_builtin(struct json_writer *writer, const struct builtin *builtin,
                                enum eventlog_profile profile, enum policy_state state,
                                const struct policy *record)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "name", builtin->name);
    json_write_text(writer, "type", policy_kind_name(POLICY_BUILTIN));
    json_write_text(writer, "profile", policy_profile_name(profile));
    json_write_text(writer, "state", policy_state_name(state));
    json_write_text(writer, "strength", builtin->strength);
    json_write_text(writer, "purpose", builtin->purpose);
    json_write_text(writer, "evidence", builtin->evidence);
    json_write_text(writer, "remedy", builtin->remedy);
    if (record != NULL) {
        write_time(writer, "changed", record->added);
        json_write_text(writer, "changed_by", record->added_by);
    }
    json_write_object_end(writer);
}

void policy_brief_format(struct buf *out, const struct policy *policy, struct slice record,
                         int64_t now)
{
    struct json_writer writer;
    struct digest digest;
    if (record.size <= POLICY_BRIEF_WHOLE_MAX) {
        buf_append(out, record);
        return;
    }
    digest_compute(&digest, DIGEST_SHA256, record);
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    write_members(&writer, policy, now);
    json_write_hex(&writer, "sha256", digest_slice(&digest));
    json_write_object_end(&writer);
}
