/* SPDX-License-Identifier: Apache-2.0 */

/* hgsctl(8): everything that administrators of a Host Guardian Service do. */

#include "diagnose/explain_command.h"
#include "hgsctl/commands.h"

static const struct option_noun nouns[] = {
    {"server", "the service itself", server_commands},
    {"host", "hosts that may attest", host_commands},
    {"policy", "what hosts in TPM mode may boot", policy_commands},
    {"pending", "boots that did not pass", pending_commands},
    {"tpm-root", "whom endorsement certificates of TPMs lead to", tpm_root_commands},
    {"certificate", "signing and encryption certificates of the service", certificate_commands},
    {"token", "HSMs: PKCS#11 tokens of this node", token_commands},
    {"signer", "attestation signers", signer_commands},
    {"event", "the audit trail", event_commands},
    {"state", "backups", state_commands},
    {"explain", "causes and remedies of error codes", diagnose_explain_commands},
    {NULL, NULL, NULL},
};

static const struct option_entry options[] = {
    {"socket", "PATH", "administration socket of the service (default /run/hgs/admin.sock)",
     OPTION_VALUE, OPTION_FILE, NULL, false, NULL, false},
    OPTION_END,
};

static const struct option_program program = {
    .name = "hgsctl",
    .section = 8,
    .summary = "administer a Host Guardian Service",
    .description =
        "hgsctl talks to the service of this machine over a UNIX socket. Who may do what is "
        "decided by the groups that [admin] of hgsd.conf(5) names: administrators may change, "
        "reviewers may look. Every change is written to the audit trail.",
    .options = options,
    .nouns = nouns,
};

int main(int argc, char **argv)
{
    return option_main(&program, argc, argv);
}
