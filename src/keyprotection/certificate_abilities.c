/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/certificate_abilities.h"

#include <stdio.h>
#include <string.h>

#include "keyprotection/errors.h"

#define RAW "raw:"
#define BIT(value) (1u << (value))

static const struct row {
    const char *name;
    uint32_t signature, encryption; /* bits; one of them */
} rows[] = {
    {"rsa-pkcs1-sha256", BIT(SIGNATURE_RSA_PKCS1_SHA256), 0},
    {"rsa-pkcs1-sha384", BIT(SIGNATURE_RSA_PKCS1_SHA384), 0},
    {"rsa-pkcs1-sha512", BIT(SIGNATURE_RSA_PKCS1_SHA512), 0},
    {"rsa-pss-sha256", BIT(SIGNATURE_RSA_PSS_SHA256), 0},
    {"rsa-oaep-sha256", 0, BIT(ENCRYPTION_RSA_OAEP_SHA256)},
    {"rsa-oaep-sha1", 0, BIT(ENCRYPTION_RSA_OAEP_SHA1)},
};
#define ROWS (sizeof rows / sizeof rows[0])

bool certificate_abilities_known(const struct certificate_abilities *abilities)
{
    return (abilities->signatures | abilities->encryptions) != 0;
}

bool certificate_abilities_only_sha1(const struct certificate_abilities *abilities)
{
    return (abilities->encryptions & BIT(ENCRYPTION_RSA_OAEP_SHA1)) != 0 &&
           (abilities->encryptions & BIT(ENCRYPTION_RSA_OAEP_SHA256)) == 0;
}

void certificate_abilities_write(struct json_writer *writer, const char *name,
                                 const struct certificate_abilities *abilities)
{
    json_write_array(writer, name);
    for (size_t i = 0; i < ROWS; i++) {
        char text[64];
        if ((abilities->signatures & rows[i].signature) == 0 &&
            (abilities->encryptions & rows[i].encryption) == 0)
            continue;
        snprintf(text, sizeof text, "%s%s", abilities->raw & rows[i].encryption ? RAW : "",
                 rows[i].name);
        json_write_text(writer, NULL, text);
    }
    json_write_array_end(writer);
}

static bool parse_one(struct certificate_abilities *out, const char *text, struct error *err)
{
    bool raw = strncmp(text, RAW, sizeof RAW - 1) == 0;
    const char *name = raw ? text + sizeof RAW - 1 : text;
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) != 0 || (raw && rows[i].encryption == 0))
            continue;
        out->signatures |= rows[i].signature;
        out->encryptions |= rows[i].encryption;
        out->raw |= raw ? rows[i].encryption : 0;
        return true;
    }
    return error_set(err, &keyprotection_record, NULL, NULL, "unknown ability \"%.64s\"", text);
}

bool certificate_abilities_parse(struct certificate_abilities *out, const struct json *array,
                                 struct error *err)
{
    struct certificate_abilities parsed = {0};
    if (array != NULL && !json_is_array(array))
        return error_set(err, &keyprotection_record, NULL, NULL, "abilities are no array");
    for (const struct json *item = array != NULL ? json_first(array) : NULL; item != NULL;
         item = json_next(item)) {
        const char *text = json_text(item);
        if (!parse_one(&parsed, text != NULL ? text : "", err))
            return false;
    }
    *out = parsed;
    return true;
}
