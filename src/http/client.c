/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "http/date.h"
#include "http/errors.h"

#define TIMEOUT_MS (30 * 1000)
#define REPLY_LIMIT (4UL * 1024 * 1024)

struct http_client {
    CURL *curl;
    char *ca_file;
    size_t reply_limit;
    struct buf reply;
    const struct clock *clock; /* or NULL */
    bool has_offset;
    int64_t offset; /* of our clock against the server's, seconds */
    char message[CURL_ERROR_SIZE];
};

static void initialise_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort(); /* only for want of memory */
}

static size_t take_reply(char *data, size_t one, size_t size, void *context)
{
    (void)one;
    struct http_client *client = context;
    buf_append_bytes(&client->reply, data, size);
    return client->reply.overflow ? 0 : size; /* 0 ends the transfer */
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
    (void)one;
    struct http_client *client = context;
    static const char name[] = "Date: ";
    char date[HTTP_DATE_SIZE];
    int64_t time;
    if (client->clock == NULL || size != sizeof name - 1 + sizeof date - 1 + 2 ||
        strncasecmp(line, name, sizeof name - 1) != 0)
        return size;
    memcpy(date, line + sizeof name - 1, sizeof date - 1);
    date[sizeof date - 1] = '\0';
    client->has_offset = http_date_parse(&time, date);
    client->offset = client->has_offset ? clock_now(client->clock) - time : 0;
    return size;
}

/* A request of this client is one exchange with one server, over HTTP/1.1. */
static void set_options(struct http_client *client, int64_t timeout_ms)
{
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "hgs/" HGS_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->message);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)client->reply_limit);
    if (client->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

struct http_client *http_client_new(const struct http_client_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise_curl);
    struct http_client *client = memory_allocate_zero(1, sizeof *client);
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        abort(); /* only for want of memory */
    client->ca_file = options->ca_file != NULL ? memory_copy_text(options->ca_file) : NULL;
    client->clock = options->clock;
    client->reply_limit = options->reply_limit != 0 ? options->reply_limit : REPLY_LIMIT;
    buf_init(&client->reply, client->reply_limit);
    set_options(client, options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS);
    return client;
}

void http_client_free(struct http_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    curl_easy_cleanup((*client)->curl);
    buf_done(&(*client)->reply);
    free((*client)->ca_file);
    free(*client);
    *client = NULL;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127);
}

/* Checks the URL, and keeps what stays on this machine away from the environment's proxy. */
static bool set_url(struct http_client *client, const char *url, struct error *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    if (parts == NULL)
        abort(); /* only for want of memory */
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    bool usable =
        code == CURLUE_OK && (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    if (usable) {
        curl_easy_setopt(client->curl, CURLOPT_URL, url);
        curl_easy_setopt(client->curl, CURLOPT_PROXY, is_loopback(host) ? "" : NULL);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    if (usable)
        return true;
    return error_set(err, &http_url_malformed, NULL, url, "%s",
                     code == CURLUE_OK ? "is neither http: nor https:" : curl_url_strerror(code));
}

static bool refuse(const struct http_client *client, CURLcode code, const char *url,
                   struct error *err)
{
    const char *why = client->message[0] != '\0' ? client->message : curl_easy_strerror(code);
    switch (code) {
    case CURLE_URL_MALFORMAT:
        return error_set(err, &http_url_malformed, NULL, url, "%s", why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
        return error_set(err, &http_tls_untrusted, NULL, url, "%s", why);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, &http_tls_untrusted, NULL,
                         client->ca_file != NULL ? client->ca_file : url,
                         "cannot be used as the list of trusted authorities: %s", why);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, &http_timeout, NULL, url, "%s", why);
    case CURLE_FILESIZE_EXCEEDED:
        return error_set(err, &http_reply_too_large, NULL, url,
                         "the reply is larger than %zu bytes", client->reply_limit);
    case CURLE_WRITE_ERROR:
        if (client->reply.overflow)
            return error_set(err, &http_reply_too_large, NULL, url,
                             "the reply is larger than %zu bytes", client->reply_limit);
        return error_set(err, &http_unreachable, NULL, url, "%s", why);
    default:
        return error_set(err, &http_unreachable, NULL, url, "%s", why);
    }
}

static struct curl_slist *append(struct curl_slist *list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(list, header);
    if (longer == NULL)
        abort(); /* only for want of memory */
    return longer;
}

/* The header by which the server can tell how far our clock is from its own. */
static struct curl_slist *date_header(const struct http_client *client)
{
    char date[HTTP_DATE_SIZE], line[sizeof "Date: " + HTTP_DATE_SIZE];
    if (client->clock == NULL)
        return NULL;
    snprintf(line, sizeof line, "Date: %s", http_date_format(clock_now(client->clock), date));
    return append(NULL, line);
}

/* Puts method and body in place; the returned list must live as long as the transfer. */
static struct curl_slist *set_body(struct http_client *client, const char *content_type,
                                   const struct slice *body)
{
    if (body == NULL) {
        curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
        return date_header(client);
    }
    _cleanup_free_ char *type =
        memory_format("Content-Type: %s", content_type != NULL ? content_type : "");
    curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body->size > 0 ? (char *)body->data : "");
    /* Without "Expect: 100-continue": a round trip more, for bodies that are never refused. */
    return append(append(date_header(client), type), "Expect:");
}

bool http_client_request(struct http_client *client, const char *url, const char *content_type,
                         const struct slice *body, struct buf *out, unsigned *status,
                         struct error *err)
{
    if (!set_url(client, url, err))
        return false;
    struct curl_slist *headers = set_body(client, content_type, body);
    long code = 0;
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    buf_reset(&client->reply);
    client->has_offset = false;
    client->message[0] = '\0';
    CURLcode result = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
    if (result != CURLE_OK)
        return refuse(client, result, url, err);
    if (client->reply.size > out->limit - out->size)
        return error_set(err, &http_reply_too_large, NULL, url,
                         "the reply of %zu bytes is larger than expected", client->reply.size);
    buf_append(out, buf_slice(&client->reply));
    *status = (unsigned)code;
    return true;
}

bool http_client_offset(const struct http_client *client, int64_t *seconds)
{
    if (client->has_offset)
        *seconds = client->offset;
    return client->has_offset;
}
