/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request to the configured service: the primary URL, and when that does not answer, the
 * fallback. */

#include "host/config.h"
#include "http/client.h"

struct host_service {
    struct http_client *client;
    const char *urls[2]; /* borrowed; urls[1] NULL: no fallback */
    const char *path;    /* behind the URL: "/v2.0/hostkeyattest" */
};

/* Whether the answer settles the matter. False with *err set: try the next URL when *retry is true,
 * else give up. */
typedef bool host_service_answer(void *context, const char *url, unsigned status, struct slice body,
                                 bool *retry, struct error *err);

/* A client for the configuration's trust settings, which tells services what time it is by clock
 * (that outlives it). */
struct http_client *host_service_client(const struct host_config *config,
                                        const struct clock *clock);
/* One request to one URL: GET when body is NULL, else POST. What came is appended to out. http.* */
bool host_service_request(struct http_client *client, const char *base, const char *path,
                          const char *content_type, const struct slice *body, struct buf *out,
                          unsigned *status, struct error *err);
/*
 * Posts body to each URL in turn until one answers and `answer` accepts or refuses for good.
 * *fallback: the second URL it was. On failure the first URL's error is given, since that is the
 * service that should work.
 */
bool host_service_post(const struct host_service *service, const char *content_type,
                       struct slice body, host_service_answer *answer, void *context,
                       bool *fallback, struct error *err);
