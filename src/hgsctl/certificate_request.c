/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/certificate_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/errors.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/certificate_request.h"
#include "crypto/name.h"
#include "crypto/pem.h"
#include "hgsctl/call.h"
#include "keyprotection/certificate.h"

#define SUBJECT_MAX 4096
#define PEM_MAX (2 * CERTIFICATE_REQUEST_SIZE_MAX)

/* "0xa0"; 0 when it was not given. */
static bool read_usage(unsigned *usage, const struct option_values *values, struct error *err)
{
    const char *text = option_text(values, "key-usage");
    char *end = NULL;
    *usage = 0;
    if (text == NULL)
        return true;
    unsigned long value = strtoul(text, &end, 16);
    if (*end != '\0' || end == text || value == 0 || value > 0xff)
        return error_set(err, &admin_argument, "RFC 5280 4.2.1.3", text,
                         "a key usage is a byte as 0xa0: the bits of RFC 5280, the first one 0x80");
    *usage = (unsigned)value;
    return true;
}

/* What a type's certificate must at least allow, and what it is when nothing is said. */
static bool settle_usage(unsigned *usage, const char *type, const char *subject, struct error *err)
{
    bool both = strcmp(type, "both") == 0;
    enum keyprotection_certificate_type first = KEYPROTECTION_SIGNING;
    if (!both && !keyprotection_certificate_type_parse(&first, type, err))
        return false;
    if (*usage == 0)
        *usage = keyprotection_certificate_type_usage(first) |
                 (both ? (unsigned)CERTIFICATE_KEY_ENCIPHERMENT : 0);
    return keyprotection_certificate_check_usage(first, *usage, subject, err) &&
           (!both ||
            keyprotection_certificate_check_usage(KEYPROTECTION_ENCRYPTION, *usage, subject, err));
}

/* The key of the file, which is made when there is none. */
static bool open_key(struct private_key **out, bool *made, const char *path, bool dry_run,
                     struct error *err)
{
    _cleanup_buf_ struct buf pem;
    buf_init_secret(&pem, PEM_FILE_SIZE_MAX);
    *made = access(path, F_OK) != 0 && errno == ENOENT;
    if (!*made)
        return file_read_private(&pem, path, err) &&
               private_key_parse_pem(out, buf_slice(&pem), SLICE_EMPTY, err);
    if (!private_key_generate(out, PRIVATE_KEY_RSA_2048, err))
        return false;
    private_key_format_pem(&pem, *out);
    return dry_run || file_create(path, buf_slice(&pem), 0600, err);
}

/* Of a key in a file: the service is not asked. */
static bool make_request(struct buf *pem, bool *made, const struct option_values *values,
                         unsigned usage, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    _cleanup_buf_ struct buf subject, der;
    buf_init(&subject, SUBJECT_MAX);
    buf_init(&der, CERTIFICATE_REQUEST_SIZE_MAX);
    const char *name = option_text(values, "subject");
    if (!settle_usage(&usage, option_text(values, "type"), name, err) ||
        !name_parse(&subject, name, err) ||
        !open_key(&key, made, option_text(values, "key-file"), option_given(values, "dry-run"),
                  err))
        return false;
    if (public_key_type(private_key_public(key)) != PUBLIC_KEY_RSA)
        return error_set(err, &admin_certificate_rule, "protocol.md 3",
                         option_text(values, "key-file"), "its key is no RSA key");
    struct certificate_request_template wanted = {buf_slice(&subject), usage};
    struct signer signer = signer_of_key(key);
    if (!certificate_request_issue(&der, &wanted, &signer, err))
        return false;
    certificate_request_format_pem(pem, buf_slice(&der));
    return true;
}

static bool save(const struct option_values *values, struct slice pem, struct error *err)
{
    return option_given(values, "dry-run") ||
           file_replace(option_text(values, "out"), pem, 0644, err);
}

static int request_of_file(const struct option_values *values, unsigned usage)
{
    bool made = false;
    struct error err = {0};
    _cleanup_buf_ struct buf pem, text;
    buf_init(&pem, PEM_MAX);
    buf_init(&text, 2 * PEM_MAX);
    if (!make_request(&pem, &made, values, usage, &err) || !save(values, buf_slice(&pem), &err))
        return option_fail(values, &err);
    const char *out = option_text(values, "out"), *key = option_text(values, "key-file");
    if (option_json(values)) {
        struct json_writer writer;
        json_writer_init(&writer, &text);
        json_write_object(&writer, NULL);
        json_write_text(&writer, "key_file", key);
        json_write_bool(&writer, "key_made", made);
        json_write_text(&writer, "request", buf_text(&pem));
        json_write_object_end(&writer);
        puts(buf_text(&text));
        return 0;
    }
    printf("%s%s%sThe request is in %s. When it is signed: hgsctl certificate add --type TYPE "
           "--file CERT --key-file %s%s\n",
           made ? "A key was made in " : "", made ? key : "", made ? ". " : "", out, key,
           option_given(values, "dry-run") ? " (not done: --dry-run)" : "");
    return 0;
}

/* What the service has made stays there, whatever becomes of the file. */
static bool save_of_service(struct call *call)
{
    struct error why = {0};
    const char *key_id = call_text(call->result, "key_id");
    return save(call->values, slice_from_text(call_text(call->result, "request")), &why) ||
           error_set(&call->err, why.code, NULL, why.object,
                     "%s; the request is kept: hgsctl certificate request --again %.16s --out FILE",
                     why.message, key_id);
}

/* A dry run, and the token has no such key. */
static int say_would_make(const struct call *call, const char *uri)
{
    return call_say(call, "Would make the key %s, and write its request to %s", uri,
                    option_text(call->values, "out"));
}

static int request_of_keyholder(const struct option_values *values, unsigned usage)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *type = option_text(values, "type");
    const char *uri = option_text(values, "pkcs11");
    bool both = strcmp(type, "both") == 0;
    if (both && uri == NULL) {
        error_set(&call.err, &admin_argument, "hgsctl(8)", type,
                  "a key that the keyholder makes has one use: request two certificates, or give "
                  "--key-file or --pkcs11");
        return call_fail(&call);
    }
    if (both && !settle_usage(&usage, type, option_text(values, "subject"), &call.err))
        return call_fail(&call);
    /* A key that a token makes to decrypt may sign, too: its request is signed by it. */
    json_write_text(&call.writer, "type", both ? "encryption" : type);
    json_write_text(&call.writer, "subject", option_text(values, "subject"));
    if (usage != 0)
        json_write_integer(&call.writer, "usage", usage);
    if (uri != NULL)
        json_write_text(&call.writer, "key_uri", uri);
    if (!call_run(&call, "certificate.request"))
        return call_fail(&call);
    if (json_get(call.result, "key_id") == NULL)
        return say_would_make(&call, uri);
    if (!save_of_service(&call))
        return call_fail(&call);
    const char *maker = uri == NULL ? "keyholder" : "token";
    int status = call_say(&call,
                          "The %s has %skey %.16s…, and its request is in %s. When it is "
                          "signed: hgsctl certificate add --type %s --file CERT",
                          maker, call_bool(call.result, "key_made") ? "made " : "",
                          call_text(call.result, "key_id"), option_text(values, "out"),
                          both ? "encryption" : type);
    if (both && !option_json(values))
        printf("And then: hgsctl certificate add --type signing --file CERT --pkcs11 '%s'\n", uri);
    return status;
}

/* A request that was made before. */
static int request_again(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "key_id", option_text(values, "again"));
    if (!call_run(&call, "certificate.requested") || !save_of_service(&call))
        return call_fail(&call);
    return call_say(&call, "The request for %s is in %s.", call_text(call.result, "subject"),
                    option_text(values, "out"));
}

int certificate_request_run(const struct option_values *values)
{
    unsigned usage;
    struct error err = {0};
    if (option_text(values, "again") != NULL)
        return request_again(values);
    if (option_text(values, "subject") == NULL) {
        error_set(&err, &admin_argument, "hgsctl(8)", "--subject", "say whose certificate it is");
        return option_fail(values, &err);
    }
    if (!read_usage(&usage, values, &err))
        return option_fail(values, &err);
    return option_text(values, "key-file") != NULL ? request_of_file(values, usage)
                                                   : request_of_keyholder(values, usage);
}

int certificate_cancel_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *key_id = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err,
                        "A certificate that is issued for this request cannot be used any more."))
        return call_fail(&call);
    json_write_text(&call.writer, "key_id", key_id);
    if (!call_run(&call, "certificate.cancel"))
        return call_fail(&call);
    return call_say(&call, "The request for %s is gone%s.", call_text(call.result, "subject"),
                    json_get(call.result, "key_uri") != NULL
                        ? "; its private key stays in the token"
                        : ", and its private key with it");
}
