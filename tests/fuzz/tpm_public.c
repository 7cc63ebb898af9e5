/* SPDX-License-Identifier: Apache-2.0 */

/* Public areas and whatever else an endorsement key may come in; commands that a service asks for;
 * claimed PCR values and the state of a session, which format to the bytes that they were read
 * from.
 */

#include "tpm/command.h"

#include "require.h"

static void try_area(struct slice input)
{
    struct tpm_public area;
    struct error err = {0};
    uint8_t name[TPM_NAME_SIZE_MAX];
    _cleanup_public_key_ struct public_key *key = NULL;
    if (!tpm_public_parse(&area, input, &err)) {
        require(err.code != NULL);
        return;
    }
    require(slice_equal(area.area, input));
    require(tpm_public_name(name, &area) == 2 + digest_size(area.name_algorithm));
    require(tpm_public_key(&key, &area, &err) == (key != NULL));
}

static void try_key(struct slice input)
{
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0}, again = {0};
    struct error err = {0};
    if (!tpm_endorsement_key_parse_any(&key, input, &err)) {
        require(key.key == NULL && err.code != NULL);
        return;
    }
    require(tpm_endorsement_key_parse_any(&again, public_key_spki(key.key), &err));
    require(tpm_endorsement_key_is(&key, again.key, &err));
}

static void try_pcrs(struct slice input)
{
    struct tpm_pcr_bank bank;
    struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 4096);
    if (!tpm_pcr_bank_parse(&bank, input, NULL))
        return;
    tpm_pcr_bank_format(&bytes, &bank);
    require(slice_equal(buf_slice(&bytes), input));
    struct tpm_pcr_selection selection = {bank.algorithm, bank.present};
    uint32_t all = 0;
    size_t count = tpm_pcr_split(reads, selection);
    for (size_t i = 0; i < count; i++) {
        require((all & reads[i].pcrs) == 0 && __builtin_popcount(reads[i].pcrs) <= 8);
        all |= reads[i].pcrs;
    }
    require(all == bank.present);
}

static void try_session(struct slice input)
{
    struct tpm_session session;
    struct reader reader = reader_of(input);
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, TPM_SESSION_FORMAT_MAX);
    if (!tpm_session_parse(&session, &reader, NULL))
        return;
    tpm_session_format(&bytes, &session);
    require(!bytes.overflow && bytes.size == input.size - reader.rest.size);
    require(memcmp(bytes.data, input.data, bytes.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct error err = {0};
    try_area(input);
    try_key(input);
    try_pcrs(input);
    try_session(input);
    require(tpm_command_is_allowed(input, 0x81010001, &err) == (err.code == NULL));
    return 0;
}
