/* SPDX-License-Identifier: Apache-2.0 */
#include "simulated_endorsement.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/der.h"
#include "crypto/random.h"

/* Programs that use this are built without assertions, too. */
#define must(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

__extension__ typedef unsigned __int128 wide;
__extension__ typedef __int128 signed_wide;

/* ---- arithmetic modulo an odd number below 2^63, in Montgomery's form ---- */

struct modulus {
    uint64_t value, inverse; /* -1 / value mod 2^64 */
    uint64_t square;         /* 2^128 mod value */
};

static struct modulus modulus_of(uint64_t value)
{
    uint64_t inverse = value; /* right in three bits; each step doubles them */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - value * inverse;
    wide r = ((wide)1 << 64) % value;
    return (struct modulus){value, -inverse, (uint64_t)(r * r % value)};
}

static uint64_t multiply(uint64_t a, uint64_t b, const struct modulus *m)
{
    wide product = (wide)a * b;
    uint64_t factor = (uint64_t)product * m->inverse;
    uint64_t high = (uint64_t)((product + (wide)factor * m->value) >> 64);
    return high >= m->value ? high - m->value : high;
}

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t of)
{
    struct modulus m = modulus_of(of);
    uint64_t result = multiply(1, m.square, &m);
    uint64_t square = multiply(base % of, m.square, &m);
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = multiply(result, square, &m);
        square = multiply(square, square, &m);
    }
    return multiply(result, 1, &m);
}

/* Miller and Rabin's test with bases that decide for all numbers of 64 bits. */
static bool is_prime(uint64_t n)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    int twos = __builtin_ctzll(n - 1);
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (n % bases[i] == 0)
            return false;
        uint64_t x = power(bases[i], (n - 1) >> twos, n);
        bool witness = x != 1 && x != n - 1;
        for (int j = 1; witness && j < twos; j++) {
            x = (uint64_t)((wide)x * x % n);
            witness = x != n - 1;
        }
        if (witness)
            return false;
    }
    return true;
}

/* 1 / a mod m, for coprime a and m (which need not be prime). */
static uint64_t invert(uint64_t a, uint64_t m)
{
    signed_wide r0 = m, r1 = a % m, t0 = 0, t1 = 1;
    while (r1 != 0) {
        signed_wide q = r0 / r1, r = r0 - q * r1, t = t0 - q * t1;
        r0 = r1, r1 = r, t0 = t1, t1 = t;
    }
    must(r0 == 1);
    return (uint64_t)(t0 < 0 ? t0 + m : t0);
}

/* ---- the RSA key ---- */

#define EXPONENT 65537

/*
 * A prime p of 63 bits whose private exponent d (EXPONENT * d = 1 mod p - 1) is short and has few
 * bits: so d comes first, and p - 1 is half of EXPONENT * d - 1. That is even where d is 1 mod 4.
 * With these highest bits of d the product of 33 such primes has 2048 bits.
 */
#define EXPONENT_BITS 48
#define EXPONENT_TOP (UINT64_C(1) << 47 | UINT64_C(1) << 42)
#define EXPONENT_LOW_FIRST 2 /* to 37: bits that are drawn */
#define EXPONENT_LOW_COUNT 36
#define EXPONENT_LOW_DRAWN 4

static uint64_t draw_exponent(void)
{
    uint64_t exponent = EXPONENT_TOP | 1;
    for (int i = 0; i < EXPONENT_LOW_DRAWN; i++)
        exponent |= UINT64_C(1) << (EXPONENT_LOW_FIRST + random_below(EXPONENT_LOW_COUNT));
    return exponent;
}

static uint64_t draw_prime(void)
{
    for (;;) {
        uint64_t exponent = draw_exponent();
        uint64_t candidate = (uint64_t)(((wide)EXPONENT * exponent - 1) / 2) + 1;
        if (is_prime(candidate))
            return candidate;
    }
}

static bool is_among(uint64_t prime, const struct simulated_prime *primes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (primes[i].value == prime)
            return true;
    return false;
}

static void to_words(uint64_t words[SIMULATED_WORDS], const BIGNUM *number)
{
    uint8_t bytes[8 * SIMULATED_WORDS];
    must(BN_bn2lebinpad(number, bytes, sizeof bytes) == sizeof bytes);
    memcpy(words, bytes, sizeof bytes); /* which are little-endian, as this machine */
}

/* Its place in the product; modulus is as before when this returns. */
static void prepare(struct simulated_prime *prime, BIGNUM *modulus)
{
    struct modulus m = modulus_of(prime->value);
    prime->inverse = m.inverse;
    prime->square = m.square;
    prime->exponent = invert(EXPONENT, prime->value - 1);
    must(BN_div_word(modulus, prime->value) == 0);
    prime->coefficient = invert(BN_mod_word(modulus, prime->value), prime->value);
    to_words(prime->cofactor, modulus);
    must(BN_mul_word(modulus, prime->value));
    uint64_t power = multiply(1, m.square, &m);
    for (size_t i = 0; i < SIMULATED_WORDS; i++) {
        prime->powers[i] = power;
        power = multiply(power, m.square, &m); /* by 2^128, and from Montgomery's form by 2^-64 */
    }
}

static void make_rsa(struct simulated_rsa *rsa)
{
    BIGNUM *modulus = BN_new();
    must(modulus != NULL && BN_one(modulus));
    for (size_t i = 0; i < SIMULATED_PRIMES; i++) {
        do
            rsa->primes[i].value = draw_prime();
        while (is_among(rsa->primes[i].value, rsa->primes, i));
        must(BN_mul_word(modulus, rsa->primes[i].value));
    }
    must(BN_num_bits(modulus) == 2048);
    for (size_t i = 0; i < SIMULATED_PRIMES; i++)
        prepare(&rsa->primes[i], modulus);
    must(BN_bn2binpad(modulus, rsa->modulus, sizeof rsa->modulus) == sizeof rsa->modulus);
    to_words(rsa->words, modulus);
    BN_free(modulus);
}

static uint64_t multiply_mod(uint64_t a, uint64_t b, const struct simulated_prime *prime)
{
    const struct modulus m = {prime->value, prime->inverse, prime->square};
    return multiply(a, b, &m);
}

/* number * 2^64 mod prime */
static uint64_t shifted(uint64_t number, const struct simulated_prime *prime)
{
    return multiply_mod(number, prime->square, prime);
}

/* cipher mod prime, in Montgomery's form. The upper and lower halves of the products are summed
 * apart, and reduced once. */
static uint64_t residue(const uint64_t cipher[SIMULATED_WORDS], const struct simulated_prime *prime)
{
    wide low = 0, high = 0;
    for (size_t i = 0; i < SIMULATED_WORDS; i++) {
        wide product = (wide)cipher[i] * prime->powers[i];
        low += (uint64_t)product;
        high += (uint64_t)(product >> 64);
    }
    high += (uint64_t)(low >> 64);
    wide sum = (wide)shifted(shifted((uint64_t)(high >> 64), prime), prime) +
               shifted((uint64_t)high, prime) +
               multiply_mod((uint64_t)low, prime->powers[0], prime);
    while (sum >= prime->value)
        sum -= prime->value;
    return (uint64_t)sum;
}

#define LANES 3 /* primes at a time, since one multiplication waits for another */

/* (cipher mod prime)^exponent * coefficient mod prime, for LANES primes. */
static void share(uint64_t factors[LANES], const uint64_t cipher[SIMULATED_WORDS],
                  const struct simulated_prime *primes)
{
    uint64_t square[LANES], result[LANES];
    for (size_t k = 0; k < LANES; k++) {
        square[k] = residue(cipher, &primes[k]);
        result[k] = multiply_mod(1, primes[k].square, &primes[k]);
    }
    for (unsigned bit = 0; bit < EXPONENT_BITS; bit++)
        for (size_t k = 0; k < LANES; k++) {
            if (primes[k].exponent >> bit & 1)
                result[k] = multiply_mod(result[k], square[k], &primes[k]);
            square[k] = multiply_mod(square[k], square[k], &primes[k]);
        }
    for (size_t k = 0; k < LANES; k++)
        factors[k] = multiply_mod(result[k], primes[k].coefficient, &primes[k]);
}

/* sum += number * factor */
static void add_product(uint64_t sum[SIMULATED_WORDS + 1], const uint64_t number[SIMULATED_WORDS],
                        uint64_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < SIMULATED_WORDS; i++) {
        wide word = (wide)number[i] * factor + sum[i] + carry;
        sum[i] = (uint64_t)word;
        carry = (uint64_t)(word >> 64);
    }
    sum[SIMULATED_WORDS] += carry;
}

/* sum -= number; false, and sum is as before, where that is below zero. */
static bool subtract(uint64_t sum[SIMULATED_WORDS + 1], const uint64_t number[SIMULATED_WORDS])
{
    uint64_t difference[SIMULATED_WORDS + 1], borrow = 0;
    for (size_t i = 0; i <= SIMULATED_WORDS; i++) {
        wide word = (wide)sum[i] - (i < SIMULATED_WORDS ? number[i] : 0) - borrow;
        difference[i] = (uint64_t)word;
        borrow = (uint64_t)(word >> 64) & 1;
    }
    if (borrow == 0)
        memcpy(sum, difference, sizeof difference);
    return borrow == 0;
}

/* cipher^d mod modulus, prime by prime, put together again. */
static void apply_private(uint8_t out[256], const struct simulated_rsa *rsa, struct slice cipher)
{
    uint64_t words[SIMULATED_WORDS], sum[SIMULATED_WORDS + 1] = {0}, factors[LANES];
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = cipher.data[sizeof bytes - 1 - i];
    memcpy(words, bytes, sizeof words);
    for (size_t i = 0; i < SIMULATED_PRIMES; i += LANES) {
        share(factors, words, &rsa->primes[i]);
        for (size_t k = 0; k < LANES; k++)
            add_product(sum, rsa->primes[i + k].cofactor, factors[k]);
    }
    while (subtract(sum, rsa->words))
        continue;
    memcpy(bytes, sum, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        out[i] = bytes[sizeof bytes - 1 - i];
}
_Static_assert(SIMULATED_PRIMES % LANES == 0, "no prime is left over");

static void mask(uint8_t *data, size_t size, struct slice seed)
{
    for (uint32_t counter = 0; size > 0; counter++) {
        uint8_t number[4] = {(uint8_t)(counter >> 24), (uint8_t)(counter >> 16),
                             (uint8_t)(counter >> 8), (uint8_t)counter};
        struct slice parts[2] = {seed, slice_of(number, sizeof number)};
        struct digest digest;
        digest_compute_parts(&digest, DIGEST_SHA256, parts, 2);
        size_t part = size < digest.size ? size : digest.size;
        for (size_t i = 0; i < part; i++)
            data[i] ^= digest.value[i];
        data += part;
        size -= part;
    }
}

/* EME-OAEP decoding (RFC 8017 7.1.2) with SHA-256 and the label of a salt. */
static bool rsa_salt(struct buf *out, const struct simulated_rsa *rsa, struct slice encrypted)
{
    if (encrypted.size != 256)
        return false;
    uint8_t message[256], label[32];
    apply_private(message, rsa, encrypted);
    digest_sha256(label, slice_of("SECRET", 7));
    mask(message + 1, 32, slice_of(message + 33, 223));
    mask(message + 33, 223, slice_of(message + 1, 32));
    if (message[0] != 0 || memcmp(message + 33, label, 32) != 0)
        return false;
    size_t at = 65;
    while (at < sizeof message && message[at] == 0)
        at++;
    if (at == sizeof message || message[at] != 1)
        return false;
    buf_append_bytes(out, message + at + 1, sizeof message - at - 1);
    return true;
}

/* ---- the ECC key ---- */

static size_t field_size(const struct simulated_key *key)
{
    return key->kind == SIMULATED_P256 ? 32 : 48;
}

static void make_ecc(struct simulated_key *key)
{
    key->ecc = EVP_EC_gen(key->kind == SIMULATED_P256 ? "P-256" : "P-384");
    size_t size = 0;
    must(key->ecc != NULL &&
         EVP_PKEY_get_octet_string_param(key->ecc, OSSL_PKEY_PARAM_PUB_KEY, key->point,
                                         sizeof key->point, &size) == 1 &&
         size == 1 + 2 * field_size(key));
    key->x = slice_of(key->point + 1, field_size(key));
    key->y = slice_of(key->point + 1 + field_size(key), field_size(key));
}

static void pad(uint8_t *to, size_t size, struct slice number)
{
    must(number.size <= size);
    memset(to, 0, size);
    memcpy(to + size - number.size, number.data, number.size);
}

static bool agree(uint8_t shared[48], const struct simulated_key *key, struct slice x,
                  struct slice y)
{
    size_t field = field_size(key), size = 48;
    uint8_t point[97] = {4};
    pad(point + 1, field, x);
    pad(point + 1 + field, field, y);
    EVP_PKEY *peer = EVP_PKEY_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->ecc, NULL);
    must(peer != NULL && context != NULL && EVP_PKEY_copy_parameters(peer, key->ecc) == 1);
    bool agreed = EVP_PKEY_set1_encoded_public_key(peer, point, 1 + 2 * field) == 1 &&
                  EVP_PKEY_derive_init(context) == 1 &&
                  EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                  EVP_PKEY_derive(context, shared, &size) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return agreed;
}

/* A TPMS_ECC_POINT; then KDFe (Part 1, 11.4.10.3), which for one block is one digest. */
static bool ecc_salt(struct buf *out, const struct simulated_key *key, struct slice encrypted)
{
    struct reader reader = reader_of(encrypted);
    struct slice x = reader_bytes(&reader, reader_u16_be(&reader));
    struct slice y = reader_bytes(&reader, reader_u16_be(&reader));
    uint8_t shared[48], ephemeral[48];
    size_t field = field_size(key);
    if (!reader_done(&reader) || x.size > field || y.size > field || !agree(shared, key, x, y))
        return false;
    pad(ephemeral, field, x);
    static const uint8_t one[4] = {0, 0, 0, 1};
    struct slice parts[5] = {slice_of(one, 4), slice_of(shared, field), slice_of("SECRET", 7),
                             slice_of(ephemeral, field), key->x};
    struct digest digest;
    digest_compute_parts(&digest, simulated_key_name_algorithm(key), parts, 5);
    buf_append(out, digest_slice(&digest));
    return true;
}

/* ---- both ---- */

void simulated_key_make(struct simulated_key *out, enum simulated_endorsement kind)
{
    memset(out, 0, sizeof *out);
    out->kind = kind;
    struct error err = {0};
    static const uint8_t exponent[3] = {1, 0, 1};
    if (kind == SIMULATED_RSA_2048) {
        make_rsa(&out->rsa);
        must(public_key_of_rsa(&out->public_key, slice_of(out->rsa.modulus, 256),
                               slice_of(exponent, 3), &err));
        return;
    }
    make_ecc(out);
    must(public_key_of_point(&out->public_key,
                             kind == SIMULATED_P256 ? PUBLIC_KEY_P256 : PUBLIC_KEY_P384, out->x,
                             out->y, &err));
}

void simulated_key_done(struct simulated_key *key)
{
    EVP_PKEY_free(key->ecc);
    public_key_free(&key->public_key);
}

enum digest_algorithm simulated_key_name_algorithm(const struct simulated_key *key)
{
    return key->kind == SIMULATED_P384 ? DIGEST_SHA384 : DIGEST_SHA256;
}

bool simulated_key_salt(struct buf *out, const struct simulated_key *key, struct slice encrypted)
{
    return key->kind == SIMULATED_RSA_2048 ? rsa_salt(out, &key->rsa, encrypted)
                                           : ecc_salt(out, key, encrypted);
}

/* PolicyA with SHA-256 and PolicyB with SHA-384 (TCG EK Credential Profile; eventlog-facts 7.1). */
static const uint8_t policy_a[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
static const uint8_t policy_b[48] = {
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12};

static void append_sized(struct buf *out, struct slice bytes)
{
    buf_append_u16_be(out, (uint16_t)bytes.size);
    buf_append(out, bytes);
}

void simulated_key_format(struct buf *out, const struct simulated_key *key)
{
    struct buf area;
    buf_init(&area, 1024);
    bool high = key->kind == SIMULATED_P384, rsa = key->kind == SIMULATED_RSA_2048;
    buf_append_u16_be(&area, rsa ? 0x0001 : 0x0023);
    buf_append_u16_be(&area, (uint16_t)simulated_key_name_algorithm(key));
    buf_append_u32_be(&area, high ? 0x000300f2 : 0x000300b2);
    append_sized(&area, high ? slice_of(policy_b, 48) : slice_of(policy_a, 32));
    buf_append_u16_be(&area, 0x0006); /* AES, CFB */
    buf_append_u16_be(&area, high ? 256 : 128);
    buf_append_u16_be(&area, 0x0043);
    buf_append_u16_be(&area, 0x0010); /* no scheme */
    if (rsa) {
        buf_append_u16_be(&area, 2048);
        buf_append_u32_be(&area, 0);
        append_sized(&area, slice_of(key->rsa.modulus, 256));
    } else {
        buf_append_u16_be(&area, high ? 0x0004 : 0x0003);
        buf_append_u16_be(&area, 0x0010); /* no derivation */
        append_sized(&area, key->x);
        append_sized(&area, key->y);
    }
    append_sized(out, buf_slice(&area));
    buf_done(&area);
}

void simulated_kdfa(uint8_t out[32], struct slice key, const char *label, struct slice u,
                    struct slice v)
{
    struct buf input;
    struct digest digest;
    buf_init(&input, 512);
    buf_append_u32_be(&input, 1);
    buf_append_bytes(&input, label, strlen(label) + 1);
    buf_append(&input, u);
    buf_append(&input, v);
    buf_append_u32_be(&input, 256);
    digest_hmac(&digest, DIGEST_SHA256, key, buf_slice(&input));
    memcpy(out, digest.value, 32);
    buf_done(&input);
}

/* ---- certificates ---- */

static struct {
    struct private_key *root_key, *intermediate_key;
    struct buf root, intermediate;
} authorities;
static pthread_once_t authorities_once = PTHREAD_ONCE_INIT;

static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}; /* ecdsa-with-SHA256 */

static void write_name(struct buf *out, const char *common_name)
{
    size_t name = der_begin(out, DER_SEQUENCE);
    if (common_name != NULL) {
        size_t part = der_begin(out, DER_SET), attribute = der_begin(out, DER_SEQUENCE);
        der_write(out, DER_OID, slice_of("\x55\x04\x03", 3));
        der_write(out, DER_UTF8_STRING, slice_from_text(common_name));
        der_end(out, attribute);
        der_end(out, part);
    }
    der_end(out, name);
}

static void write_extension(struct buf *out, struct slice oid, bool critical, struct slice value)
{
    size_t extension = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, oid);
    if (critical)
        der_write(out, DER_BOOLEAN, slice_of("\xff", 1));
    der_write(out, DER_OCTET_STRING, value);
    der_end(out, extension);
}

/* One attribute of the TPM, 2.23.133.2.N, in a part of its own. */
static void write_maker(struct buf *out, uint8_t number, const char *text)
{
    uint8_t oid[] = {0x67, 0x81, 0x05, 0x02, number};
    size_t part = der_begin(out, DER_SET), attribute = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(oid, sizeof oid));
    der_write(out, DER_UTF8_STRING, slice_from_text(text));
    der_end(out, attribute);
    der_end(out, part);
}

static void write_alternative_name(struct buf *out)
{
    struct buf value;
    buf_init(&value, 512);
    size_t names = der_begin(&value, DER_SEQUENCE);
    size_t directory = der_begin(&value, DER_CONTEXT_CONSTRUCTED(4));
    size_t name = der_begin(&value, DER_SEQUENCE);
    write_maker(&value, 1, "id:53494D00");
    write_maker(&value, 2, "simulated");
    write_maker(&value, 3, "id:00010002");
    der_end(&value, name);
    der_end(&value, directory);
    der_end(&value, names);
    write_extension(out, slice_of("\x55\x1d\x11", 3), true, buf_slice(&value));
    buf_done(&value);
}

enum kind { AUTHORITY, ENDORSEMENT_RSA, ENDORSEMENT_ECC };

static void write_extensions(struct buf *out, enum kind kind)
{
    /* keyEncipherment, or keyAgreement */
    const char *usage = kind == ENDORSEMENT_RSA ? "\x03\x02\x05\x20" : "\x03\x02\x03\x08";
    size_t explicit = der_begin(out, DER_CONTEXT_CONSTRUCTED(3));
    size_t extensions = der_begin(out, DER_SEQUENCE);
    if (kind == AUTHORITY) {
        write_extension(out, slice_of("\x55\x1d\x13", 3), true,
                        slice_of("\x30\x03\x01\x01\xff", 5));
        write_extension(out, slice_of("\x55\x1d\x0f", 3), true, slice_of("\x03\x02\x02\x04", 4));
    } else {
        write_alternative_name(out);
        write_extension(out, slice_of("\x55\x1d\x13", 3), true, slice_of("\x30\x00", 2));
        write_extension(out, slice_of("\x55\x1d\x0f", 3), true, slice_of(usage, 4));
        /* 2.23.133.8.1, tcg-kp-EKCertificate */
        write_extension(out, slice_of("\x55\x1d\x25", 3), false,
                        slice_of("\x30\x07\x06\x05\x67\x81\x05\x08\x01", 9));
    }
    der_end(out, extensions);
    der_end(out, explicit);
}

static void issue(struct buf *out, enum kind kind, const char *subject,
                  const struct public_key *key, const char *issuer,
                  const struct private_key *issuer_key)
{
    struct buf tbs, signature;
    struct digest digest;
    struct error err = {0};
    uint8_t serial[16];
    random_bytes(serial, sizeof serial);
    buf_init(&tbs, 4096);
    buf_init(&signature, 256);
    size_t sequence = der_begin(&tbs, DER_SEQUENCE);
    buf_append_bytes(&tbs, "\xa0\x03\x02\x01\x02", 5);
    der_write_unsigned(&tbs, slice_of(serial, sizeof serial));
    buf_append_bytes(&tbs, algorithm, sizeof algorithm);
    write_name(&tbs, issuer);
    size_t validity = der_begin(&tbs, DER_SEQUENCE);
    der_write_time(&tbs, 1577836800);   /* 2020-01-01 */
    der_write_time(&tbs, 253402300799); /* 9999-12-31 */
    der_end(&tbs, validity);
    write_name(&tbs, subject);
    buf_append(&tbs, public_key_spki(key));
    write_extensions(&tbs, kind);
    der_end(&tbs, sequence);
    digest_compute(&digest, DIGEST_SHA256, buf_slice(&tbs));
    must(private_key_sign_digest(&signature, issuer_key, SIGNATURE_ECDSA_SHA256,
                                 digest_slice(&digest), &err));
    size_t certificate = der_begin(out, DER_SEQUENCE);
    buf_append(out, buf_slice(&tbs));
    buf_append_bytes(out, algorithm, sizeof algorithm);
    der_write_bits(out, buf_slice(&signature));
    der_end(out, certificate);
    buf_done(&tbs);
    buf_done(&signature);
}

#define ROOT_NAME "Simulated TPM Root"
#define INTERMEDIATE_NAME "Simulated TPM Intermediate"

/* What the process's end frees. */
static void free_authorities(void)
{
    private_key_free(&authorities.root_key);
    private_key_free(&authorities.intermediate_key);
    buf_done(&authorities.root);
    buf_done(&authorities.intermediate);
}

static void make_authorities(void)
{
    struct error err = {0};
    must(private_key_generate(&authorities.root_key, PRIVATE_KEY_P256, &err) &&
         private_key_generate(&authorities.intermediate_key, PRIVATE_KEY_P256, &err));
    buf_init(&authorities.root, 4096);
    buf_init(&authorities.intermediate, 4096);
    issue(&authorities.root, AUTHORITY, ROOT_NAME, private_key_public(authorities.root_key),
          ROOT_NAME, authorities.root_key);
    issue(&authorities.intermediate, AUTHORITY, INTERMEDIATE_NAME,
          private_key_public(authorities.intermediate_key), ROOT_NAME, authorities.root_key);
    must(atexit(free_authorities) == 0);
}

struct slice simulated_tpm_root(void)
{
    must(pthread_once(&authorities_once, make_authorities) == 0);
    return buf_slice(&authorities.root);
}

struct slice simulated_tpm_intermediate(void)
{
    must(pthread_once(&authorities_once, make_authorities) == 0);
    return buf_slice(&authorities.intermediate);
}

void simulated_key_certify(struct buf *out, const struct simulated_key *key)
{
    must(pthread_once(&authorities_once, make_authorities) == 0);
    issue(out, key->kind == SIMULATED_RSA_2048 ? ENDORSEMENT_RSA : ENDORSEMENT_ECC, NULL,
          key->public_key, INTERMEDIATE_NAME, authorities.intermediate_key);
}
