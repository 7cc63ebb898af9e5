/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Thumbprints as people paste them: the SHA-256 of a certificate, or its first digits, in either
 * case, with colons or spaces between; or the whole SHA-1 that Windows shows.
 */

#include "crypto/certificate.h"

#define THUMBPRINT_DIGITS_MIN 8

struct thumbprint {
    char digits[65]; /* lower case */
};

/* admin.argument when text cannot be one. */
bool thumbprint_parse(struct thumbprint *out, const char *text, struct error *err);
bool thumbprint_matches(const struct thumbprint *thumbprint, const struct certificate *certificate);
