/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/protector_write.h"

#include "protector/algorithms.h"
#include "protector/document.h"
#include "protector/errors.h"

/* Of a protector for an owner and a service. */
#define USUAL_SIZE 12000

static void write_signature(struct buf *out, const struct protector_signature *signature)
{
    elements_write_signature(out, "Signature",
                             algorithms_uri(ALGORITHMS_SIGNATURE, (int)signature->algorithm),
                             signature->value);
}

static void write_transport_key(struct buf *out, const struct protector_wrapping *wrapping,
                                struct slice value)
{
    buf_append_text(out, "<TransportKey>");
    elements_write_encrypted_data(out, wrapping->transport_key_algorithm, value);
    buf_append_text(out, "</TransportKey>");
}

/* MS-KPS 2.2.2.4. */
static void write_wrapping(struct buf *out, const struct protector_wrapping *wrapping,
                           struct slice transport_key)
{
    buf_append_format(out, "<Wrapping><Id>%u</Id>", wrapping->id);
    elements_write_bytes(out, "SigningCertificate", certificate_der(wrapping->signing_certificate));
    buf_append_format(out, "<SigningCertificateSignature ParentWrappingId=\"%u\">",
                      wrapping->parent);
    write_signature(out, &wrapping->signing_certificate_signature);
    buf_append_text(out, "</SigningCertificateSignature>");
    elements_write_bytes(out, "EncryptionCertificate",
                         certificate_der(wrapping->encryption_certificate));
    buf_append_text(out, "<EncryptionCertificateSignature>");
    write_signature(out, &wrapping->encryption_certificate_signature);
    buf_append_text(out, "</EncryptionCertificateSignature>");
    write_transport_key(out, wrapping, transport_key);
    buf_append_text(out, "</Wrapping>");
}

/* The declaration is superfluous in a document, but an element that is canonicalised alone has it.
 */
static void begin_wrappings(struct buf *out)
{
    buf_append_text(out, "<Wrappings xmlns=\"" PROTECTOR_NAMESPACE "\">");
}

static void end_wrappings(struct buf *out)
{
    buf_append_text(out, "</Wrappings>");
}

void protector_write_wrappings(struct buf *out, const struct protector_wrapping *wrappings,
                               size_t count)
{
    begin_wrappings(out);
    for (size_t i = 0; i < count; i++)
        write_wrapping(out, &wrappings[i], wrappings[i].transport_key);
    end_wrappings(out);
}

/* Encrypts the transport key where a wrapping has none. */
static bool seal_wrapping(struct buf *out, const struct protector_wrapping *wrapping,
                          struct slice payload, struct error *err)
{
    _cleanup_buf_ struct buf encrypted;
    buf_init(&encrypted, 1024);
    if (wrapping->transport_key.size == 0 &&
        !public_key_encrypt(&encrypted, certificate_key(wrapping->encryption_certificate),
                            wrapping->transport_key_algorithm, payload, err))
        return false;
    write_wrapping(out, wrapping,
                   wrapping->transport_key.size > 0 ? wrapping->transport_key
                                                    : buf_slice(&encrypted));
    return true;
}

static bool write_wrappings(struct buf *out, const struct protector_draft *draft, struct error *err)
{
    _cleanup_buf_ struct buf payload;
    buf_init_secret(&payload, 256);
    protector_payload_format(&payload, 1, &draft->transport_key, 1);
    begin_wrappings(out);
    for (size_t i = 0; i < draft->count; i++) {
        if (!seal_wrapping(out, &draft->wrappings[i], buf_slice(&payload), err))
            return false;
    }
    end_wrappings(out);
    return true;
}

static void write_transport_key_signature(struct buf *out, const struct protector_draft *draft,
                                          struct slice wrappings)
{
    struct digest mac;
    /* wrappings is a part of out: done with before out grows. */
    transport_key_sign(&mac, DIGEST_SHA256, draft->transport_key, wrappings);
    buf_append_text(out, "<TransportKeySignature>");
    elements_write_key_derivation(out);
    elements_write_signature(out, "Signature", algorithms_uri(ALGORITHMS_MAC, DIGEST_SHA256),
                             digest_slice(&mac));
    buf_append_text(out, "</TransportKeySignature>");
}

/* The two outer signatures, over the part of out from start on. */
static bool write_signatures(struct buf *out, const struct protector_draft *draft, size_t start,
                             struct error *err)
{
    enum signature_algorithm algorithm = signer_algorithm(draft->signer->public_key);
    if (!algorithms_uri(ALGORITHMS_SIGNATURE, (int)algorithm))
        return error_set(err, &protector_algorithm, "protocol.md 3", NULL,
                         "a guardian signature needs an RSA key");
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    struct slice wrappings = slice_of(out->data + start, out->size - start);
    if (!draft->signer->sign(draft->signer->context, algorithm, wrappings, &signature, err))
        return false;
    struct protector_signature guardian = {algorithm, buf_slice(&signature)};
    write_transport_key_signature(out, draft, wrappings);
    buf_append_format(out, "<GuardianSignature WrappingId=\"%u\">", draft->signer_id);
    write_signature(out, &guardian);
    buf_append_text(out, "</GuardianSignature>");
    return true;
}

bool protector_write(struct buf *out, const struct protector_draft *draft, struct error *err)
{
    if (draft->count > PROTECTOR_WRAPPINGS_MAX)
        return error_set(err, &protector_limit, "protocol.md 3", NULL,
                         "a key protector of %zu wrappings; %d are allowed", draft->count,
                         PROTECTOR_WRAPPINGS_MAX);
    _cleanup_buf_ struct buf document;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    buf_reserve(&document, USUAL_SIZE);
    buf_append_format(&document,
                      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                      "<Protector xmlns=\"" PROTECTOR_NAMESPACE "\" MaxOfflineUnwraps=\"%u\">",
                      draft->max_offline_unwraps);
    size_t start = document.size;
    if (!write_wrappings(&document, draft, err) || !buf_ok(&document, "key protector", err) ||
        !write_signatures(&document, draft, start, err))
        return false;
    buf_append_text(&document, "</Protector>\n");
    if (!buf_ok(&document, "key protector", err))
        return false;
    buf_append(out, buf_slice(&document));
    return buf_ok(out, "key protector", err);
}

bool protector_reseal(struct buf *out, const struct protector *from, struct slice transport_key,
                      uint32_t max_offline_unwraps, uint32_t signer_id, const struct signer *signer,
                      struct error *err)
{
    struct protector_wrapping wrappings[PROTECTOR_WRAPPINGS_MAX];
    memcpy(wrappings, from->wrappings, from->count * sizeof wrappings[0]);
    for (size_t i = 0; i < from->count; i++)
        wrappings[i].transport_key = SLICE_EMPTY;
    struct protector_draft draft = {
        .wrappings = wrappings,
        .count = from->count,
        .transport_key = transport_key,
        .max_offline_unwraps = max_offline_unwraps,
        .signer_id = signer_id,
        .signer = signer,
    };
    return protector_write(out, &draft, err);
}
