/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/errors.h"
#include "crypto/pem.h"
#include "crypto/private_key_openssl.h"

#define PEM_SIZE_MAX 65536
#define PASSWORD_SIZE_MAX 1024

/* One block of a PEM file, in OpenSSL's memory. */
struct block {
    char *name, *header;
    unsigned char *data;
    long size;
};

static void block_done(struct block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, (size_t)block->size);
    *block = (struct block){NULL, NULL, NULL, 0};
}

static bool malformed(struct error *err, const char *what)
{
    ERR_clear_error();
    return error_set(err, &crypto_key_malformed, "RFC 7468", NULL, "%s", what);
}

static bool password_wrong(struct error *err, struct slice password)
{
    ERR_clear_error();
    return error_set(err, &crypto_password_wrong, NULL, NULL, "%s",
                     password.size == 0 ? "the private key is encrypted, and no password was given"
                                        : "the password does not open the private key");
}

static EVP_PKEY *decode_pkcs8(struct slice der)
{
    const unsigned char *position = der.data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &position, (long)der.size);
    bool whole = info != NULL && position == der.data + der.size;
    EVP_PKEY *key = whole ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

/* EncryptedPrivateKeyInfo (RFC 5958 3). */
static bool open_pkcs8(EVP_PKEY **out, const struct block *block, struct slice password,
                       struct error *err)
{
    const unsigned char *position = block->data;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &position, block->size);
    if (sealed == NULL || position != block->data + block->size) {
        X509_SIG_free(sealed);
        return malformed(err, "the encrypted private key is not one whole PKCS#8 structure");
    }
    const X509_ALGOR *algorithm;
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (!openssl_check_encryption(algorithm, &crypto_key_unsupported, &crypto_key_malformed, err)) {
        X509_SIG_free(sealed);
        return false;
    }
    const char *text = password.size > 0 ? (const char *)password.data : "";
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sealed, text, (int)password.size);
    X509_SIG_free(sealed);
    if (info == NULL)
        return password_wrong(err, password);
    *out = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return *out != NULL || malformed(err, "the private key is of no kind that can be read");
}

static int give_password(char *to, int size, int writing, void *context)
{
    (void)writing;
    const struct slice *password = context;
    if (password->size == 0 || password->size > (size_t)size)
        return -1;
    memcpy(to, password->data, password->size);
    return (int)password->size;
}

/* RSAPrivateKey or ECPrivateKey, perhaps encrypted as RFC 1421 has it. */
static bool open_traditional(EVP_PKEY **out, int type, struct block *block, struct slice password,
                             struct error *err)
{
    EVP_CIPHER_INFO cipher;
    if (PEM_get_EVP_CIPHER_INFO(block->header, &cipher) != 1)
        return malformed(err, "the private key's PEM header cannot be read");
    bool encrypted = cipher.cipher != NULL;
    if (encrypted &&
        PEM_do_header(&cipher, block->data, &block->size, give_password, &password) != 1)
        return password_wrong(err, password);
    const unsigned char *position = block->data;
    EVP_PKEY *key = d2i_PrivateKey(type, NULL, &position, block->size);
    if (key != NULL && position == block->data + block->size) {
        *out = key;
        return true;
    }
    EVP_PKEY_free(key);
    /* A wrong password now and then leaves valid padding. */
    return encrypted ? password_wrong(err, password)
                     : malformed(err, "the private key is not one whole DER structure");
}

static bool open_block(EVP_PKEY **out, struct block *block, struct slice password,
                       struct error *err)
{
    if (strcmp(block->name, PEM_STRING_PKCS8) == 0)
        return open_pkcs8(out, block, password, err);
    if (strcmp(block->name, PEM_STRING_RSA) == 0)
        return open_traditional(out, EVP_PKEY_RSA, block, password, err);
    if (strcmp(block->name, PEM_STRING_ECPRIVATEKEY) == 0)
        return open_traditional(out, EVP_PKEY_EC, block, password, err);
    *out = decode_pkcs8(slice_of(block->data, (size_t)block->size));
    return *out != NULL || malformed(err, "the private key is not one whole PKCS#8 structure");
}

static bool is_private_key(const char *name)
{
    return strcmp(name, PEM_STRING_PKCS8) == 0 || strcmp(name, PEM_STRING_PKCS8INF) == 0 ||
           strcmp(name, PEM_STRING_RSA) == 0 || strcmp(name, PEM_STRING_ECPRIVATEKEY) == 0;
}

/* The first private key of the file; certificates and parameters may stand before it. */
static bool find_block(struct block *out, struct slice pem)
{
    _cleanup_bio_ BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL)
        openssl_abort("BIO");
    struct block block = {NULL, NULL, NULL, 0};
    while (PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.size) == 1) {
        if (is_private_key(block.name)) {
            *out = block;
            return true;
        }
        block_done(&block);
    }
    return false;
}

bool private_key_parse_pem(struct private_key **out, struct slice pem, struct slice password,
                           struct error *err)
{
    struct block block;
    if (pem.size == 0 || pem.size > PEM_SIZE_MAX || !find_block(&block, pem))
        return malformed(err, "the file holds no private key in PEM");
    if (password.size > PASSWORD_SIZE_MAX) {
        block_done(&block);
        return password_wrong(err, password);
    }
    EVP_PKEY *handle = NULL;
    bool opened = open_block(&handle, &block, password, err);
    block_done(&block);
    return opened && private_key_of_openssl(out, handle, err);
}

void private_key_format_pem(struct buf *out, const struct private_key *key)
{
    pem_format(out, "PRIVATE KEY", private_key_pkcs8(key));
}
