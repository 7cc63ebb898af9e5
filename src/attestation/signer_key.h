/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The private key of an attestation signer, as a crypto/ signer: the keyholder has it. A keyholder
 * that was started again has forgotten its keys; the first signature that fails for that reason
 * loads the sealed key from the store and is tried once more.
 */

#include "crypto/signer.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

struct attestation_signer_key_reference {
    struct store *store;
    struct keyholder *keyholder;
    const struct public_key *public_key; /* borrowed */
};

/* reference must outlive the result. */
struct signer attestation_signer_key_signer(struct attestation_signer_key_reference *reference);
/* Loads the sealed key now. store.not-found, keyholder.*. */
bool attestation_signer_key_load(const struct attestation_signer_key_reference *reference,
                                 struct error *err);
