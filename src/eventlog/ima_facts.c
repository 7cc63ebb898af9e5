/* SPDX-License-Identifier: Apache-2.0 */
/* What the entries of an IMA list say (ima.h). */
#include "eventlog/ima.h"

#define SHA1_SIZE 20

/* An entry's digest, name and, of ima-buf, bytes. */
struct fields {
    enum digest_algorithm algorithm;
    struct slice digest; /* empty: of an algorithm that we do not know */
    struct slice name;
    struct slice text;
};

static struct slice read_field(struct reader *reader)
{
    return reader_bytes(reader, reader_u32_le(reader));
}

static struct slice without_nul(struct slice text)
{
    if (text.size > 0 && text.data[text.size - 1] == 0)
        text.size--;
    return text;
}

/* "sha256:" NUL digest; of templates with v2, "ima:sha256:" NUL digest. */
static void read_digest(struct fields *out, struct slice field)
{
    static const enum digest_algorithm known[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384,
                                                  DIGEST_SHA512};
    const uint8_t *nul = field.size > 0 ? memchr(field.data, 0, field.size) : NULL;
    if (nul == NULL || nul == field.data || nul[-1] != ':')
        return;
    struct slice word = slice_of(field.data, (size_t)(nul - field.data) - 1);
    const uint8_t *colon = word.size > 0 ? memrchr(word.data, ':', word.size) : NULL;
    if (colon != NULL)
        word = slice_of(colon + 1, word.size - (size_t)(colon + 1 - word.data));
    struct slice digest = slice_of(nul + 1, field.size - (size_t)(nul + 1 - field.data));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!slice_equals_text(word, digest_name(known[i])) || digest.size != digest_size(known[i]))
            continue;
        out->algorithm = known[i];
        out->digest = digest;
    }
}

/* False: an entry that we cannot take apart. */
static bool read_fields(struct fields *out, const struct ima_entry *entry)
{
    struct reader reader = reader_of(entry->data);
    *out = (struct fields){0};
    if (slice_equals_text(entry->name, "ima")) {
        out->algorithm = DIGEST_SHA1;
        out->digest = reader_bytes(&reader, SHA1_SIZE);
        out->name = without_nul(read_field(&reader));
        return !reader.failed;
    }
    read_digest(out, read_field(&reader));
    out->name = without_nul(read_field(&reader));
    if (slice_equals_text(entry->name, "ima-buf"))
        out->text = read_field(&reader);
    return !reader.failed;
}

/* Whether the entry is in PCR 10 and its digest covers it. */
static bool is_proven(const struct ima_entry *entry)
{
    return entry->pcr == IMA_PCR && !entry->is_violation;
}

static bool starts_with(struct slice text, const char *front)
{
    size_t length = strlen(front);
    return text.size >= length && memcmp(text.data, front, length) == 0;
}

/* False: nothing that belongs among the facts. No digest covers a template's name, so a kernel that
 * was loaded is one whatever its entry is said to be: files are named by their paths. */
static bool classify(enum ima_fact_kind *kind, const struct ima_entry *entry,
                     const struct fields *fields)
{
    if (slice_equals_text(fields->name, "kexec-cmdline")) {
        *kind = IMA_FACT_KEXEC_LINE;
        return true;
    }
    if (!slice_equals_text(entry->name, "ima-buf")) {
        *kind = IMA_FACT_POLICY_FILE;
        return starts_with(fields->name, "/etc/ima/");
    }
    if (slice_equals_text(fields->name, "dm_table_load"))
        *kind = IMA_FACT_DM_TABLE;
    else if (starts_with(fields->name, "."))
        *kind = IMA_FACT_KEYRING;
    else
        *kind = IMA_FACT_CRITICAL_DATA;
    return true;
}

static void add_fact(struct ima_facts *out, const struct ima_entry *entry, uint32_t index)
{
    struct fields fields;
    enum ima_fact_kind kind;
    if (!read_fields(&fields, entry) || !classify(&kind, entry, &fields))
        return;
    if (out->count == IMA_FACTS_MAX) {
        out->is_cut = true;
        if (kind != IMA_FACT_KEXEC_LINE)
            return;
        out->count--; /* this one is not to be lost among others that root can cause at will */
    }
    out->facts[out->count++] =
        (struct ima_fact){.kind = kind,
                          .entry = index,
                          .name = fields.name,
                          .text = kind == IMA_FACT_KEYRING ? SLICE_EMPTY : fields.text,
                          .algorithm = fields.algorithm,
                          .digest = fields.digest};
}

/* The digest of the first PCRs, up to last. False: one of them is not known. */
static bool digest_pcrs(struct digest *out, const struct tpm_pcr_bank *bank, uint32_t last)
{
    struct slice values[TPM_PCR_COUNT];
    for (uint32_t pcr = 0; pcr <= last; pcr++) {
        if ((bank->present & 1u << pcr) == 0)
            return false;
        values[pcr] = tpm_pcr_value(bank, pcr);
    }
    digest_compute_parts(out, bank->algorithm, values, last + 1);
    return true;
}

static enum ima_aggregate check_aggregate(const struct ima_entry *entry,
                                          const struct tpm_pcr_bank *bank)
{
    static const uint32_t lasts[] = {9, 7}; /* kernels before 5.8 end at 7 */
    struct fields fields;
    struct digest digest;
    if (!read_fields(&fields, entry) || !slice_equals_text(fields.name, "boot_aggregate") ||
        fields.digest.size == 0 || fields.algorithm != bank->algorithm)
        return IMA_AGGREGATE_UNKNOWN;
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        if (!digest_pcrs(&digest, bank, lasts[i]))
            return IMA_AGGREGATE_UNKNOWN;
        if (slice_equal(digest_slice(&digest), fields.digest))
            return IMA_AGGREGATE_GOOD;
    }
    return IMA_AGGREGATE_BAD;
}

void ima_facts_evaluate(struct ima_facts *out, const struct ima_list *list,
                        const struct ima_replay *replay, const struct tpm_pcr_bank *bank)
{
    *out = (struct ima_facts){0};
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct ima_entry *entry = &list->entries[i];
        if (entry->pcr == IMA_PCR && entry->is_violation)
            out->violations++;
        if (!replay->is_padded && is_proven(entry))
            add_fact(out, entry, i);
    }
    if (replay->count > 0 && !replay->is_padded && is_proven(&list->entries[0]))
        out->aggregate = check_aggregate(&list->entries[0], bank);
}

bool ima_find_file(uint32_t *entry, const struct ima_list *list, const struct ima_replay *replay,
                   enum digest_algorithm algorithm, struct slice digest, const char *path)
{
    struct fields fields;
    if (replay->is_padded || digest.size == 0)
        return false;
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct ima_entry *candidate = &list->entries[i];
        if (!is_proven(candidate) || slice_equals_text(candidate->name, "ima-buf") ||
            !read_fields(&fields, candidate) || fields.algorithm != algorithm ||
            !slice_equal(fields.digest, digest) ||
            (path != NULL && !slice_equals_text(fields.name, path)))
            continue;
        *entry = i;
        return true;
    }
    return false;
}
