/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_extensions.h"

#include "crypto/der.h"
#include "crypto/errors.h"

#define EXTENSIONS_MAX 32
#define KEY_ID_SIZE_MAX 64

static const uint8_t oid_subject_key_id[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_key_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_basic_constraints[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_authority_key_id[] = {0x55, 0x1d, 0x23};
/* 1.3.6.1.4.1.311.21.10, with the syntax of certificatePolicies. */
static const uint8_t oid_application_policies[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                                   0x82, 0x37, 0x15, 0x0a};
/* 1.3.6.1.4.1.311.48.1.2 */
static const uint8_t oid_health_policy[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                            0x82, 0x37, 0x30, 0x01, 0x02};
#define OID_INITIALIZER(bytes) \
    {                          \
        bytes, sizeof(bytes)   \
    }
#define OID(bytes) ((struct slice)OID_INITIALIZER(bytes))

/* KeyUsage ::= BIT STRING (4.2.1.3): nine bits at most. */
static bool read_key_usage(struct certificate_facts *facts, struct slice value)
{
    struct reader reader = reader_of(value);
    struct slice bits = der_read(&reader, DER_BIT_STRING);
    if (!reader_done(&reader) || bits.size < 2 || bits.size > 3 || bits.data[0] > 7)
        return false;
    uint8_t unused_mask = (uint8_t)((1u << bits.data[0]) - 1);
    if ((bits.data[bits.size - 1] & unused_mask) != 0)
        return false;
    facts->has_usage = true;
    facts->usage = bits.data[1] | (bits.size > 2 ? (unsigned)bits.data[2] << 8 : 0);
    return true;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }
 * (4.2.1.9). Many issuers write the FALSE that DER would leave out. */
static bool read_basic_constraints(struct certificate_facts *facts, struct slice value)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    bool authority = der_peek(&reader) == DER_BOOLEAN && der_read_boolean(&reader);
    facts->path_length = -1;
    if (der_peek(&reader) == DER_INTEGER)
        facts->path_length = (int)der_read_number(&reader, 255);
    facts->is_authority = authority;
    return reader_done(&reader) && reader_done(&outer);
}

static bool read_subject_key_id(struct certificate_facts *facts, struct slice value)
{
    struct reader reader = reader_of(value);
    facts->subject_key_id = der_read(&reader, DER_OCTET_STRING);
    return reader_done(&reader) && facts->subject_key_id.size > 0 &&
           facts->subject_key_id.size <= KEY_ID_SIZE_MAX;
}

/* AuthorityKeyIdentifier ::= SEQUENCE { [0] keyid, [1] names, [2] serial }, each optional
 * (4.2.1.1). */
static bool read_authority_key_id(struct certificate_facts *facts, struct slice value)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    if (der_peek(&reader) == DER_CONTEXT(0))
        facts->authority_key_id = der_read(&reader, DER_CONTEXT(0));
    if (der_peek(&reader) == DER_CONTEXT_CONSTRUCTED(1))
        der_read(&reader, DER_CONTEXT_CONSTRUCTED(1));
    if (der_peek(&reader) == DER_CONTEXT(2))
        der_read(&reader, DER_CONTEXT(2));
    return reader_done(&reader) && reader_done(&outer) &&
           facts->authority_key_id.size <= KEY_ID_SIZE_MAX;
}

/* SEQUENCE OF SEQUENCE { policyIdentifier OID, policyQualifiers OPTIONAL } (4.2.1.4). */
static bool read_application_policies(struct certificate_facts *facts, struct slice value)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    while (!reader.failed && reader.rest.size > 0) {
        struct reader policy = der_enter(&reader, DER_SEQUENCE);
        struct slice oid = der_read(&policy, DER_OID);
        if (policy.rest.size > 0)
            der_read(&policy, DER_SEQUENCE);
        if (!reader_done(&policy))
            return false;
        facts->has_health_policy |= slice_equal(oid, OID(oid_health_policy));
    }
    return reader_done(&reader) && reader_done(&outer);
}

static const struct {
    struct slice oid;
    bool (*read)(struct certificate_facts *facts, struct slice value);
    const char *clause, *malformed;
} kinds[] = {
    {OID_INITIALIZER(oid_key_usage), read_key_usage, "RFC 5280 4.2.1.3",
     "its keyUsage is malformed"},
    {OID_INITIALIZER(oid_basic_constraints), read_basic_constraints, "RFC 5280 4.2.1.9",
     "its basicConstraints are malformed"},
    {OID_INITIALIZER(oid_subject_key_id), read_subject_key_id, "RFC 5280 4.2.1.2",
     "its subjectKeyIdentifier is malformed"},
    {OID_INITIALIZER(oid_authority_key_id), read_authority_key_id, "RFC 5280 4.2.1.1",
     "its authorityKeyIdentifier is malformed"},
    {OID_INITIALIZER(oid_application_policies), read_application_policies, "RFC 5280 4.2.1.4",
     "its application policies are malformed"},
};

static bool evaluate(struct certificate_facts *facts, struct certificate_extension extension,
                     struct error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_equal(kinds[i].oid, extension.oid))
            return kinds[i].read(facts, extension.value) ||
                   error_set(err, &crypto_certificate_malformed, kinds[i].clause, NULL, "%s",
                             kinds[i].malformed);
    facts->unknown_critical |= extension.critical;
    return true;
}

/* Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }. */
static struct certificate_extension read_extension(struct reader *extensions)
{
    struct reader reader = der_enter(extensions, DER_SEQUENCE);
    struct certificate_extension extension = {.oid = der_read(&reader, DER_OID)};
    if (der_peek(&reader) == DER_BOOLEAN)
        extension.critical = der_read_boolean(&reader);
    extension.value = der_read(&reader, DER_OCTET_STRING);
    if (!reader_done(&reader) || extension.oid.size == 0)
        extensions->failed = true;
    return extension;
}

bool certificate_read_extensions(struct certificate_facts *facts, struct reader *tbs,
                                 struct error *err)
{
    struct reader explicit = der_enter(tbs, DER_CONTEXT_CONSTRUCTED(3));
    struct reader reader = der_enter(&explicit, DER_SEQUENCE);
    facts->extensions = reader.rest;
    struct slice seen[EXTENSIONS_MAX];
    size_t count = 0;
    while (!reader.failed && reader.rest.size > 0) {
        struct certificate_extension extension = read_extension(&reader);
        reader.failed |= count == EXTENSIONS_MAX;
        if (reader.failed)
            break;
        for (size_t i = 0; i < count; i++)
            if (slice_equal(seen[i], extension.oid))
                return error_set(err, &crypto_certificate_malformed, "RFC 5280 4.2", NULL,
                                 "it has the same extension twice");
        seen[count++] = extension.oid;
        if (!evaluate(facts, extension, err))
            return false;
    }
    return (reader_done(&reader) && reader_done(&explicit) && count > 0) ||
           error_set(err, &crypto_certificate_malformed, "RFC 5280 4.1.2.9", NULL,
                     "its extensions are malformed, or more than %d", EXTENSIONS_MAX);
}

bool certificate_next_extension(struct certificate_extension *out, struct slice *rest)
{
    struct reader reader = reader_of(*rest);
    if (rest->size == 0)
        return false;
    *out = read_extension(&reader);
    *rest = reader.rest;
    return !reader.failed;
}

/* The value is what is appended until end_extension. */
struct open_extension {
    size_t extension, value;
};

static struct open_extension begin_extension(struct buf *out, struct slice oid, bool critical)
{
    static const uint8_t critical_true[] = {DER_BOOLEAN, 1, 0xff};
    struct open_extension open;
    open.extension = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, oid);
    if (critical)
        buf_append_bytes(out, critical_true, sizeof critical_true);
    open.value = der_begin(out, DER_OCTET_STRING);
    return open;
}

static void end_extension(struct buf *out, struct open_extension open)
{
    der_end(out, open.value);
    der_end(out, open.extension);
}

static void write_basic_constraints(struct buf *out)
{
    static const uint8_t authority[] = {DER_SEQUENCE, 3, DER_BOOLEAN, 1, 0xff};
    struct open_extension open = begin_extension(out, OID(oid_basic_constraints), true);
    buf_append_bytes(out, authority, sizeof authority);
    end_extension(out, open);
}

void certificate_write_key_usage(struct buf *out, unsigned usage)
{
    /* A named bit list ends with its last set bit (X.690 11.2.2). */
    uint8_t bits[3] = {0, (uint8_t)usage, (uint8_t)(usage >> 8)};
    size_t size = bits[2] != 0 ? 3 : 2;
    bits[0] = (uint8_t)__builtin_ctz(bits[size - 1]);
    struct open_extension open = begin_extension(out, OID(oid_key_usage), true);
    der_write(out, DER_BIT_STRING, slice_of(bits, size));
    end_extension(out, open);
}

void certificate_write_subject_key_id(struct buf *out, struct slice key_id)
{
    struct open_extension open = begin_extension(out, OID(oid_subject_key_id), false);
    der_write(out, DER_OCTET_STRING, key_id);
    end_extension(out, open);
}

static void write_health_policy(struct buf *out)
{
    struct open_extension open = begin_extension(out, OID(oid_application_policies), false);
    size_t policies = der_begin(out, DER_SEQUENCE);
    size_t policy = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, OID(oid_health_policy));
    der_end(out, policy);
    der_end(out, policies);
    end_extension(out, open);
}

static void write_authority_key_id(struct buf *out, struct slice key_id,
                                   const struct certificate *issuer)
{
    struct open_extension open = begin_extension(out, OID(oid_authority_key_id), false);
    size_t sequence = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_CONTEXT(0), key_id);
    if (issuer != NULL) {
        const struct certificate_facts *facts = certificate_facts(issuer);
        /* These name the issuer's certificate: its own issuer, and its serial. */
        size_t names = der_begin(out, DER_CONTEXT_CONSTRUCTED(1));
        der_write(out, DER_CONTEXT_CONSTRUCTED(4), facts->issuer);
        der_end(out, names);
        der_write(out, DER_CONTEXT(2), facts->serial);
    }
    der_end(out, sequence);
    end_extension(out, open);
}

void certificate_write_extensions(struct buf *out,
                                  const struct certificate_template *certificate_template,
                                  struct slice subject_key_id, struct slice authority_key_id)
{
    size_t explicit = der_begin(out, DER_CONTEXT_CONSTRUCTED(3));
    size_t extensions = der_begin(out, DER_SEQUENCE);
    if (certificate_template->authority)
        write_basic_constraints(out);
    if (certificate_template->usage != 0)
        certificate_write_key_usage(out, certificate_template->usage);
    if (certificate_template->health_policy)
        write_health_policy(out);
    certificate_write_subject_key_id(out, subject_key_id);
    write_authority_key_id(out, authority_key_id, certificate_template->issuer);
    der_end(out, extensions);
    der_end(out, explicit);
}
