/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/certificate_add.h"

#include "admin/errors.h"
#include "base/file.h"
#include "crypto/certificate.h"
#include "crypto/pem.h"
#include "hgsctl/call.h"

#define ABILITIES_MAX 1024

static bool open_files(struct meeting *files, struct call *call, const struct option_values *values)
{
    const char *pfx = option_text(values, "pfx");
    const char *password = option_text(values, "password-file");
    int *fds = files->fds;
    if (pfx != NULL)
        return call_open(call, &fds[MEETING_KEY], pfx) &&
               call_open_password(call, &fds[MEETING_PASSWORD], password, false);
    return call_open(call, &fds[MEETING_KEY], option_text(values, "key-file")) &&
           call_open(call, &fds[MEETING_CERTIFICATE], option_text(values, "file")) &&
           (password == NULL || call_open(call, &fds[MEETING_PASSWORD], password));
}

/* Of a request of ours: the private key is in the keyholder already. */
static bool add_certificate(struct call *call, const char *path)
{
    _cleanup_buf_ struct buf file;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    buf_init(&file, PEM_FILE_SIZE_MAX);
    if (!file_read(&file, path, &call->err) ||
        !certificate_parse_file(&certificate, buf_slice(&file), &call->err))
        return error_name_object(&call->err, path);
    json_write_base64(&call->writer, "certificate", certificate_der(certificate));
    return true;
}

/* What would be left aside in silence. */
static bool check_options(const struct option_values *values, struct error *err)
{
    bool file = option_text(values, "file") != NULL, pkcs11 = option_text(values, "pkcs11") != NULL;
    bool key_file = option_text(values, "key-file") != NULL;
    if (key_file && (!file || pkcs11))
        return error_set(err, &admin_argument, "hgsctl(8)", "--key-file",
                         "it goes with --file, whose private key is not in a token");
    if (option_text(values, "password-file") != NULL && !key_file &&
        option_text(values, "pfx") == NULL)
        return error_set(err, &admin_argument, "hgsctl(8)", "--password-file",
                         "it goes with --pfx or --key-file");
    return true;
}

static bool add_files(struct call *call, const struct option_values *values)
{
    bool file = option_text(values, "file") != NULL, pkcs11 = option_text(values, "pkcs11") != NULL;
    bool other = option_text(values, "pfx") != NULL || option_text(values, "thumbprint") != NULL;
    if (file ? other : !other && !pkcs11)
        return error_set(&call->err, &admin_argument, "hgsctl(8)", "certificate add",
                         "give one of --pfx, --thumbprint, --pkcs11 or --file, or --file with "
                         "--pkcs11");
    if (!check_options(values, &call->err))
        return false;
    if (option_text(values, "thumbprint") != NULL) {
        json_write_text(&call->writer, "thumbprint", option_text(values, "thumbprint"));
        return true;
    }
    if (pkcs11) {
        json_write_text(&call->writer, "key_uri", option_text(values, "pkcs11"));
        return !file || add_certificate(call, option_text(values, "file"));
    }
    if (file && option_text(values, "key-file") == NULL)
        return add_certificate(call, option_text(values, "file"));
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_IMPORT;
    json_write_bool(&call->writer, "pair", option_text(values, "pfx") == NULL);
    return open_files(&files, call, values) && call_give(call, "meeting_fd", &files);
}

/* What a token's key was seen to do, as a sentence; "" for other keys. */
static const char *abilities_text(struct buf *out, const struct json *certificate)
{
    const struct json *abilities = json_get(certificate, "abilities");
    if (abilities == NULL)
        return "";
    buf_append_text(out, " Its key was seen to do");
    for (const struct json *item = json_first(abilities); item != NULL; item = json_next(item))
        buf_append_format(out, "%s %s", item == json_first(abilities) ? "" : ",", json_text(item));
    buf_append_text(out, ".");
    if (call_bool(certificate, "only_sha1"))
        buf_append_text(out, " Owners must import this guardian with hgs guardian import --sha1, "
                             "or their key protectors cannot be opened.");
    return buf_text(out);
}

/* The keyholder, which reads it, does not know what the file with the key is called. */
static void name_file(struct error *err, const struct option_values *values)
{
    const char *pfx = option_text(values, "pfx"), *key = option_text(values, "key-file");
    if (pfx != NULL || key != NULL)
        error_name_object(err, pfx != NULL ? pfx : key);
}

int certificate_add_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "type", option_text(values, "type"));
    /* Of a key in a token, also one that was requested. */
    if (option_given(values, "only-sha1"))
        json_write_bool(&call.writer, "only_sha1", true);
    if (!add_files(&call, values) || !call_run(&call, "certificate.add")) {
        name_file(&call.err, values);
        return call_fail(&call);
    }
    _cleanup_buf_ struct buf abilities;
    buf_init(&abilities, ABILITIES_MAX);
    return call_say(&call, "Certificate %s is added%s.%s", call_text(call.result, "thumbprint"),
                    call_bool(call.result, "primary") ? " and primary" : "",
                    abilities_text(&abilities, call.result));
}
