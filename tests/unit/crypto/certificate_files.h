/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates as the openssl command makes them, in the folder of tool.h. */

#include "crypto/certificate.h"
#include "tool.h"

#define EXTENSIONS                                                                      \
    "[leaf]\nkeyUsage=critical,keyEncipherment\n"                                       \
    "1.3.6.1.4.1.311.21.10=DER:300e300c060a2b0601040182373001"                          \
    "02\nsubjectKeyIdentifier=hash\n"                                                   \
    "authorityKeyIdentifier=keyid:always,issuer:always\n"                               \
    "[other]\nbasicConstraints=critical,CA:FALSE,pathlen:0\n"                           \
    "keyUsage=digitalSignature,nonRepudiation,keyAgreement,encipherOnly,decipherOnly\n" \
    "1.3.6.1.4.1.311.21.10=DER:300630040602"                                            \
    "2a03\n1.2.3.4=critical,DER:0500\n"                                                 \
    "[plain]\n1.2.3.4=DER:0500\n"

static inline int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_write("x.cnf", slice_from_text(EXTENSIONS));
    tool_run("for k in ca rsa rival; do openssl genrsa -out $k.key 2048; done\n"
             "openssl ecparam -name prime256v1 -genkey -noout -out ec.key\n"
             "openssl ecparam -name secp384r1 -genkey -noout -out ec384.key\n"
             "openssl genrsa -out small.key 1024\n"
             "ca='-subj /CN=Signer/O=Ex,ample -days 30 -addext keyUsage=critical,keyCertSign'\n"
             "for k in ca rival ec ec384; do openssl req -x509 -new -key $k.key $ca -out $k.crt; "
             "done\n"
             "openssl req -x509 -new -key small.key $ca -out small.crt\n"
             "openssl req -new -key rsa.key -subj '/CN=A B' -out rsa.csr\n"
             "i() { openssl x509 -req -in rsa.csr -extfile x.cnf -extensions $1 -CA $2.crt "
             "-CAkey $2.key -set_serial $3 -days 2 $5 $6 $7 $8 $9 -out $4.crt; }\n"
             "i leaf ca 0x0102030405060708090a0b0c0d0e0f10 leaf -sha256\n"
             "i other ca 0x80ff other -sha384\n"
             "i plain ca 1 plain -sha512\n"
             "i leaf ca 2 pss -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32\n"
             "i leaf ca 2 pss20 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20\n"
             "i leaf ca 2 sha1 -sha1\n"
             "i leaf ec 2 ecleaf -sha256; i leaf ec384 2 ec384leaf -sha384\n"
             "openssl x509 -req -in rsa.csr -CA ca.crt -CAkey ca.key -set_serial 5 -days 2 "
             "-out v1.crt\n"
             "for c in *.crt; do openssl x509 -in $c -outform der -out ${c%%.crt}.der; done");
    return 0;
}

static inline struct certificate *parse(const char *file)
{
    struct buf der;
    struct certificate *certificate = NULL;
    assert_ok(certificate_parse(&certificate, tool_read(&der, file), err));
    assert_slice_equal(certificate_der(certificate), buf_slice(&der));
    buf_done(&der);
    return certificate;
}
