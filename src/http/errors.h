/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of http/. */

#include "base/error.h"

#define HTTP_ERRORS(X)                                                                            \
    X(http_address_unusable, "http.address-unusable", ERROR_IO,                                   \
      "a listen address could not be bound",                                                      \
      "see who has the port (ss -ltnp), or choose another in [listen] of hgsd.conf")              \
    X(http_tls_unusable, "http.tls-unusable", ERROR_USAGE,                                        \
      "the TLS certificate or its key cannot be used",                                            \
      "check the files of [listen] in hgsd.conf: openssl x509 -in CERT -noout -text")             \
    X(http_unreachable, "http.unreachable", ERROR_UNAVAILABLE, "nobody answers at that address",  \
      "check the URL, that hgsd runs there (systemctl status hgsd), and the firewall between")    \
    X(http_tls_untrusted, "http.tls-untrusted", ERROR_UNAUTHORIZED,                               \
      "the server's TLS certificate is not trusted here",                                         \
      "add the certificate authority to the system's store, or name its file in the "             \
      "configuration")                                                                            \
    X(http_timeout, "http.timeout", ERROR_UNAVAILABLE, "the server did not answer in time",       \
      "try again; if it persists, look at the service: hgsctl server show")                       \
    X(http_reply_too_large, "http.reply-too-large", ERROR_LIMIT,                                  \
      "the server's reply is larger than any that this protocol has",                             \
      "check that the URL is that of a Host Guardian Service")                                    \
    X(http_request_malformed, "http.request-malformed", ERROR_MALFORMED,                          \
      "a request is not HTTP, or could be read in two ways",                                      \
      "find out which program sent it; the event names its address")                              \
    X(http_request_incomplete, "http.request-incomplete", ERROR_MALFORMED,                        \
      "a client went away before its request was whole",                                          \
      "nothing, unless it is a host of yours: then look at the network between")                  \
    X(http_request_slow, "http.request-slow", ERROR_LIMIT,                                        \
      "a request did not arrive within the time that it may take",                                \
      "nothing, unless it is a host of yours: see request and idle in [limits] of hgsd.conf")     \
    X(http_reply_slow, "http.reply-slow", ERROR_LIMIT,                                            \
      "a client did not take its reply within the time that it may take",                         \
      "nothing, unless it is a host of yours: see request and idle in [limits] of hgsd.conf")     \
    X(http_head_too_large, "http.head-too-large", ERROR_LIMIT,                                    \
      "a request's headers are larger than this service takes",                                   \
      "if it is a host's, whose Kerberos ticket has very many groups: raise head in [limits] of " \
      "hgsd.conf")                                                                                \
    X(http_body_too_large, "http.body-too-large", ERROR_LIMIT,                                    \
      "a request's body is larger than this service takes",                                       \
      "if it is a host's: raise attestation-body or key-protection-body in [limits] of "          \
      "hgsd.conf")                                                                                \
    X(http_encoding_unknown, "http.encoding-unknown", ERROR_UNSUPPORTED,                          \
      "a request's transfer encoding is not known here", "send it plain or chunked")              \
    X(http_busy, "http.busy", ERROR_UNAVAILABLE,                                                  \
      "a request came when the service had no room for it",                                       \
      "hosts try again by themselves; if it persists, add a node, or look for who sends so much") \
    X(http_path_unknown, "http.path-unknown", ERROR_NOT_FOUND,                                    \
      "a request is for a path at which there is nothing",                                        \
      "check the URLs of the host that sent it: hgs host show")                                   \
    X(http_method_wrong, "http.method-wrong", ERROR_USAGE,                                        \
      "a request's method is not one that its path has",                                          \
      "find out which program sent it; the event names its address")                              \
    X(http_url_malformed, "http.url-malformed", ERROR_USAGE, "a URL cannot be used",              \
      "write it as http://HOST[:PORT]/Attestation or https://…")

ERROR_TABLE_DECLARE(http_errors, HTTP_ERRORS)
