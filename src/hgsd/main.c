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
#include "hgsd/config.h"
#include "hgsd/service.h"
#include "hgsd/supervisor.h"
#include "keyholder/process.h"
#include "process/sandbox.h"

#define DUMP_MAX ((size_t)1024 * 1024)

struct arguments {
    const char *config; /* NULL: the usual file */
    bool check;
    const char *child; /* NULL: the supervisor */
    int descriptors;
};

enum { OPTION_CHILD = 256, OPTION_DESCRIPTORS, OPTION_CHECK, OPTION_DUMP };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"child", required_argument, NULL, OPTION_CHILD},
    {"descriptors", required_argument, NULL, OPTION_DESCRIPTORS},
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

/* The hidden --dump-config: what man pages are checked against. */
static void dump_config(void)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, DUMP_MAX);
    config_dump(&text, hgsd_config_keys, hgsd_config_key_count);
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

static int run_keyholder(const struct hgsd_config *config, int count)
{
    struct error err = {0};
    int channels[SUPERVISOR_CHANNELS_MAX];
    log_init("hgsd: keyholder", LOG_LEVEL_NOTICE);
    if (count < 1 || count > SUPERVISOR_CHANNELS_MAX)
        return 2;
    for (int i = 0; i < count; i++)
        channels[i] = SUPERVISOR_CHILD_FD + i;
    const char *user = *config->keyholder_user != '\0' ? config->keyholder_user : NULL;
    struct keyholder_process_options options = {.folder = config->keyholder_folder,
                                                .channels = channels,
                                                .channel_count = count,
                                                .sandbox = true};
    if (*config->key_folder != '\0')
        options.key_folder = config->key_folder;
    if (sandbox_drop_user(user, 0, &err) && keyholder_process_run(&options, &err))
        return 0;
    log_error(LOG_LEVEL_ERROR, &err, "the keyholder cannot work");
    return 1;
}

static int run_child(const struct arguments *arguments, const struct hgsd_config *config)
{
    if (strcmp(arguments->child, "keyholder") == 0)
        return run_keyholder(config, arguments->descriptors);
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
        status = service_check(&config, &err) ? puts("The configuration is good.") < 0 : fail(&err);
    else if (!sandbox_undumpable(&err) || !service_prepare(&config, &err) ||
             !supervisor_run(&config, arguments.config, &err))
        status = fail(&err);
    hgsd_config_done(&config);
    return status;
}
