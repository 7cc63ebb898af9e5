/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/tpm_mode.h"

#include "attestation/host.h"
#include "attestation/settings.h"

struct hosts {
    store_each *each;
    void *context;
};

/* Of a million hosts with host keys none is parsed for this. The records are this program's own
 * and compact, and inside a text the quotes would be escaped. */
static bool is_tpm_host(struct slice value)
{
    static const char member[] = "\"mode\":\"tpm\"";
    return value.size > 0 && memmem(value.data, value.size, member, sizeof member - 1) != NULL;
}

static bool pass_host(void *context, const struct store_record *record, struct error *err)
{
    const struct hosts *hosts = context;
    return !is_tpm_host(record->value) || hosts->each(hosts->context, record, err);
}

bool tpm_mode_hosts(struct store *store, store_each *each, void *context, struct error *err)
{
    struct hosts hosts = {each, context};
    return store_list(store, STORE_HOST, NULL, 0, pass_host, &hosts, NULL, err);
}

bool tpm_mode_functional_level(int64_t *level, struct store *store, struct error *err)
{
    struct attestation_settings settings;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    attestation_settings_init(&settings);
    if (store_get(store, STORE_SETTING, ATTESTATION_SETTING_SERVICE, &value, NULL, err)) {
        if (!attestation_settings_parse_service(&settings, buf_slice(&value), err))
            return false;
    } else if (error_kind(err) != ERROR_NOT_FOUND) {
        return false;
    }
    *level = settings.functional_level;
    return true;
}

static bool count_host(void *context, const struct store_record *record, struct error *err)
{
    struct tpm_mode *mode = context;
    struct error damaged;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    (void)err;
    if (!attestation_host_parse(&host, record->value, &damaged))
        return true; /* `host list` shows it */
    mode->hosts_all++;
    mode->hosts_uncertified += !host.tpm.certified;
    mode->hosts_staged += host.tpm.staged;
    mode->hosts[host.tpm.profile][host.tpm.version]++;
    return true;
}

static bool count_root(void *context, const struct store_record *record, struct error *err)
{
    struct tpm_mode *mode = context;
    bool intermediate = false;
    struct error damaged;
    _cleanup_json_ struct json *root = NULL;
    (void)err;
    if (json_parse(&root, record->value, &damaged) &&
        json_get_bool(&intermediate, root, "intermediate", &damaged))
        *(intermediate ? &mode->intermediates : &mode->roots) += 1;
    return true;
}

static void count_policy(struct tpm_mode *mode, const struct policy *policy, int64_t now)
{
    bool expired = policy->until != 0 && policy->until <= now;
    mode->policies_staged += policy->state == POLICY_STAGED;
    mode->policies_disabled += policy->state == POLICY_DISABLED;
    mode->policies_expired += expired;
    if (policy->state != POLICY_ENABLED || expired)
        return;
    if (policy->kind == POLICY_BASELINE)
        mode->baselines[policy->profile][policy->version]++;
    else if (policy->kind == POLICY_CI)
        mode->ci_policies[policy->profile][policy->version]++;
    else
        mode->dump_policies++;
}

static void count_policies(struct tpm_mode *mode, const struct admin_services *services)
{
    struct attestation_policies *policies = attestation_policies(services->attestation);
    int64_t now = clock_now(services->clock);
    for (size_t i = 0; i < policy_set_count(policies->set); i++)
        count_policy(mode, policy_set_at(policies->set, i), now);
    for (int profile = 0; profile < TPM_MODE_PROFILES; profile++) {
        size_t count;
        const struct builtin *table = builtin_table((enum eventlog_profile)profile, &count);
        for (size_t i = 0; i < count; i++)
            mode->policies_staged +=
                policy_set_builtin_state(policies->set, (enum eventlog_profile)profile,
                                         table[i].policy) == POLICY_STAGED;
    }
    attestation_policies_release(&policies);
}

bool tpm_mode_count(struct tpm_mode *out, const struct admin_services *services, struct error *err)
{
    struct store *store = services->store;
    *out = (struct tpm_mode){0};
    if (!tpm_mode_hosts(store, count_host, out, err) ||
        !store_list(store, STORE_TPM_ROOT, NULL, 0, count_root, out, NULL, err) ||
        !store_count(store, STORE_PENDING, &out->pending, err) ||
        !tpm_mode_functional_level(&out->functional_level, store, err))
        return false;
    attestation_boots_dropped(services->attestation, &out->drops);
    count_policies(out, services);
    return true;
}

static int64_t sum(const int64_t counts[TPM_MODE_PROFILES][TPM_MODE_VERSIONS])
{
    int64_t all = 0;
    for (int profile = 0; profile < TPM_MODE_PROFILES; profile++)
        for (int version = 0; version < TPM_MODE_VERSIONS; version++)
            all += counts[profile][version];
    return all;
}

void tpm_mode_write_drops(struct json_writer *writer, const struct attestation_pending_drops *drops)
{
    char time[CLOCK_TEXT_SIZE];
    json_write_integer(writer, "dropped", (int64_t)drops->count);
    if (drops->count == 0)
        return;
    json_write_text(writer, "dropped_host", drops->host);
    json_write_text(writer, "dropped_time", clock_format(drops->time, time));
}

void tpm_mode_write(struct json_writer *writer, const char *name, const struct tpm_mode *mode)
{
    json_write_object(writer, name);
    json_write_integer(writer, "hosts", mode->hosts_all);
    json_write_integer(writer, "hosts_without_certificate", mode->hosts_uncertified);
    json_write_integer(writer, "hosts_staged", mode->hosts_staged);
    json_write_integer(writer, "baselines", sum(mode->baselines));
    json_write_integer(writer, "ci_policies", sum(mode->ci_policies));
    json_write_integer(writer, "dump_policies", mode->dump_policies);
    json_write_integer(writer, "policies_staged", mode->policies_staged);
    json_write_integer(writer, "policies_disabled", mode->policies_disabled);
    json_write_integer(writer, "policies_expired", mode->policies_expired);
    json_write_integer(writer, "roots", mode->roots);
    json_write_integer(writer, "intermediates", mode->intermediates);
    json_write_integer(writer, "pending", mode->pending);
    tpm_mode_write_drops(writer, &mode->drops);
    json_write_object_end(writer);
}
