/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/thumbprint.h"

#include <ctype.h>

#include "admin/errors.h"
#include "base/hex.h"

static bool normalize(char digits[65], const char *text)
{
    size_t used = 0;
    for (; *text != '\0'; text++) {
        if (*text == ':' || *text == ' ')
            continue;
        if (!isxdigit((unsigned char)*text) || used == 64)
            return false;
        digits[used++] = (char)(tolower)((unsigned char)*text);
    }
    digits[used] = '\0';
    return used >= THUMBPRINT_DIGITS_MIN;
}

bool thumbprint_parse(struct thumbprint *out, const char *text, struct error *err)
{
    return normalize(out->digits, text) ||
           error_set(err, &admin_argument, NULL, text,
                     "a thumbprint is 64 hexadecimal digits, or the first %d or more of them",
                     THUMBPRINT_DIGITS_MIN);
}

bool thumbprint_whole(struct buf *out, const char *text)
{
    struct thumbprint thumbprint;
    return normalize(thumbprint.digits, text) &&
           (strlen(thumbprint.digits) == 64 || strlen(thumbprint.digits) == 40) &&
           hex_parse(out, slice_from_text(thumbprint.digits), NULL);
}

bool thumbprint_matches(const struct thumbprint *thumbprint, const struct certificate *certificate)
{
    char sha256[65], sha1[41];
    const struct certificate_facts *facts = certificate_facts(certificate);
    hex_format(slice_of(facts->thumbprint, 32), sha256);
    hex_format(slice_of(facts->thumbprint_sha1, 20), sha1);
    return strncmp(sha256, thumbprint->digits, strlen(thumbprint->digits)) == 0 ||
           strcmp(sha1, thumbprint->digits) == 0;
}
