/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A PKCS#11 URI as the files of this room that speak to a module see it: read by p11-kit, after it
 * was checked (token_uri.h). */

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "keyholder/token_uri.h"

/* As token_uri_check_token and token_uri_check_key. Freed with p11_kit_uri_free. */
bool token_uri_parse_token(P11KitUri **out, const char *text, struct error *err);
bool token_uri_parse_key(P11KitUri **out, const char *text, struct error *err);

static inline void token_uri_free(P11KitUri **uri)
{
    p11_kit_uri_free(*uri);
}
#define _cleanup_token_uri_ __attribute__((cleanup(token_uri_free)))
