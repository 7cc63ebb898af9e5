/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/response.h"

#include <assert.h>

#include "tpm/errors.h"
#include "tpm/response_frame.h"

#define CLAUSE "protocol.md 2.3"

static struct slice read_sized(struct reader *reader)
{
    return reader_bytes(reader, reader_u16_be(reader));
}

static bool malformed(struct error *err, const char *command)
{
    return error_set(err, &tpm_response_malformed, CLAUSE, command,
                     "the response's parameters are cut, or something stands behind them");
}

void tpm_created_key_done(struct tpm_created_key *key)
{
    if (key != NULL)
        public_key_free(&key->key);
}

/* A name is what the area's digest says (Part 1, 16). */
static bool check_name(struct slice name, struct slice area, const char *command, struct error *err)
{
    struct tpm_public parsed;
    uint8_t expected[TPM_NAME_SIZE_MAX];
    if (!tpm_public_parse(&parsed, area, err))
        return false;
    size_t size = tpm_public_name(expected, &parsed);
    return secret_equal(slice_of(expected, size), name) ||
           error_set(err, &tpm_name_wrong, "TPM 2.0 Part 1, 16", command,
                     "the name in the response is not that of the public area in it");
}

/* outPublic, creationData, creationHash, creationTicket, name (Part 3, 24.1). */
bool tpm_response_created(struct tpm_created_key *out, const struct tpm_session *session,
                          const struct tpm_identity_template *identity, struct slice response,
                          struct error *err)
{
    struct response_frame frame;
    if (!response_frame_verify(&frame, TPM_CC_CREATE_PRIMARY, session, response, err))
        return false;
    struct reader reader = reader_of(frame.parameters);
    struct slice area = read_sized(&reader);
    read_sized(&reader);      /* creationData */
    read_sized(&reader);      /* creationHash */
    reader_bytes(&reader, 6); /* creationTicket: tag, hierarchy, digest */
    read_sized(&reader);
    struct slice name = read_sized(&reader);
    if (!reader_done(&reader))
        return malformed(err, "CreatePrimary");
    struct tpm_created_key created = {.handle = frame.handle};
    if (!tpm_identity_key_check(&created.key, identity, area, err))
        return false;
    if (!check_name(name, area, "CreatePrimary", err)) {
        tpm_created_key_done(&created);
        return false;
    }
    memcpy(created.name, name.data, sizeof created.name);
    *out = created;
    return true;
}

/* TPML_DIGEST: the values of the selected registers in ascending order. */
static bool read_values(struct tpm_pcr_bank *bank, struct tpm_pcr_selection selection,
                        struct reader *reader, struct error *err)
{
    size_t expected = (size_t)__builtin_popcount(selection.pcrs);
    size_t size = digest_size(selection.algorithm);
    uint32_t count = reader_u32_be(reader);
    if (!reader->failed && count != expected)
        return error_set(err, &tpm_pcr_count, CLAUSE, "PCR_Read",
                         "the TPM returned %u values for %zu selected PCRs", count, expected);
    for (unsigned i = 0; i < TPM_PCR_COUNT && !reader->failed; i++) {
        if ((selection.pcrs >> i & 1) == 0)
            continue;
        struct slice value = read_sized(reader);
        if (!reader->failed && value.size != size)
            return error_set(err, &tpm_pcr_count, CLAUSE, "PCR_Read",
                             "the TPM returned %zu bytes for PCR %u instead of %zu", value.size, i,
                             size);
        if (!reader->failed)
            tpm_pcr_set(bank, i, value);
    }
    return true;
}

/* pcrUpdateCounter, pcrSelectionOut, pcrValues (Part 3, 22.4). */
bool tpm_response_pcrs(struct tpm_pcr_read *out, const struct tpm_session *session,
                       struct tpm_pcr_selection selection, struct slice response, struct error *err)
{
    struct response_frame frame;
    if (!response_frame_verify(&frame, TPM_CC_PCR_READ, session, response, err))
        return false;
    struct reader reader = reader_of(frame.parameters);
    struct tpm_pcr_read read = {.update_counter = reader_u32_be(&reader),
                                .bank = {.algorithm = selection.algorithm}};
    struct buf expected;
    buf_init(&expected, 16);
    tpm_pcr_selection_format(&expected, selection);
    struct slice selected = reader_bytes(&reader, expected.size);
    bool equal = slice_equal(selected, buf_slice(&expected));
    buf_done(&expected);
    if (!reader.failed && !equal)
        return error_set(err, &tpm_selection_altered, CLAUSE, "PCR_Read",
                         "the TPM read other PCRs, or another bank, than it was asked for");
    if (!read_values(&read.bank, selection, &reader, err))
        return false;
    if (!reader_done(&reader))
        return malformed(err, "PCR_Read");
    *out = read;
    return true;
}

/* outPublic, name, qualifiedName (Part 3, 12.4). */
bool tpm_response_public(struct slice *area, const struct tpm_session *session, struct slice name,
                         struct slice response, struct error *err)
{
    struct response_frame frame;
    if (!response_frame_verify(&frame, TPM_CC_READ_PUBLIC, session, response, err))
        return false;
    struct reader reader = reader_of(frame.parameters);
    struct slice read = read_sized(&reader);
    struct slice own_name = read_sized(&reader);
    read_sized(&reader); /* qualifiedName */
    if (!reader_done(&reader))
        return malformed(err, "ReadPublic");
    if (!check_name(own_name, read, "ReadPublic", err))
        return false;
    if (!secret_equal(own_name, name))
        return error_set(err, &tpm_name_wrong, CLAUSE, "ReadPublic",
                         "the TPM read another object than it was asked for");
    *area = read;
    return true;
}

bool tpm_pcr_reads_join(struct tpm_pcr_bank *out, const struct tpm_pcr_read *reads, size_t count,
                        bool key_created, struct error *err)
{
    assert(count > 0);
    struct tpm_pcr_bank joined = {.algorithm = reads[0].bank.algorithm};
    for (size_t i = 0; i < count; i++) {
        assert(reads[i].bank.algorithm == joined.algorithm);
        if (!key_created && reads[i].update_counter != reads[0].update_counter)
            return error_set(err, &tpm_pcr_counter, CLAUSE, "PCR_Read",
                             "pcrUpdateCounter moved from %u to %u between the reads",
                             reads[0].update_counter, reads[i].update_counter);
        for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++)
            if (reads[i].bank.present >> pcr & 1)
                tpm_pcr_set(&joined, pcr, tpm_pcr_value(&reads[i].bank, pcr));
    }
    *out = joined;
    return true;
}
