/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/trail.h"

#include "attestation/errors.h"
#include "base/json.h"

#define FIELDS_MAX 8192

static void write_host(struct json_writer *writer, const struct attestation_evidence *evidence)
{
    if (evidence->host[0] != '\0')
        json_write_text(writer, "host", evidence->host);
    if (evidence->has_host_id)
        json_write_hex(writer, "key_id", slice_of(evidence->host_id, sizeof evidence->host_id));
}

/* TPM mode: the boot, and the required policies that did not pass. */
static void write_boot(struct json_writer *writer, const struct attestation_evidence *evidence)
{
    const struct verdict *verdict = &evidence->verdict;
    if (evidence->has_boot)
        json_write_hex(writer, "boot", slice_of(evidence->boot, sizeof evidence->boot));
    if (evidence->uncertified)
        json_write_bool(writer, "uncertified", true);
    if (!evidence->has_verdict || verdict->passed)
        return;
    json_write_array(writer, "policies");
    for (size_t i = 0; i < verdict->count; i++)
        if (verdict->policies[i].required && verdict->policies[i].result != VERDICT_PASSED)
            json_write_text(writer, NULL, verdict->policies[i].name);
    json_write_array_end(writer);
}

/* The trail wants the inside of the object that fields holds. */
static struct slice inside(const struct buf *fields)
{
    return slice_of(fields->data + 1, fields->size - 2);
}

bool attestation_trail_passed(struct audit *audit, const struct attestation_evidence *evidence,
                              const struct attestation_health_certificate *certificate,
                              const struct attestation_signer *signer, const char *peer,
                              struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    struct error why = {0};
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    json_write_object(&writer, NULL);
    write_host(&writer, evidence);
    json_write_text(&writer, "peer", peer);
    json_write_hex(&writer, "certificate",
                   slice_of(certificate->thumbprint, sizeof certificate->thumbprint));
    json_write_text(&writer, "not_after", clock_format(certificate->not_after, time));
    json_write_text(&writer, "signer", signer->thumbprint);
    write_boot(&writer, evidence);
    json_write_object_end(&writer);
    return audit_append(audit, "attestation.passed", inside(&fields), NULL, NULL, &why) ||
           error_set(err, &attestation_unaudited, NULL, evidence->host, "%s", why.message);
}

bool attestation_trail_evaluated(struct audit *audit, const struct attestation_evidence *evidence,
                                 const char *peer)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    json_write_object(&writer, NULL);
    write_host(&writer, evidence);
    json_write_text(&writer, "peer", peer);
    json_write_bool(&writer, "passed", evidence->verdict.passed);
    write_boot(&writer, evidence);
    json_write_object_end(&writer);
    return audit_append_limited(audit, "attestation.evaluated", peer, inside(&fields), NULL);
}

bool attestation_trail_failed(struct audit *audit, const struct attestation_evidence *evidence,
                              const struct error *refusal, const char *peer)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    json_write_object(&writer, NULL);
    write_host(&writer, evidence);
    json_write_text(&writer, "peer", peer);
    json_write_text(&writer, "code", refusal->code->name);
    json_write_text(&writer, "object", refusal->object);
    json_write_text(&writer, "reason", refusal->message);
    write_boot(&writer, evidence);
    json_write_object_end(&writer);
    return audit_append_limited(audit, "attestation.failed", peer, inside(&fields), NULL);
}
