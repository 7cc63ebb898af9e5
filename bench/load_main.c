/* SPDX-License-Identifier: Apache-2.0 */

/* bench-load: the command line of load.h, and its result as one JSON object. */

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/memory.h"
#include "load.h"

#define BODY_MAX (16UL * 1024 * 1024)

static const char usage[] =
    "usage: bench-load --url http://HOST:PORT/PATH (--seconds S | --requests N)\n"
    "                  [--connections N] [--post FILE…] [--content-type TYPE]\n"
    "                  [--expect TEXT] [--idle N]\n"
    "\n"
    "Sends GET, or POST with the bodies of the files in turn, over N keep-alive connections\n"
    "(default 1), and prints a JSON object. A reply other than 200, or without TEXT, is an error.\n"
    "With --idle, N further connections are served once, stay open and idle meanwhile, and must\n"
    "answer once more in the end.\n"
    "\n"
    "example: bench-load --url http://127.0.0.1:8080/Attestation/v2.0/hostkeyattest \\\n"
    "                    --connections 8 --seconds 5 --post host1.json host2.json\n";

struct command {
    const char *url;
    const char *content_type;
    const char **files;
    size_t file_count;
    const char *expect; /* a text that every reply must hold, or NULL */
    unsigned idle;
    struct load_request *requests; /* taken in turn, by all connections together */
    size_t request_count, next;
    struct load_plan plan;
};

static struct load_request begin(void *context, unsigned connection)
{
    (void)connection;
    struct command *command = context;
    size_t number = command->next;
    command->next = number + 1 < command->request_count ? number + 1 : 0;
    return command->requests[number];
}

static enum load_turn follow(void *context, unsigned connection, struct slice reply,
                             struct load_request *next)
{
    (void)connection, (void)next;
    const char *expect = ((const struct command *)context)->expect;
    bool good = expect == NULL || memmem(reply.data, reply.size, expect, strlen(expect)) != NULL;
    return good ? LOAD_DONE : LOAD_WRONG;
}

static bool complain(const char *what, const char *object)
{
    fprintf(stderr, "bench-load: %s: %s\n", object, what);
    return false;
}

static bool parse_number(double *out, const char *text, double most)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static bool take_option(struct command *command, int option, const char *value)
{
    double number = 0;
    if (strchr("csni", option) != NULL &&
        !parse_number(&number, value, option == 'n' ? 1e12 : 100000))
        return complain("is not a usable number", value);
    switch (option) {
    case 'u':
        command->url = value;
        return true;
    case 't':
        command->content_type = value;
        return true;
    case 'e':
        command->expect = value;
        return true;
    case 'p':
        command->files[command->file_count++] = value;
        return true;
    case 'c':
        command->plan.connections = (unsigned)number;
        return true;
    case 's':
        command->plan.seconds = number;
        return true;
    case 'n':
        command->plan.limit = (uint64_t)number;
        return true;
    case 'i':
        command->idle = (unsigned)number;
        return true;
    default:
        return false;
    }
}

static bool parse_command(struct command *command, int count, char **words)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},     {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'}, {"requests", required_argument, NULL, 'n'},
        {"post", required_argument, NULL, 'p'},    {"content-type", required_argument, NULL, 't'},
        {"expect", required_argument, NULL, 'e'},  {"idle", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    command->files = memory_allocate_zero((size_t)count, sizeof *command->files);
    command->plan.connections = 1;
    command->content_type = "application/json";
    while ((option = getopt_long(count, words, "", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (!take_option(command, option, optarg))
            return false;
    }
    /* The files after the first that --post names. */
    while (optind < count && command->file_count > 0)
        command->files[command->file_count++] = words[optind++];
    return optind == count && command->url != NULL &&
           (command->plan.seconds > 0 || command->plan.limit > 0) && command->plan.connections > 0;
}

/* host: HOST:PORT as in the URL, for the Host header; path: what follows it. */
static bool parse_url(struct command *command, char **host, const char **path)
{
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (strncmp(command->url, "http://", 7) != 0)
        return complain("is not http://HOST:PORT/PATH", command->url);
    const char *authority = command->url + 7;
    const char *slash = strchrnul(authority, '/');
    *path = *slash == '/' ? slash : "/";
    *host = memory_format("%.*s", (int)(slash - authority), authority);
    _cleanup_free_ char *name = memory_copy_text(*host);
    char *colon = strchr(name, ':');
    if (colon != NULL)
        *colon++ = '\0';
    if (getaddrinfo(name, colon != NULL ? colon : "80", &wanted, &found) != 0)
        return complain("no such IPv4 host or port", *host);
    memcpy(&command->plan.address, found->ai_addr, sizeof command->plan.address);
    freeaddrinfo(found);
    return true;
}

static struct load_request build(const char *format, const char *path, const char *host,
                                 const char *type, struct slice body)
{
    struct buf bytes;
    buf_init(&bytes, BODY_MAX + 4096);
    buf_append_format(&bytes, "%s %s HTTP/1.1\r\nHost: %s\r\n", format, path, host);
    if (type != NULL)
        buf_append_format(&bytes, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.size);
    buf_append_text(&bytes, "\r\n");
    buf_append(&bytes, body);
    return (struct load_request){(char *)bytes.data, bytes.size};
}

static bool build_requests(struct command *command)
{
    _cleanup_free_ char *host = NULL;
    const char *path = NULL;
    if (!parse_url(command, &host, &path))
        return false;
    command->request_count = command->file_count > 0 ? command->file_count : 1;
    command->requests = memory_allocate_zero(command->request_count, sizeof *command->requests);
    if (command->file_count == 0)
        command->requests[0] = build("GET", path, host, NULL, SLICE_EMPTY);
    for (size_t i = 0; i < command->file_count; i++) {
        struct error err = {0};
        _cleanup_buf_ struct buf body;
        buf_init(&body, BODY_MAX);
        if (!file_read(&body, command->files[i], &err))
            return complain(err.message, command->files[i]);
        command->requests[i] = build("POST", path, host, command->content_type, buf_slice(&body));
    }
    return true;
}

static void print(const struct command *command, const struct load_result *result, size_t opened,
                  size_t answered)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"connections\": %u, \"seconds\": %.3f, \"requests\": %llu, \"errors\": %llu, "
           "\"requests_per_second\": %.1f,\n \"latency_us\": {\"p50\": %u, \"p90\": %u, "
           "\"p99\": %u, \"max\": %u},\n \"client_cpu_seconds\": %.3f, \"idle\": "
           "{\"wanted\": %u, \"opened\": %zu, \"answered\": %zu}}\n",
           command->plan.connections, result->seconds, (unsigned long long)result->requests,
           (unsigned long long)result->errors, (double)result->requests / result->seconds,
           load_percentile(result, 0.5), load_percentile(result, 0.9),
           load_percentile(result, 0.99), result->max_us, cpu, command->idle, opened, answered);
}

static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* Exit status: 0 all was answered, 1 something was not, 2 wrong usage. */
int main(int count, char **words)
{
    struct command command = {.plan = {.context = &command, .begin = begin, .follow = follow}};
    struct load_result result = {0};
    if (!parse_command(&command, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    allow_descriptors();
    if (!build_requests(&command))
        return 2;
    int *idle = memory_allocate_zero(command.idle + 1, sizeof *idle);
    size_t opened = load_open_idle(&command.plan, idle, command.idle);
    bool done = load_run(&result, &command.plan);
    size_t answered = load_close_idle(&command.plan, idle, opened);
    if (done)
        print(&command, &result, opened, answered);
    bool good = done && result.errors == 0 && answered == command.idle;
    for (size_t i = 0; i < command.request_count; i++)
        free((char *)command.requests[i].bytes);
    free(command.requests);
    free(command.files);
    free(idle);
    load_result_done(&result);
    return good ? 0 : 1;
}
