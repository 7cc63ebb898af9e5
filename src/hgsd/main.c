/* SPDX-License-Identifier: Apache-2.0 */

/* hgsd(8): the Host Guardian Service. Which process this is, the supervisor or one of its children,
 * the hidden option
 * --child says. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/hgsd_errors.h"
#include "base/config_dump.h"
#include "base/log.h"
#include "base/memory.h"
#include "hgsd/config.h"
#include "hgsd/keyholders.h"
#include "hgsd/service.h"
#include "hgsd/supervisor.h"
#include "process/sandbox.h"

#define DUMP_MAX ((size_t)1024 * 1024)

struct arguments {
    const char *config; /* NULL: the usual file */
    bool check;
    const char *child; /* NULL: the supervisor */
    int descriptors;
    const char *token; /* NULL: none */
};

enum { OPTION_CHILD = 256, OPTION_DESCRIPTORS, OPTION_TOKEN, OPTION_CHECK, OPTION_DUMP };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"child", required_argument, NULL, OPTION_CHILD},
    {"descriptors", required_argument, NULL, OPTION_DESCRIPTORS},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"dump-config", no_argument, NULL, OPTION_DUMP},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static const char help[] =
    "usage: hgsd [--config FILE] [--check-config]\n"
    "\n"
    "Runs the Host Guardian Service in the foreground; see hgsd(8) and hgsd.conf(5).\n"
    "\n"
    "  --config FILE    configuration file (default " HGSD_CONFIG_FILE ")\n"
    "  --check-config   read the configuration, say what is wrong with it, and end\n"
    "  --help           this text\n"
    "  --version        the version\n"
    "\n"
    "SIGHUP reloads the TLS certificate and the log level; SIGTERM finishes requests under way.\n"
    "\n"
    "Example: hgsd --config ./hgsd.conf\n";

static int fail(const struct error *err)
{
    char line[ERROR_OBJECT_SIZE + ERROR_MESSAGE_SIZE + 128];
    fprintf(stderr, "hgsd: %s\n", error_format(err, line, sizeof line));
    fprintf(stderr, "  what to do: %s\n", err->code->remedy);
    return err->code->kind == ERROR_USAGE ? 2 : 1;
}

static int say_good(void)
{
    bool said = puts("The configuration is good.") >= 0 && fflush(stdout) == 0;
    return said ? 0 : 1;
}

/* The hidden --dump-config: what man pages are checked against. */
static void dump_config(void)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, DUMP_MAX);
    size_t count = hgsd_config_key_count + hgsd_token_family.key_count;
    _cleanup_free_ struct config_key *keys = memory_allocate_zero(count, sizeof *keys);
    memcpy(keys, hgsd_config_keys, hgsd_config_key_count * sizeof *keys);
    memcpy(keys + hgsd_config_key_count, hgsd_token_family.keys,
           hgsd_token_family.key_count * sizeof *keys);
    config_dump(&text, keys, count);
    fputs(buf_text(&text), stdout);
}

/* False when the program should end now with *status. */
static bool read_arguments(struct arguments *arguments, int count, char **values, int *status)
{
    int option;
    while ((option = getopt_long(count, values, "", long_options, NULL)) != -1) {
        *status = 0;
        switch (option) {
        case 'c':
            arguments->config = optarg;
            break;
        case OPTION_CHECK:
            arguments->check = true;
            break;
        case OPTION_CHILD:
            arguments->child = optarg;
            break;
        case OPTION_DESCRIPTORS:
            arguments->descriptors = atoi(optarg);
            break;
        case OPTION_TOKEN:
            arguments->token = optarg;
            break;
        case OPTION_DUMP:
            dump_config();
            return false;
        case 'h':
            fputs(help, stdout);
            return false;
        case 'V':
            puts("hgsd " HGS_VERSION);
            return false;
        default:
            *status = 2;
            fputs(help, stderr);
            return false;
        }
    }
    if (optind == count)
        return true;
    fprintf(stderr, "hgsd: “%s” is not expected\n%s", values[optind], help);
    *status = 2;
    return false;
}

static int run_child(const struct arguments *arguments, const struct hgsd_config *config)
{
    if (strcmp(arguments->child, "keyholder") == 0)
        return keyholders_run(config, arguments->descriptors);
    if (strcmp(arguments->child, "token") == 0 && arguments->token != NULL)
        return keyholders_run_token(config, arguments->token, arguments->descriptors);
    if (strcmp(arguments->child, "service") == 0)
        return service_run(config, arguments->config, SUPERVISOR_CHILD_FD);
    return 2;
}

int main(int count, char **values)
{
    struct arguments arguments = {0};
    struct error err = {0};
    int status = 0;
    if (!read_arguments(&arguments, count, values, &status))
        return status;
    struct hgsd_config config;
    if (!hgsd_config_load(&config, arguments.config, &err))
        return fail(&err);
    enum log_level level = LOG_LEVEL_NOTICE;
    log_level_parse(&level, config.log_level);
    log_init("hgsd", level);
    if (arguments.child != NULL)
        status = run_child(&arguments, &config);
    else if (arguments.check)
        status = service_check(&config, &err) ? say_good() : fail(&err);
    else if (!sandbox_undumpable(&err) || !service_prepare(&config, &err) ||
             !supervisor_run(&config, arguments.config, &err))
        status = fail(&err);
    hgsd_config_done(&config);
    return status;
}
