/* SPDX-License-Identifier: Apache-2.0 */
/* What a PKCS#11 module answers (tests/modules/fuzzed_token.c): nothing of it is believed unseen.
 */
#include "keyholder/token.h"

#include <dlfcn.h>

#include "require.h"

static void (*feed)(const void *data, size_t size);

static void load(void)
{
    void *library = dlopen(HGS_FUZZED_TOKEN, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL);
    *(void **)&feed = dlsym(library, "fuzzed_token_feed");
    require(feed != NULL);
}

/* This token has no private key: whatever it gives for a signature, or decrypts, is wrong. */
static void use(struct token *token, struct token_key *key)
{
    struct error err = {0};
    struct token_abilities abilities;
    uint8_t bytes[256] = {0};
    _cleanup_buf_ struct buf out;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    buf_init(&out, 65536);
    require(!token_operations.sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256,
                                   slice_of(bytes, DIGEST_SHA256_SIZE), &out, &err));
    require(err.code != NULL && out.size == 0);
    require(!token_operations.decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA256,
                                      slice_of(bytes, sizeof bytes), &plain, NULL) &&
            plain.data == NULL);
    require(!token_key_probe(key, 0, &abilities, NULL));
    token_key_certificate(key, 0, &out, NULL);
    token_check(token, 0, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (feed == NULL)
        load();
    if (size < 1)
        return 0;
    feed(data + 1, size - 1);
    uint8_t pin_bytes[] = "1234";
    const struct secret pin = {pin_bytes, 4};
    const struct token_options options = {.module = HGS_FUZZED_TOKEN,
                                          .uri = "pkcs11:token=fuzz",
                                          .pin = &pin,
                                          .workers = 1,
                                          .raw_rsa = (data[0] & 1) != 0};
    enum key_purpose purpose =
        (data[0] & 2) != 0 ? KEY_PURPOSE_GUARDIAN_SIGNING : KEY_PURPOSE_GUARDIAN_ENCRYPTION;
    _cleanup_token_ struct token *token = NULL;
    _cleanup_token_key_ struct token_key *key = NULL, *made = NULL;
    if (!token_open(&token, &options, NULL))
        return 0;
    if (token_key_open(&key, token, 0, "pkcs11:object=a", purpose, NULL))
        use(token, key);
    require(!token_key_generate(&made, token, 0, "pkcs11:object=b", purpose, 2048, NULL));
    return 0;
}
