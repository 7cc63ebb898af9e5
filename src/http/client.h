/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP(S) client: one bounded request, one bounded reply. Redirects are not followed, proxies
 * only from the environment when the URL is not loopback. TLS 1.2 or newer, the server's
 * certificate is verified (system store, or ca_file).
 */

#include "base/buf.h"
#include "base/clock.h"

struct http_client_options {
    const char *ca_file; /* PEM; NULL: the system's */
    int64_t timeout_ms;  /* whole request; 30 s when 0 */
    size_t reply_limit;  /* 4 MiB when 0 */
    /* Requests say what time it is by it (Date), and replies are compared with it; NULL: neither.
     * Must outlive the client. */
    const struct clock *clock;
};

struct http_client; /* keeps its connection open between requests; one thread at a time */

struct http_client *http_client_new(const struct http_client_options *options);
void http_client_free(struct http_client **client);

/*
 * Sends body (POST with content_type when body is not NULL, else GET) to url and appends the
 * reply's body to out. *status: the HTTP status. http.unreachable (nobody answers),
 * http.tls-untrusted (its certificate does not verify), http.reply-too-large, http.timeout. A
 * status of 400 and more is not an error here.
 */
bool http_client_request(struct http_client *client, const char *url, const char *content_type,
                         const struct slice *body, struct buf *out, unsigned *status,
                         struct error *err);
/* By how many seconds our clock was ahead of the server's (its Date) when the head of the last
 * reply came; negative: behind. False when it did not say, or there is no clock. Nobody vouches for
 * it: it may only inform. */
bool http_client_offset(const struct http_client *client, int64_t *seconds);
