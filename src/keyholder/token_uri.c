/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_uri.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/slice.h"
#include "keyholder/errors.h"
#include "keyholder/token_uri_p11.h"

#define CLAUSE "RFC 7512 2.3"
#define SCHEME "pkcs11:"
#define SLOT_ID_DIGITS 18 /* p11-kit lets a number overflow */

/* What an attribute speaks of. */
enum subject { TOKEN, KEY, SECRET, MODULE };

struct attribute {
    const char *name;
    enum subject subject;
};

/* Names are attributes' places in a bit set. pinfile is how p11-kit called pin-source once. */
static const struct attribute attributes[] = {
    {"token", TOKEN},
    {"serial", TOKEN},
    {"manufacturer", TOKEN},
    {"model", TOKEN},
    {"slot-id", TOKEN},
    {"slot-description", TOKEN},
    {"slot-manufacturer", TOKEN},
    {"library-description", TOKEN},
    {"library-manufacturer", TOKEN},
    {"library-version", TOKEN},
    {"object", KEY},
    {"id", KEY},
    {"type", KEY},
    {"pin-value", SECRET},
    {"pin-source", SECRET},
    {"pinfile", SECRET},
    {"module-path", MODULE},
    {"module-name", MODULE},
};
#define ATTRIBUTES (sizeof attributes / sizeof attributes[0])

static const struct attribute *find(struct slice name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (slice_equals_text(name, attributes[i].name))
            return &attributes[i];
    return NULL;
}

/* The URI for a message, unless there may be a PIN in it: messages are logged. */
static const char *shown(const char *text)
{
    return strcasestr(text, "pin") != NULL ? "a PKCS#11 URI" : text;
}

static bool check_characters(const char *text, struct error *err)
{
    if (strlen(text) > TOKEN_URI_MAX)
        return error_set(err, &token_uri_invalid, CLAUSE, NULL, "a URI has more than %d bytes",
                         TOKEN_URI_MAX);
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "it does not begin with pkcs11:");
    for (const char *at = text; *at != 0; at++)
        if (*at <= ' ' || *at > '~' || strchr("\"#<>\\^`{|}", *at) != NULL)
            return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                             "byte %zu is written as %%%02X in a URI", (size_t)(at - text) + 1,
                             (unsigned char)*at);
    return true;
}

/* One name=value of the path or the query; seen has a bit for each attribute that stood before. */
static bool check_attribute(uint32_t *seen, struct slice text, const char *uri, bool query,
                            struct error *err)
{
    const uint8_t *equals = text.size > 0 ? memchr(text.data, '=', text.size) : NULL;
    if (equals == NULL)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(uri),
                         "each part between ; is written NAME=VALUE");
    struct slice name = slice_of(text.data, (size_t)(equals - text.data));
    const struct attribute *attribute = find(name);
    if (attribute != NULL && attribute->subject == SECRET)
        return error_set(err, &token_uri_secret, "RFC 7512 2.4", NULL,
                         "the URI has %s=", attribute->name);
    if (attribute != NULL && attribute->subject == MODULE)
        return error_set(err, &token_uri_invalid, "RFC 7512 2.4", shown(uri),
                         "%s= is not taken from a URI; each node's configuration names its module",
                         attribute->name);
    if (attribute == NULL || query)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(uri),
                         "%.*s= is no attribute that is known",
                         name.size > 40 ? 40 : (int)name.size, (const char *)name.data);
    if (slice_equals_text(name, "slot-id") && text.size - name.size - 1 > SLOT_ID_DIGITS)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(uri),
                         "slot-id= has more than %d digits", SLOT_ID_DIGITS);
    uint32_t bit = 1u << (attribute - attributes);
    if ((*seen & bit) != 0)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(uri), "%s= stands in it twice",
                         attribute->name);
    *seen |= bit;
    return true;
}

/* p11-kit stops in silence where two separators meet, and lets an attribute stand twice. */
static bool check_attributes(uint32_t *seen, const char *uri, struct error *err)
{
    const char *at = uri + strlen(SCHEME);
    bool query = false;
    for (;;) {
        size_t size = strcspn(at, query ? "&" : ";?");
        if (!check_attribute(seen, slice_of(at, size), uri, query, err))
            return false;
        if (at[size] == 0)
            return true;
        query = query || at[size] == '?';
        at += size + 1;
    }
}

static bool parse(P11KitUri **out, uint32_t *seen, const char *text, struct error *err)
{
    *seen = 0;
    if (!check_characters(text, err) || !check_attributes(seen, text, err))
        return false;
    _cleanup_token_uri_ P11KitUri *uri = p11_kit_uri_new();
    if (uri == NULL)
        abort();
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (result != P11_KIT_URI_OK)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text), "%s",
                         p11_kit_uri_message(result));
    if (p11_kit_uri_any_unrecognized(uri) != 0)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "a value is longer than a token can have it, or names no type of object");
    *out = memory_steal(&uri);
    return true;
}

static uint32_t bits_of(enum subject subject)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (attributes[i].subject == subject)
            bits |= 1u << i;
    return bits;
}

bool token_uri_parse_token(P11KitUri **out, const char *text, struct error *err)
{
    uint32_t seen;
    _cleanup_token_uri_ P11KitUri *uri = NULL;
    if (!parse(&uri, &seen, text, err))
        return false;
    if ((seen & bits_of(KEY)) != 0)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "a token's URI names no key: take out object=, id= and type=");
    if ((seen & bits_of(TOKEN)) == 0)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text), "it names no token");
    *out = memory_steal(&uri);
    return true;
}

static bool check_named(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, bool *named)
{
    const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, type);
    *named = *named || attribute != NULL;
    return attribute == NULL || attribute->ulValueLen > 0;
}

static bool check_type(P11KitUri *uri)
{
    const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, CKA_CLASS);
    if (attribute == NULL)
        return true;
    CK_OBJECT_CLASS type;
    memcpy(&type, attribute->pValue, sizeof type);
    return type == CKO_PRIVATE_KEY || type == CKO_PUBLIC_KEY || type == CKO_CERTIFICATE;
}

bool token_uri_parse_key(P11KitUri **out, const char *text, struct error *err)
{
    uint32_t seen;
    bool named = false;
    _cleanup_token_uri_ P11KitUri *uri = NULL;
    if (!parse(&uri, &seen, text, err))
        return false;
    if (!check_named(uri, CKA_LABEL, &named) || !check_named(uri, CKA_ID, &named))
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "object= and id= are not empty");
    if (!named)
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "it names no key: add object= or id=");
    if (!check_type(uri))
        return error_set(err, &token_uri_invalid, CLAUSE, shown(text),
                         "type= of a key is private; public and cert mean the same here");
    *out = memory_steal(&uri);
    return true;
}

bool token_uri_check_token(const char *uri, struct error *err)
{
    _cleanup_token_uri_ P11KitUri *parsed = NULL;
    return token_uri_parse_token(&parsed, uri, err);
}

bool token_uri_check_key(const char *uri, struct error *err)
{
    _cleanup_token_uri_ P11KitUri *parsed = NULL;
    return token_uri_parse_key(&parsed, uri, err);
}

/* Fields of a URI that are not given begin with a zero byte. */
static bool same_or_open(const unsigned char *a, const unsigned char *b, size_t size)
{
    return a[0] == 0 || b[0] == 0 || memcmp(a, b, size) == 0;
}
#define SAME(a, b, field) same_or_open((a)->field, (b)->field, sizeof(a)->field)

static bool tokens_may_match(P11KitUri *a, P11KitUri *b)
{
    const CK_TOKEN_INFO *left = p11_kit_uri_get_token_info(a),
                        *right = p11_kit_uri_get_token_info(b);
    return SAME(left, right, label) && SAME(left, right, serialNumber) &&
           SAME(left, right, manufacturerID) && SAME(left, right, model);
}

static bool slots_may_match(P11KitUri *a, P11KitUri *b)
{
    const CK_SLOT_INFO *left = p11_kit_uri_get_slot_info(a), *right = p11_kit_uri_get_slot_info(b);
    const CK_SLOT_ID open = (CK_SLOT_ID)-1;
    CK_SLOT_ID left_id = p11_kit_uri_get_slot_id(a), right_id = p11_kit_uri_get_slot_id(b);
    return SAME(left, right, slotDescription) && SAME(left, right, manufacturerID) &&
           (left_id == open || right_id == open || left_id == right_id);
}

bool token_uri_may_match(const char *key_uri, const char *token_uri)
{
    _cleanup_token_uri_ P11KitUri *key = NULL, *token = NULL;
    return token_uri_parse_key(&key, key_uri, NULL) &&
           token_uri_parse_token(&token, token_uri, NULL) && tokens_may_match(key, token) &&
           slots_may_match(key, token);
}
