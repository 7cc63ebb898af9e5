/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/ima.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eventlog/errors.h"

#define SHA1_SIZE 20
#define TEMPLATE_NAME_MAX 255
#define LEGACY_NAME_SIZE                                                    \
    256 /* that the legacy template pads a file's name to when it is hashed \
         */

static const char legacy[] = "ima";

/* The legacy template has a digest without and a name with a length, and none over both. */
static struct slice read_legacy(struct reader *reader)
{
    struct slice start = reader->rest;
    reader_bytes(reader, SHA1_SIZE);
    reader_bytes(reader, reader_u32_le(reader));
    return slice_of(start.data, reader->failed ? 0 : start.size - reader->rest.size);
}

/* A length, and what has it; a length above limit is kept in *too_long. */
static struct slice read_sized(struct reader *reader, uint32_t limit, uint32_t *too_long)
{
    uint32_t size = reader_u32_le(reader);
    if (!reader->failed && size > limit) {
        *too_long = size;
        reader->failed = true;
    }
    return reader_bytes(reader, size);
}

static bool is_zero(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != 0)
            return false;
    return true;
}

#define refuse(err, code, number, ...) \
    error_set(err, &(code), NULL, place(number, (char[32]){0}), __VA_ARGS__)

static const char *place(uint32_t number, char text[32])
{
    snprintf(text, 32, "entry %" PRIu32, number);
    return text;
}

static bool parse_entry(struct ima_entry *entry, struct reader *reader, uint32_t number,
                        struct error *err)
{
    uint32_t too_long = 0;
    entry->pcr = reader_u32_le(reader);
    entry->sha1 = reader_bytes(reader, SHA1_SIZE);
    entry->name = read_sized(reader, TEMPLATE_NAME_MAX, &too_long);
    bool is_legacy = slice_equals_text(entry->name, legacy);
    if (!reader->failed)
        entry->data =
            is_legacy ? read_legacy(reader) : read_sized(reader, IMA_ENTRY_DATA_MAX, &too_long);
    if (too_long > 0)
        return refuse(err, eventlog_ima_too_large, number,
                      "a field of it would be %" PRIu32 " bytes", too_long);
    if (reader->failed)
        return refuse(err, eventlog_ima_truncated, number, "it is cut off");
    if (entry->pcr >= TPM_PCR_COUNT || entry->name.size == 0)
        return refuse(err, eventlog_ima_malformed, number,
                      "it is in PCR %" PRIu32 ", its template's name has %zu bytes", entry->pcr,
                      entry->name.size);
    if (is_legacy && entry->data.size - SHA1_SIZE - 4 >= LEGACY_NAME_SIZE)
        return refuse(err, eventlog_ima_malformed, number, "its file's name is too long");
    entry->is_violation = is_zero(entry->sha1);
    return true;
}

/* Else whatever has the length that the legacy template is padded to could be told as a file of it.
 * first: the first entry of PCR 10. */
static bool check_template(const struct ima_list *list, uint32_t first, struct error *err)
{
    const struct ima_entry *entry = &list->entries[list->count];
    return entry->pcr != IMA_PCR || !slice_equals_text(entry->name, legacy) ||
           slice_equals_text(list->entries[first].name, legacy) ||
           refuse(err, eventlog_ima_malformed, list->count,
                  "it is of the legacy template, and entry %" PRIu32 ", the first, is not", first);
}

bool ima_parse(struct ima_list *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct ima_list list = {0};
    uint32_t capacity = 0, first = 0;
    if (bytes.size > IMA_SIZE_MAX)
        return error_set(err, &eventlog_ima_too_large, NULL, NULL,
                         "the list has %zu bytes; at most %u are read", bytes.size, IMA_SIZE_MAX);
    while (reader.rest.size > 0) {
        if (list.count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            list.entries = memory_resize(list.entries, capacity, sizeof *list.entries);
        }
        if (list.count == IMA_ENTRIES_MAX) {
            ima_done(&list);
            return error_set(err, &eventlog_ima_too_large, NULL, NULL,
                             "a list has at most %d entries", IMA_ENTRIES_MAX);
        }
        if (!parse_entry(&list.entries[list.count], &reader, list.count, err) ||
            !check_template(&list, first, err)) {
            ima_done(&list);
            return false;
        }
        first += list.count == first && list.entries[first].pcr != IMA_PCR;
        list.count++;
    }
    *out = list;
    return true;
}

void ima_done(struct ima_list *list)
{
    if (list == NULL)
        return;
    free(list->entries);
    *list = (struct ima_list){0};
}

/* What the kernel hashes of an entry: the fields, or those of the legacy template, padded. */
static void hash_entry(struct digest *out, const struct ima_entry *entry,
                       enum digest_algorithm algorithm)
{
    if (!slice_equals_text(entry->name, legacy)) {
        digest_compute(out, algorithm, entry->data);
        return;
    }
    uint8_t padded[SHA1_SIZE + LEGACY_NAME_SIZE] = {0};
    memcpy(padded, entry->data.data, SHA1_SIZE);
    size_t name_size = entry->data.size - SHA1_SIZE - 4;
    if (name_size > 0)
        memcpy(padded + SHA1_SIZE, entry->data.data + SHA1_SIZE + 4, name_size);
    digest_compute(out, algorithm, slice_of(padded, sizeof padded));
}

/* What the kernel extends by an entry. */
static void extension(uint8_t out[DIGEST_SIZE_MAX], const struct ima_entry *entry,
                      enum digest_algorithm algorithm, bool is_padded)
{
    struct digest digest;
    if (is_padded) {
        memset(out, 0, DIGEST_SIZE_MAX);
        memcpy(out, entry->sha1.data, SHA1_SIZE);
        if (entry->is_violation)
            memset(out, 0xFF, SHA1_SIZE);
    } else if (entry->is_violation) {
        memset(out, 0xFF, DIGEST_SIZE_MAX);
    } else {
        hash_entry(&digest, entry, algorithm);
        memcpy(out, digest.value, digest.size);
    }
}

static bool replay(struct ima_replay *out, const struct ima_list *list,
                   const struct tpm_pcr_bank *start, struct slice value, bool is_padded)
{
    struct tpm_pcr_bank bank = *start;
    size_t size = digest_size(bank.algorithm);
    uint8_t digest[DIGEST_SIZE_MAX];
    for (uint32_t i = 0; i <= list->count; i++) {
        if (memcmp(bank.values[IMA_PCR], value.data, size) == 0) {
            *out = (struct ima_replay){.count = i, .is_padded = is_padded && i > 0};
            return true;
        }
        if (i == list->count || list->entries[i].pcr != IMA_PCR)
            continue;
        extension(digest, &list->entries[i], bank.algorithm, is_padded);
        tpm_pcr_extend(&bank, IMA_PCR, slice_of(digest, size));
    }
    return false;
}

bool ima_replay(struct ima_replay *out, const struct ima_list *list,
                enum digest_algorithm algorithm, struct slice start, struct slice value,
                struct error *err)
{
    struct tpm_pcr_bank bank = {.algorithm = algorithm};
    size_t size = digest_size(algorithm);
    if (!tpm_pcr_bank_is_evidence(algorithm))
        return error_set(err, &eventlog_bank_weak, NULL, NULL, "the bank is not SHA-256 or better");
    if (start.size == size && value.size == size) {
        tpm_pcr_set(&bank, IMA_PCR, start);
        if (replay(out, list, &bank, value, false) || replay(out, list, &bank, value, true))
            return true;
    }
    return error_set(err, &eventlog_ima_mismatch, NULL, NULL,
                     "none of its %" PRIu32 " entries leads to PCR 10 as the TPM holds it",
                     list->count);
}
