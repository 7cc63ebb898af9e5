/* SPDX-License-Identifier: Apache-2.0 */
#include "host/service.h"

#include <string.h>

#include "base/memory.h"

#define REPLY_MAX ((size_t)4 * 1024 * 1024)

struct http_client *host_service_client(const struct host_config *config, const struct clock *clock)
{
    _cleanup_free_ char *ca_file = host_config_resolve(config, config->ca_file);
    struct http_client_options options = {
        .ca_file = config->ca_file[0] != '\0' ? ca_file : NULL,
        .reply_limit = REPLY_MAX,
        .clock = clock,
    };
    return http_client_new(&options);
}

/* "http://host/Attestation/" and "/v2.0/…" give one slash between them. */
static char *join(const char *url, const char *path)
{
    size_t size = strlen(url);
    while (size > 0 && url[size - 1] == '/')
        size--;
    return memory_format("%.*s%s", (int)size, url, path);
}

bool host_service_request(struct http_client *client, const char *base, const char *path,
                          const char *content_type, const struct slice *body, struct buf *out,
                          unsigned *status, struct error *err)
{
    _cleanup_free_ char *url = join(base, path);
    return http_client_request(client, url, content_type, body, out, status, err);
}

static bool post_one(const struct host_service *service, const char *base, const char *content_type,
                     struct slice body, host_service_answer *answer, void *context, bool *retry,
                     struct error *err)
{
    _cleanup_free_ char *url = join(base, service->path);
    unsigned status;
    /* Only ciphertexts and certificates come back: nothing to wipe. */
    struct buf reply;
    buf_init(&reply, REPLY_MAX);
    *retry = true;
    bool good =
        http_client_request(service->client, url, content_type, &body, &reply, &status, err) &&
        answer(context, url, status, buf_slice(&reply), retry, err);
    buf_done(&reply);
    return good;
}

bool host_service_post(const struct host_service *service, const char *content_type,
                       struct slice body, host_service_answer *answer, void *context,
                       bool *fallback, struct error *err)
{
    struct error first = {0};
    for (int i = 0; i < 2 && service->urls[i] != NULL; i++) {
        struct error cause = {0};
        bool retry;
        if (post_one(service, service->urls[i], content_type, body, answer, context, &retry,
                     &cause)) {
            *fallback = i == 1;
            return true;
        }
        if (first.code == NULL || !retry)
            first = cause;
        if (!retry)
            break;
    }
    if (err != NULL)
        *err = first;
    return false;
}
