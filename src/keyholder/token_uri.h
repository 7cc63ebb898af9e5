/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * PKCS#11 URIs (RFC 7512), as the service and the keyholder of a token read them. They name a token
 * (token=, serial=, manufacturer=, model=, slot-id=, slot-description=, slot-manufacturer=,
 * library-…=) and a key in it (object=, id=). Which module serves it is the node's configuration,
 * and a PIN stands in no URI: module-path=, module-name=, pin-value= and pin-source= are refused,
 * and so is every attribute that is not known, because a key named by half is another key.
 */

#include "base/error.h"

#define TOKEN_URI_MAX 1024 /* bytes of text */

/* A token's URI: names at least one thing of a token, and no key. token.uri, token.uri-secret. */
bool token_uri_check_token(const char *uri, struct error *err);
/* A key's URI: object= or id= or both; type= may be private, public or cert, and means nothing.
 * token.uri, token.uri-secret. */
bool token_uri_check_key(const char *uri, struct error *err);
/*
 * Whether a key's URI may mean a key of the token that token_uri names: nothing that both say of
 * the token is different. Both have been checked. (For choosing among the configured tokens; the
 * token itself is compared when the key is looked for.)
 */
bool token_uri_may_match(const char *key_uri, const char *token_uri);
