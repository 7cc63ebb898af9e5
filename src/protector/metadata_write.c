/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/algorithms.h"
#include "protector/elements.h"
#include "protector/errors.h"
#include "protector/metadata.h"
#include "protector/xml_signature.h"

#define METADATA_ID "metadata"

/* A certificate's signature by the signing certificate's key, as an element of type Signature_T. */
static bool write_vouching(struct buf *out, const char *name, const struct certificate *certificate,
                           const struct signer *signer, struct error *err)
{
    enum signature_algorithm algorithm = signer_algorithm(signer->public_key);
    const char *uri = algorithms_uri(ALGORITHMS_SIGNATURE, (int)algorithm);
    if (!uri)
        return error_set(err, &protector_algorithm, "protocol.md 3",
                         certificate_facts(certificate)->subject_text,
                         "a guardian's signing key is an RSA key");
    _cleanup_buf_ struct buf value;
    buf_init(&value, 1024);
    if (!signer->sign(signer->context, algorithm, certificate_der(certificate), &value, err))
        return false;
    elements_write_signature(out, name, uri, buf_slice(&value));
    return true;
}

/* MS-KPS 6.4, GuardianInformation_T. */
static bool write_information(struct buf *out, const struct metadata_content *content,
                              const struct signer *signing, struct error *err)
{
    buf_append_text(out, "<GuardianInformation><Version>1</Version>");
    elements_write_bytes(out, "EncryptionCertificate", certificate_der(content->encryption));
    elements_write_bytes(out, "SigningCertificate", certificate_der(content->signing));
    if (!write_vouching(out, "EncryptionCertificateSignature", content->encryption, signing, err) ||
        !write_vouching(out, "SigningCertificateSelfSignature", content->signing, signing, err))
        return false;
    if (content->other_count > 0) {
        buf_append_text(out, "<OtherSigningCertificates>");
        for (size_t i = 0; i < content->other_count; i++)
            elements_write_bytes(out, "Certificate", certificate_der(content->others[i]));
        buf_append_text(out, "</OtherSigningCertificates>");
    }
    buf_append_text(out, "</GuardianInformation>");
    return true;
}

static const char end_tag[] = "</Metadata>";

bool metadata_vouch(struct buf *out, const struct metadata_content *content,
                    const struct signer *signing, struct error *err)
{
    if (content->other_count > METADATA_OTHERS_MAX)
        return error_set(err, &protector_limit, "MS-KPS 6.4", NULL,
                         "%zu further signing certificates; %d are allowed", content->other_count,
                         METADATA_OTHERS_MAX);
    _cleanup_buf_ struct buf text;
    buf_init(&text, METADATA_SIZE_MAX);
    /* Written in exclusive-canonical form: with its end tag this is what the signature covers. */
    buf_append_text(&text, "<Metadata xmlns=\"" PROTECTOR_NAMESPACE "\" ID=\"" METADATA_ID
                           "\" Version=\"1\">");
    if (!write_information(&text, content, signing, err))
        return false;
    buf_append_text(&text, end_tag);
    if (!buf_ok(&text, "metadata", err))
        return false;
    buf_append(out, buf_slice(&text));
    return buf_ok(out, "metadata", err);
}

bool metadata_sign(struct buf *out, struct slice vouched, const struct certificate *by,
                   const struct signer *document, struct error *err)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, METADATA_SIZE_MAX);
    if (!xml_signature_write(&signature, METADATA_ID, vouched, by, document, err) ||
        !buf_ok(&signature, "metadata", err))
        return false;
    size_t inside = vouched.size - (sizeof end_tag - 1);
    buf_append_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    buf_append(out, slice_of(vouched.data, inside));
    buf_append(out, buf_slice(&signature));
    buf_append_text(out, end_tag);
    buf_append_text(out, "\n");
    return buf_ok(out, "metadata", err);
}

bool metadata_format(struct buf *out, const struct metadata_content *content,
                     const struct signer *signing, const struct signer *document, struct error *err)
{
    _cleanup_buf_ struct buf vouched;
    buf_init(&vouched, METADATA_SIZE_MAX);
    return metadata_vouch(&vouched, content, signing, err) &&
           metadata_sign(out, buf_slice(&vouched),
                         content->communications ? content->communications : content->signing,
                         document, err);
}
