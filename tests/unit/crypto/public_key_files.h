/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keys as the openssl command makes them, in the folder of tool.h. */

#include "crypto/public_key.h"
#include "tool.h"

/* Keys and signatures over the file "message", all by openssl. */
static inline int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("printf 'the message' > message\n"
             "openssl genrsa -out rsa.pem 2048; openssl genrsa -3 -out rsa3.pem 3072\n"
             "openssl genrsa -out small.pem 1024; openssl genrsa -out odd.pem 2056\n"
             "openssl ecparam -name prime256v1 -genkey -noout -out p256.pem\n"
             "openssl ecparam -name secp384r1 -genkey -noout -out p384.pem\n"
             "openssl ecparam -name secp521r1 -genkey -noout -out p521.pem\n"
             "openssl genpkey -algorithm ed25519 -out ed25519.pem\n"
             "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out pss.pem\n"
             "for k in rsa rsa3 small odd p256 p384 p521 ed25519 pss; do "
             "openssl pkey -in $k.pem -pubout -out $k.pub; "
             "openssl pkey -pubin -in $k.pub -outform der -out $k.spki; done\n"
             "openssl ec -in p256.pem -pubout -conv_form compressed -outform der -out compressed\n"
             "openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out e.pem\n"
             "openssl ec -in e.pem -pubout -outform der -out explicit\n"
             "openssl req -x509 -new -key rsa.pem -subj /CN=x -days 2 -out rsa.crt\n"
             "openssl x509 -in rsa.crt -outform der -out rsa.crt.der");
    return 0;
}

static inline struct public_key *parse(const char *file)
{
    struct buf spki;
    struct public_key *key = NULL;
    assert_ok(public_key_parse(&key, tool_read(&spki, file), err));
    assert_slice_equal(public_key_spki(key), buf_slice(&spki));
    buf_done(&spki);
    return key;
}
