/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/purpose.h"

#include "crypto/errors.h"

#define BIT(value) (1u << (value))

struct rule {
    const char *name;
    unsigned types;       /* bits of enum public_key_type */
    unsigned signatures;  /* bits of enum signature_algorithm */
    unsigned encryptions; /* bits of enum encryption_algorithm */
    bool checkpoints;
    bool requests;
    const char *kinds; /* types in words, for messages */
};

#define RSA_SIGNATURES                                                   \
    (BIT(SIGNATURE_RSA_PKCS1_SHA256) | BIT(SIGNATURE_RSA_PKCS1_SHA384) | \
     BIT(SIGNATURE_RSA_PKCS1_SHA512) | BIT(SIGNATURE_RSA_PSS_SHA256))
#define ANY_TYPE (BIT(PUBLIC_KEY_RSA) | BIT(PUBLIC_KEY_P256) | BIT(PUBLIC_KEY_P384))

static const struct rule rules[] = {
    [KEY_PURPOSE_GUARDIAN_SIGNING] = {.name = "guardian-signing",
                                      .types = BIT(PUBLIC_KEY_RSA),
                                      .signatures = RSA_SIGNATURES,
                                      .requests = true,
                                      .kinds = "RSA"},
    [KEY_PURPOSE_GUARDIAN_ENCRYPTION] = {.name = "guardian-encryption",
                                         .types = BIT(PUBLIC_KEY_RSA),
                                         .encryptions = BIT(ENCRYPTION_RSA_OAEP_SHA256) |
                                                        BIT(ENCRYPTION_RSA_OAEP_SHA1),
                                         .requests = true,
                                         .kinds = "RSA"},
    [KEY_PURPOSE_ATTESTATION_SIGNER] = {.name = "attestation-signer",
                                        .types = ANY_TYPE,
                                        .signatures = BIT(SIGNATURE_RSA_PKCS1_SHA256) |
                                                      BIT(SIGNATURE_ECDSA_SHA256) |
                                                      BIT(SIGNATURE_ECDSA_SHA384),
                                        .kinds = "RSA, P-256 or P-384"},
    /* The metadata's signature is rsa-sha256 (protocol.md 3). */
    [KEY_PURPOSE_COMMUNICATIONS] = {.name = "communications",
                                    .types = BIT(PUBLIC_KEY_RSA),
                                    .signatures = RSA_SIGNATURES,
                                    .requests = true,
                                    .kinds = "RSA"},
    [KEY_PURPOSE_AUDIT] = {.name = "audit",
                           .types = BIT(PUBLIC_KEY_P256),
                           .checkpoints = true,
                           .kinds = "P-256"},
};

static const struct rule *find(enum key_purpose purpose)
{
    size_t index = (size_t)purpose;
    if (index >= sizeof rules / sizeof rules[0] || rules[index].name == NULL)
        return NULL;
    return &rules[index];
}

const char *purpose_name(enum key_purpose purpose)
{
    const struct rule *rule = find(purpose);
    return rule != NULL ? rule->name : NULL;
}

bool purpose_check_key(enum key_purpose purpose, const struct public_key *key, struct error *err)
{
    const struct rule *rule = find(purpose);
    if (rule == NULL)
        return error_set(err, &crypto_key_unsupported, NULL, NULL, "%d is no purpose of a key",
                         (int)purpose);
    enum public_key_type type = public_key_type(key);
    if ((rule->types & BIT(type)) == 0)
        return error_set(err, &crypto_key_unsupported, NULL, NULL,
                         "a key for %s must be %s, and this one is %s", rule->name, rule->kinds,
                         type == PUBLIC_KEY_RSA    ? "RSA"
                         : type == PUBLIC_KEY_P256 ? "P-256"
                                                   : "P-384");
    if (type == PUBLIC_KEY_RSA && public_key_bits(key) < 2048)
        return error_set(err, &crypto_key_too_small, NULL, NULL, "the key has %d bits",
                         public_key_bits(key));
    return true;
}

bool purpose_allows_signature(enum key_purpose purpose, enum signature_algorithm algorithm)
{
    const struct rule *rule = find(purpose);
    return rule != NULL && (rule->signatures & BIT(algorithm)) != 0;
}

bool purpose_allows_decryption(enum key_purpose purpose, enum encryption_algorithm algorithm)
{
    const struct rule *rule = find(purpose);
    return rule != NULL && (rule->encryptions & BIT(algorithm)) != 0;
}

bool purpose_allows_checkpoint(enum key_purpose purpose)
{
    const struct rule *rule = find(purpose);
    return rule != NULL && rule->checkpoints;
}

bool purpose_allows_request(enum key_purpose purpose)
{
    const struct rule *rule = find(purpose);
    return rule != NULL && rule->requests;
}
