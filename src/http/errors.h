/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of http/. */

#include "base/error.h"

#define HTTP_ERRORS(X)                                                                           \
    X(http_address_unusable, "http.address-unusable", ERROR_IO,                                  \
      "a listen address could not be bound",                                                     \
      "see who has the port (ss -ltnp), or choose another in [listen] of hgsd.conf")             \
    X(http_tls_unusable, "http.tls-unusable", ERROR_USAGE,                                       \
      "the TLS certificate or its key cannot be used",                                           \
      "check the files of [listen] in hgsd.conf: openssl x509 -in CERT -noout -text")            \
    X(http_unreachable, "http.unreachable", ERROR_UNAVAILABLE, "nobody answers at that address", \
      "check the URL, that hgsd runs there (systemctl status hgsd), and the firewall between")   \
    X(http_tls_untrusted, "http.tls-untrusted", ERROR_UNAUTHORIZED,                              \
      "the server's TLS certificate is not trusted here",                                        \
      "add the certificate authority to the system's store, or name its file in the "            \
      "configuration")                                                                           \
    X(http_timeout, "http.timeout", ERROR_UNAVAILABLE, "the server did not answer in time",      \
      "try again; if it persists, look at the service: hgsctl server show")                      \
    X(http_reply_too_large, "http.reply-too-large", ERROR_LIMIT,                                 \
      "the server's reply is larger than any that this protocol has",                            \
      "check that the URL is that of a Host Guardian Service")                                   \
    X(http_url_malformed, "http.url-malformed", ERROR_USAGE, "a URL cannot be used",             \
      "write it as http://HOST[:PORT]/Attestation or https://…")

ERROR_TABLE_DECLARE(http_errors, HTTP_ERRORS)
