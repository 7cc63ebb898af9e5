/* SPDX-License-Identifier: Apache-2.0 */

/* hgs(1): what guarded hosts and owners of virtual machines do. */

#include <string.h>
#include <sys/stat.h>

#include "base/config_dump.h"
#include "diagnose/explain_command.h"
#include "hgs/commands.h"
#include "host/config.h"

#define DUMP_MAX ((size_t)1024 * 1024)

static const struct option_noun nouns[] = {
    {"host", "this machine as a guarded host: its key, its service, attestation", host_commands},
    {"guardian", "guardians: your own, and services whose metadata you import", guardian_commands},
    {"protector", "key protectors on their own", protector_commands},
    {"vm", "VM files: a key protector and secrets sealed under its key", vm_commands},
    {"explain", "causes and remedies of error codes", diagnose_explain_commands},
    {NULL, NULL, NULL},
};

static const struct option_entry options[] = {
    {"config", "FILE", "the host's configuration (HGS_HOST_CONFIG; /etc/hgs/host.conf)",
     OPTION_VALUE, OPTION_FILE},
    {"state", "FOLDER", "the host's state (HGS_HOST_STATE; /run/hgs-host)", OPTION_VALUE,
     OPTION_FILE},
    {"guardians", "FOLDER", "your guardians (HGS_GUARDIANS; ~/.config/hgs/guardians)", OPTION_VALUE,
     OPTION_FILE},
    OPTION_END,
};

static const struct option_program program = {
    .name = "hgs",
    .section = 1,
    .summary = "the guarded host's and the VM owner's side of a Host Guardian Service",
    .description =
        "An owner makes a guardian, imports the guardian of a service, and seals secrets in a VM "
        "file for both. A host that the service finds healthy unlocks the file: the service "
        "releases its key, which is replaced each time.",
    .options = options,
    .nouns = nouns,
};

/* The hidden --dump-config: host.conf's table, for the man page's check. */
static int dump_config(void)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, DUMP_MAX);
    config_dump(&text, host_config_keys, host_config_key_count);
    fputs(buf_text(&text), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    /* Whatever a file's own mode is going to be: never wider meanwhile. */
    umask(077);
    if (argc == 2 && strcmp(argv[1], "--dump-config") == 0)
        return dump_config();
    return option_main(&program, argc, argv);
}
