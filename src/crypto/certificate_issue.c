/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "crypto/certificate_extensions.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/name.h"
#include "crypto/random.h"

#define SERIAL_SIZE 16
#define SHA1_SIZE 20

/* Years that DER's two forms of time can say: 1950-01-01 to 9999-12-31T23:59:59. */
#define TIME_MIN INT64_C(-631152000)
#define TIME_MAX INT64_C(253402300799)

static size_t count_characters(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += (text.data[i] & 0xc0) != 0x80;
    return count;
}

static bool check(const struct certificate_template *wanted, const struct signer *signer,
                  struct error *err)
{
    struct slice name = slice_from_text(wanted->subject_cn);
    if (name.size == 0 || utf8_valid(name) != name.size ||
        count_characters(name) > CERTIFICATE_CN_MAX)
        return error_set(err, &crypto_certificate_malformed, "RFC 5280 A.1", wanted->subject_cn,
                         "a common name has 1 to %d characters of UTF-8", CERTIFICATE_CN_MAX);
    if (wanted->not_before < TIME_MIN || wanted->not_after > TIME_MAX ||
        wanted->not_before > wanted->not_after)
        return error_set(err, &crypto_certificate_malformed, "RFC 5280 4.1.2.5", wanted->subject_cn,
                         "a certificate cannot be valid from %jd to %jd (seconds since 1970)",
                         (intmax_t)wanted->not_before, (intmax_t)wanted->not_after);
    /* Whoever is the issuer, the signer has its key. */
    const struct public_key *issuer_key =
        wanted->issuer != NULL ? certificate_key(wanted->issuer) : wanted->subject_key;
    if (memcmp(public_key_digest(issuer_key), public_key_digest(signer->public_key),
               DIGEST_SHA256_SIZE) != 0)
        return error_set(err, &crypto_key_mismatch, NULL, wanted->subject_cn,
                         "the certificate is to be signed by another key than its issuer's");
    return true;
}

/* RFC 5280 4.2.1.2 (1). */
static void make_key_id(struct digest *out, const struct public_key *key)
{
    digest_compute(out, DIGEST_SHA1, public_key_material(key));
}

static void write_serial(struct buf *out)
{
    uint8_t serial[SERIAL_SIZE];
    random_bytes(serial, sizeof serial);
    /* Positive, and 16 bytes long without a zero in front. */
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    der_write(out, DER_INTEGER, slice_of(serial, sizeof serial));
}

static void write_validity(struct buf *out, const struct certificate_template *wanted)
{
    size_t validity = der_begin(out, DER_SEQUENCE);
    der_write_time(out, wanted->not_before);
    der_write_time(out, wanted->not_after);
    der_end(out, validity);
}

static void write_tbs(struct buf *out, const struct certificate_template *wanted,
                      struct slice algorithm)
{
    static const uint8_t version_3[] = {0xa0, 3, DER_INTEGER, 1, 2};
    struct digest subject_key_id, issuer_key_id;
    make_key_id(&subject_key_id, wanted->subject_key);
    struct slice authority_key_id = digest_slice(&subject_key_id);
    size_t tbs = der_begin(out, DER_SEQUENCE);
    buf_append_bytes(out, version_3, sizeof version_3);
    write_serial(out);
    buf_append(out, algorithm);
    if (wanted->issuer != NULL) {
        const struct certificate_facts *issuer = certificate_facts(wanted->issuer);
        authority_key_id = issuer->subject_key_id;
        if (authority_key_id.size == 0) {
            make_key_id(&issuer_key_id, certificate_key(wanted->issuer));
            authority_key_id = digest_slice(&issuer_key_id);
        }
        buf_append(out, issuer->subject);
    } else {
        name_write_common_name(out, wanted->subject_cn);
    }
    write_validity(out, wanted);
    name_write_common_name(out, wanted->subject_cn);
    buf_append(out, public_key_spki(wanted->subject_key));
    certificate_write_extensions(out, wanted, digest_slice(&subject_key_id), authority_key_id);
    der_end(out, tbs);
}

bool certificate_issue(struct buf *out, const struct certificate_template *certificate_template,
                       const struct signer *signer, struct error *err)
{
    if (!check(certificate_template, signer, err))
        return false;
    enum signature_algorithm algorithm = signer_algorithm(signer->public_key);
    struct slice identifier = certificate_algorithm_identifier(algorithm);
    struct buf certificate, signature;
    buf_init(&certificate, CERTIFICATE_SIZE_MAX);
    buf_init(&signature, CERTIFICATE_SIZE_MAX);
    size_t begin = der_begin(&certificate, DER_SEQUENCE);
    size_t tbs = certificate.size;
    write_tbs(&certificate, certificate_template, identifier);
    struct slice message = slice_of(certificate.data + tbs, certificate.size - tbs);
    bool ok = buf_ok(&certificate, certificate_template->subject_cn, err) &&
              signer->sign(signer->context, algorithm, message, &signature, err);
    if (ok) {
        buf_append(&certificate, identifier);
        der_write_bits(&certificate, buf_slice(&signature));
        der_end(&certificate, begin);
        ok = buf_ok(&certificate, certificate_template->subject_cn, err);
    }
    if (ok) {
        buf_append(out, buf_slice(&certificate));
        ok = buf_ok(out, certificate_template->subject_cn, err);
    }
    buf_done(&certificate);
    buf_done(&signature);
    return ok;
}
