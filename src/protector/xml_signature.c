/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/xml_signature.h"

#include "protector/algorithms.h"
#include "protector/elements.h"
#include "protector/errors.h"

#include <pthread.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#define CLAUSE "XML-DSig 4"

static const char *const no_attributes[] = {NULL};
static const char *const algorithm_attribute[] = {"Algorithm", NULL};

static const struct xml_element *take(const struct xml_element **cursor, const char *name,
                                      const struct xml_element *parent, struct error *err)
{
    return xml_take(cursor, XMLDSIG_NAMESPACE, name, parent, err);
}

/* The next child: empty, with exactly this Algorithm. */
static bool expect_method(const struct xml_element **cursor, const char *name, const char *uri,
                          const struct xml_element *parent, struct error *err)
{
    const struct xml_element *element = take(cursor, name, parent, err);
    if (!element || !elements_check_container(element, algorithm_attribute, err) ||
        !xml_take_end(xml_first(element), element, err))
        return false;
    const char *given = xml_attribute(element, "Algorithm");
    if (!given || strcmp(given, uri) != 0)
        return error_set(err, &protector_algorithm, CLAUSE, name, "%s must be \"%s\"", name, uri);
    return true;
}

static bool parse_transforms(const struct xml_element *element, struct error *err)
{
    const struct xml_element *cursor = xml_first(element);
    return elements_check_container(element, no_attributes, err) &&
           expect_method(&cursor, "Transform", ALGORITHMS_ENVELOPED_SIGNATURE, element, err) &&
           expect_method(&cursor, "Transform", ALGORITHMS_EXCLUSIVE_C14N, element, err) &&
           xml_take_end(cursor, element, err);
}

static bool parse_reference(const struct xml_element *element, const char *id, struct buf *values,
                            struct error *err)
{
    static const char *const attributes[] = {"URI", NULL};
    if (!elements_check_container(element, attributes, err))
        return false;
    const char *uri = xml_attribute(element, "URI");
    if (!uri || uri[0] != '#' || strcmp(uri + 1, id) != 0)
        return error_set(err, &protector_malformed, CLAUSE, "Reference",
                         "the reference must be to the root, \"#%.64s\"", id);
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *transforms = take(&cursor, "Transforms", element, err);
    if (!transforms || !parse_transforms(transforms, err) ||
        !expect_method(&cursor, "DigestMethod", algorithms_uri(ALGORITHMS_DIGEST, DIGEST_SHA256),
                       element, err))
        return false;
    struct slice digest;
    const struct xml_element *value = take(&cursor, "DigestValue", element, err);
    return value && xml_take_end(cursor, element, err) &&
           elements_parse_bytes(&digest, values, value, DIGEST_SHA256_SIZE, err);
}

static bool parse_signed_info(const struct xml_element *element, const char *id, struct buf *values,
                              struct error *err)
{
    const struct xml_element *cursor = xml_first(element);
    if (!elements_check_container(element, no_attributes, err) ||
        !expect_method(&cursor, "CanonicalizationMethod", ALGORITHMS_EXCLUSIVE_C14N, element,
                       err) ||
        !expect_method(&cursor, "SignatureMethod",
                       algorithms_uri(ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PKCS1_SHA256), element,
                       err))
        return false;
    const struct xml_element *reference = take(&cursor, "Reference", element, err);
    return reference && xml_take_end(cursor, element, err) &&
           parse_reference(reference, id, values, err);
}

static bool parse_key_info(struct slice *certificate, struct buf *values,
                           const struct xml_element *element, struct error *err)
{
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *data;
    if (!elements_check_container(element, no_attributes, err) ||
        !(data = take(&cursor, "X509Data", element, err)) || !xml_take_end(cursor, element, err) ||
        !elements_check_container(data, no_attributes, err))
        return false;
    cursor = xml_first(data);
    const struct xml_element *leaf = take(&cursor, "X509Certificate", data, err);
    return leaf && xml_take_end(cursor, data, err) &&
           elements_parse_certificate(certificate, values, leaf, err);
}

bool xml_signature_parse(struct slice *certificate, struct buf *values,
                         const struct xml_element *signature, const char *id, struct error *err)
{
    if (!elements_check_container(signature, no_attributes, err))
        return false;
    const struct xml_element *cursor = xml_first(signature);
    const struct xml_element *info = take(&cursor, "SignedInfo", signature, err);
    if (!info || !parse_signed_info(info, id, values, err))
        return false;
    struct slice bytes;
    const struct xml_element *value = take(&cursor, "SignatureValue", signature, err);
    if (!value || !elements_parse_bytes(&bytes, values, value, 1024, err))
        return false;
    struct slice found = SLICE_EMPTY;
    const struct xml_element *key_info = xml_take_optional(&cursor, XMLDSIG_NAMESPACE, "KeyInfo");
    if ((key_info && !parse_key_info(&found, values, key_info, err)) ||
        !xml_take_end(cursor, signature, err))
        return false;
    *certificate = found;
    return true;
}

static bool xmlsec_ready;

/* xmlsec's own state is for the whole process and is left to it. */
static void start_xmlsec(void)
{
    xmlSecErrorsDefaultCallbackEnableOutput(0);
    xmlsec_ready = xmlSecInit() == 0 && xmlSecCheckVersion() == 1 && xmlSecCryptoInit() == 0;
}

static bool allow_only_ours(xmlSecDSigCtxPtr context)
{
    context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    context->flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
    return xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformExclC14NId) == 0 &&
           xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformRsaSha256Id) == 0 &&
           xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformEnvelopedId) == 0 &&
           xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformExclC14NId) == 0 &&
           xmlSecDSigCtxEnableReferenceTransform(context, xmlSecTransformSha256Id) == 0;
}

static bool verify_in(xmlSecDSigCtxPtr context, xmlNodePtr signature,
                      const struct certificate *certificate)
{
    struct slice der = certificate_der(certificate);
    context->signKey = xmlSecCryptoAppKeyLoadMemory(der.data, (xmlSecSize)der.size,
                                                    xmlSecKeyDataFormatCertDer, NULL, NULL, NULL);
    return context->signKey && allow_only_ours(context) &&
           xmlSecDSigCtxVerify(context, signature) == 0 &&
           context->status == xmlSecDSigStatusSucceeded &&
           xmlSecPtrListGetSize(&context->signedInfoReferences) == 1;
}

bool xml_signature_verify(const struct xml_element *signature, const struct xml_element *root,
                          const struct certificate *certificate, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_xmlsec);
    if (!xmlsec_ready)
        return error_set(err, &metadata_signature, NULL, NULL, "xmlsec does not start");
    /* An element is libxml2's node behind a cast (base/xml.h). xmlsec wants it without const, but
     * only looks, except for the table of IDs, which is its document's. */
    xmlNodePtr root_node = (xmlNodePtr)(uintptr_t)root;
    xmlNodePtr signature_node = (xmlNodePtr)(uintptr_t)signature;
    const xmlChar *ids[] = {(const xmlChar *)"ID", NULL};
    xmlSecAddIDs(root_node->doc, root_node, ids);
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    bool verified = context && verify_in(context, signature_node, certificate);
    if (context)
        xmlSecDSigCtxDestroy(context);
    if (!verified)
        return error_set(err, &metadata_signature, "XML-DSig 3.2", NULL,
                         "the signature of the document is not one by %s over it",
                         certificate_facts(certificate)->subject_text);
    return true;
}

/* In exclusive-canonical form as it stands: it is a part of the text that is signed. */
static void write_signed_info(struct buf *out, const char *id, struct slice canonical)
{
    uint8_t digest[DIGEST_SHA256_SIZE];
    digest_sha256(digest, canonical);
    buf_append_format(out,
                      "<SignedInfo xmlns=\"" XMLDSIG_NAMESPACE "\">"
                      "<CanonicalizationMethod Algorithm=\"%s\"></CanonicalizationMethod>"
                      "<SignatureMethod Algorithm=\"%s\"></SignatureMethod>"
                      "<Reference URI=\"#%s\"><Transforms><Transform Algorithm=\"%s\"></Transform>"
                      "<Transform Algorithm=\"%s\"></Transform></Transforms>"
                      "<DigestMethod Algorithm=\"%s\"></DigestMethod>",
                      ALGORITHMS_EXCLUSIVE_C14N,
                      algorithms_uri(ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PKCS1_SHA256), id,
                      ALGORITHMS_ENVELOPED_SIGNATURE, ALGORITHMS_EXCLUSIVE_C14N,
                      algorithms_uri(ALGORITHMS_DIGEST, DIGEST_SHA256));
    elements_write_bytes(out, "DigestValue", slice_of(digest, sizeof digest));
    buf_append_text(out, "</Reference></SignedInfo>");
}

bool xml_signature_write(struct buf *out, const char *id, struct slice canonical,
                         const struct certificate *certificate, const struct signer *signer,
                         struct error *err)
{
    if (public_key_type(signer->public_key) != PUBLIC_KEY_RSA)
        return error_set(err, &protector_algorithm, "protocol.md 3",
                         certificate_facts(certificate)->subject_text,
                         "metadata is signed with an RSA key");
    _cleanup_buf_ struct buf info;
    buf_init(&info, 4096);
    write_signed_info(&info, id, canonical);
    _cleanup_buf_ struct buf value;
    buf_init(&value, 1024);
    if (!buf_ok(&info, "SignedInfo", err) ||
        !signer->sign(signer->context, SIGNATURE_RSA_PKCS1_SHA256, buf_slice(&info), &value, err))
        return false;
    buf_append_text(out, "<Signature xmlns=\"" XMLDSIG_NAMESPACE "\">");
    buf_append(out, buf_slice(&info));
    elements_write_bytes(out, "SignatureValue", buf_slice(&value));
    buf_append_text(out, "<KeyInfo><X509Data>");
    elements_write_bytes(out, "X509Certificate", certificate_der(certificate));
    buf_append_text(out, "</X509Data></KeyInfo></Signature>");
    return true;
}
