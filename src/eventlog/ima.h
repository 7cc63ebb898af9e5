/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel's list of integrity measurements (IMA): securityfs' binary_runtime_measurements,
 * little endian, templates ima (legacy), ima-ng, ima-sig, ima-buf and any other with a length. No
 * digest covers a template's name. Of the legacy one, whose digest is made in another way, either
 * the first entry and perhaps others are, or none: an entry cannot be passed off as one of it.
 *
 * The list grows while it is read. So a prefix counts: the longest one whose replay reaches the PCR
 * 10 that the TPM read; entries behind it are ignored.
 */

#include "eventlog/eventlog.h"
#include "tpm/pcr.h"

#define IMA_SIZE_MAX (32u << 20)
#define IMA_ENTRIES_MAX 100000
#define IMA_ENTRY_DATA_MAX (1u << 20)
#define IMA_PCR 10

struct ima_entry {
    uint32_t pcr;      /* IMA_PCR, unless the policy has a rule with another */
    struct slice sha1; /* 20 bytes: SHA-1 of data, all zeros for a violation; SHA-1 bank only */
    struct slice name; /* of the template: "ima-ng" */
    struct slice data; /* the template's fields; of the legacy template, digest, length and name */
    bool is_violation; /* its file was written while it was measured: data proves nothing */
};

struct ima_list {
    struct ima_entry *entries;
    uint32_t count;
};

/* The entries borrow bytes; free with ima_done. Refuses with eventlog.ima-too-large,
 * eventlog.ima-truncated, eventlog.ima-malformed. */
bool ima_parse(struct ima_list *out, struct slice bytes, struct error *err);
void ima_done(struct ima_list *list);
#define _cleanup_ima_ __attribute__((cleanup(ima_done)))

struct ima_replay {
    uint32_t count; /* entries of the prefix that reaches the value */
    bool is_padded; /* the kernel extended padded SHA-1 digests, as before 5.8, or of banks whose
                     * algorithm it lacks: the bank's digests prove no entry */
};

/*
 * Finds the longest prefix that reaches value, PCR 10 in the bank of algorithm as the TPM read it;
 * start is PCR 10 before the first entry (of the log's replay, mostly zeros). A value equal to
 * start is reached by 0 entries. eventlog.ima-mismatch when no prefix does.
 */
bool ima_replay(struct ima_replay *out, const struct ima_list *list,
                enum digest_algorithm algorithm, struct slice start, struct slice value,
                struct error *err);

#define IMA_FACTS_MAX 64

enum ima_fact_kind {
    IMA_FACT_DM_TABLE,      /* critical data dm_table_load: text is the device-mapper table */
    IMA_FACT_KEXEC_LINE,    /* kexec-cmdline: another kernel was loaded, with this command line */
    IMA_FACT_KEYRING,       /* a key was added to a keyring: text is empty, name the keyring */
    IMA_FACT_CRITICAL_DATA, /* other critical data */
    IMA_FACT_POLICY_FILE,   /* a file of an IMA policy: name is its path, digest its content's */
};

struct ima_fact {
    enum ima_fact_kind kind;
    uint32_t entry;
    struct slice name; /* without its NUL, borrowed from the list */
    struct slice text;
    enum digest_algorithm algorithm; /* of digest */
    struct slice digest;             /* of text, or of the file */
};

enum ima_aggregate {
    IMA_AGGREGATE_UNKNOWN, /* none, or of an algorithm that is not the bank's */
    IMA_AGGREGATE_GOOD,    /* the first entry is the digest of PCRs 0 to 9 (old kernels: 0 to 7) */
    IMA_AGGREGATE_BAD,
};

struct ima_facts {
    struct ima_fact facts[IMA_FACTS_MAX];
    uint32_t count;
    bool is_cut; /* there were more than fit: absence of a fact means nothing, but of a kexec line,
                  * which takes another's place */
    uint32_t violations;
    enum ima_aggregate aggregate;
};

/*
 * What the entries of the replayed prefix prove; nothing where the prefix is_padded. bank: the
 * attested PCRs, for boot_aggregate. The facts borrow the list's bytes.
 */
void ima_facts_evaluate(struct ima_facts *out, const struct ima_list *list,
                        const struct ima_replay *replay, const struct tpm_pcr_bank *bank);

/*
 * Finds, in the replayed prefix, an entry for a file whose content has this digest; sets *entry.
 * path: only a file of this path, or NULL. It proves that the file was measured, not that it is in
 * use as anything. False: none.
 */
bool ima_find_file(uint32_t *entry, const struct ima_list *list, const struct ima_replay *replay,
                   enum digest_algorithm algorithm, struct slice digest, const char *path);
