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
/* The bytes of a whole one: 32 of SHA-256 or 20 of SHA-1. False when text is no such thing. */
bool thumbprint_whole(struct buf *out, const char *text);
bool thumbprint_matches(const struct thumbprint *thumbprint, const struct certificate *certificate);
