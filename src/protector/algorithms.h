/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The algorithm URIs of key protection (protocol.md 3, "Algorithms"), in one table: MS-KPS names
 * none, so another implementation's choice is one more row in algorithms.c.
 */

#include "base/error.h"

#define PROTECTOR_NAMESPACE "http://schemas.microsoft.com/kps/2014/07"
#define XMLDSIG_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"
#define XMLENC11_NAMESPACE "http://www.w3.org/2009/xmlenc11#"

#define ALGORITHMS_EXCLUSIVE_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ALGORITHMS_ENVELOPED_SIGNATURE XMLDSIG_NAMESPACE "enveloped-signature"

enum algorithms_use {
    ALGORITHMS_SIGNATURE,      /* enum signature_algorithm */
    ALGORITHMS_KEY_TRANSPORT,  /* enum encryption_algorithm */
    ALGORITHMS_MAC,            /* enum digest_algorithm of an HMAC */
    ALGORITHMS_KEY_DERIVATION, /* ALGORITHMS_CONCAT_KDF */
    ALGORITHMS_KEY_WRAP,       /* ALGORITHMS_AES256_KEY_WRAP */
    ALGORITHMS_CONTENT,        /* ALGORITHMS_AES256_GCM */
    ALGORITHMS_DIGEST,         /* enum digest_algorithm */
    ALGORITHMS_MASK,           /* enum digest_algorithm of an MGF1 */
};

/* The only value of each use that has one. */
enum { ALGORITHMS_CONCAT_KDF = 1, ALGORITHMS_AES256_KEY_WRAP = 1, ALGORITHMS_AES256_GCM = 1 };

/* The value that uri names for a use. protector.algorithm when it names none that is used here. */
bool algorithms_find(int *value, enum algorithms_use use, const char *uri, struct error *err);
/* The URI of a value; NULL when the protocol has none for it (a signature by an EC key). */
const char *algorithms_uri(enum algorithms_use use, int value);
