/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Objects in a token: finding them and reading their attributes, bounded. All run within an attempt
 * (token_session.h), and what is wrong is about object, a key's URI.
 */

#include "base/buf.h"
#include "crypto/public_key.h"
#include "keyholder/token_session.h"

#define TOKEN_OBJECT_TEXT_MAX 256 /* bytes of a CKA_ID or CKA_LABEL */

/* At most `most` handles of what matches the template; *count may say one more when there are more.
 * token.wrong-answer. */
enum token_outcome token_object_find(CK_OBJECT_HANDLE *out, CK_ULONG most, CK_ULONG *count,
                                     struct token_use *use, CK_ATTRIBUTE *template, CK_ULONG size,
                                     const char *object, struct error *err);
/* An attribute's bytes; *got 0 when there is none, or the token does not tell it, or it is longer
 * than size. token.wrong-answer when it says so after it gave the length. */
enum token_outcome token_object_bytes(void *out, size_t size, size_t *got, struct token_use *use,
                                      CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type,
                                      const char *object, struct error *err);
/* A CK_BBOOL; missing when there is none. */
enum token_outcome token_object_flag(bool *out, bool missing, struct token_use *use,
                                     CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type,
                                     const char *object, struct error *err);
/* The RSA key of an object that has CKA_MODULUS and CKA_PUBLIC_EXPONENT; *out stays NULL when it
 * does not tell them. token.key-unsupported. */
enum token_outcome token_object_rsa(struct public_key **out, struct token_use *use,
                                    CK_OBJECT_HANDLE handle, const char *object, struct error *err);
/*
 * The certificate objects with this CKA_ID (and, unless key is NULL, with that public key): the one
 * there is, appended to out as DER; its key in *found_key (when not NULL). Nothing when there is
 * none. token.key-ambiguous when there are several.
 */
enum token_outcome token_object_certificate(struct buf *out, struct public_key **found_key,
                                            struct token_use *use, struct slice id,
                                            const struct public_key *key, const char *object,
                                            struct error *err);
