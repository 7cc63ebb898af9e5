/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/state.h"

void attestation_state_init(struct attestation_state *state)
{
    *state = (struct attestation_state){
        .hosts = attestation_host_map_new(),
        .policy_records = attestation_policy_records_new(),
        .roots = attestation_tpm_roots_new(),
        .policies_changed = true,
        .roots_changed = true,
    };
    attestation_settings_init(&state->settings);
}

void attestation_state_done(struct attestation_state *state)
{
    attestation_host_map_free(&state->hosts);
    attestation_signer_list_done(&state->signers);
    attestation_policy_records_free(&state->policy_records);
    attestation_tpm_roots_free(&state->roots);
    attestation_policies_release(&state->policies);
    tpm_trust_free(&state->trust);
}

void attestation_state_build(struct attestation_state *state)
{
    if (state->policies_changed) {
        attestation_policies_release(&state->policies);
        state->policies = attestation_policy_records_build(
            state->policy_records, (uint32_t)state->settings.functional_level, &state->problem);
        state->policies_changed = false;
    }
    if (state->roots_changed) {
        tpm_trust_free(&state->trust);
        state->trust = attestation_tpm_roots_build(state->roots);
        state->roots_changed = false;
    }
}

static void apply_service(struct attestation_state *state, const struct store_change *change)
{
    state->settings.mode = ATTESTATION_MODE_UNKNOWN; /* stays so when the record is damaged */
    if (!change->remove)
        attestation_settings_parse_service(&state->settings, change->value, &state->problem);
    state->policies_changed = true; /* by the functional level */
}

static bool apply_setting(struct attestation_state *state, const struct store_change *change)
{
    if (strcmp(change->key, ATTESTATION_SETTING_SERVICE) == 0)
        apply_service(state, change);
    else if (strcmp(change->key, ATTESTATION_SETTING_ATTESTATION) == 0)
        attestation_settings_parse(&state->settings, change->remove ? SLICE_EMPTY : change->value,
                                   &state->problem);
    else
        return false;
    return true;
}

static bool apply_host(struct attestation_state *state, const struct store_change *change)
{
    _cleanup_attestation_host_ struct attestation_host host = {0};
    if (change->remove || !attestation_host_parse(&host, change->value, &state->problem) ||
        host.mode == ATTESTATION_MODE_AD) {
        attestation_host_map_remove(state->hosts, change->key);
        return false;
    }
    struct attestation_host_identity identity = {.mode = host.mode, .staged = host.tpm.staged};
    memcpy(identity.id, host.key_id, sizeof identity.id);
    attestation_host_map_put(state->hosts, change->key, &identity);
    return false;
}

static bool apply_signer(struct attestation_state *state, const struct store_change *change)
{
    _cleanup_attestation_signer_ struct attestation_signer signer = {0};
    if (!change->remove &&
        attestation_signer_parse(&signer, change->key, change->value, 0, &state->problem))
        attestation_signer_list_put(&state->signers, &signer);
    else
        attestation_signer_list_remove(&state->signers, change->key);
    return true;
}

static bool apply_trusted_signer(struct attestation_state *state, const struct store_change *change)
{
    if (strcmp(change->key, ATTESTATION_SIGNERS_ALL) != 0)
        return false;
    attestation_settings_parse_signers(
        &state->settings, change->remove ? SLICE_EMPTY : change->value, &state->problem);
    return true;
}

static bool apply_policy(struct attestation_state *state, const struct store_change *change)
{
    if (change->remove)
        attestation_policy_records_remove(state->policy_records, change->key);
    else
        attestation_policy_records_put(state->policy_records, change->key, change->value);
    state->policies_changed = true;
    return true;
}

static bool apply_root(struct attestation_state *state, const struct store_change *change)
{
    if (change->remove)
        attestation_tpm_roots_remove(state->roots, change->key);
    else
        attestation_tpm_roots_put(state->roots, change->key, change->value, &state->problem);
    state->roots_changed = true;
    return true;
}

static bool apply(struct attestation_state *state, const struct store_change *change)
{
    switch (change->kind) {
    case STORE_SETTING:
        return apply_setting(state, change);
    case STORE_HOST:
        return apply_host(state, change);
    case STORE_ATTESTATION_SIGNER:
        return apply_signer(state, change);
    case STORE_TRUSTED_SIGNER:
        return apply_trusted_signer(state, change);
    case STORE_POLICY:
        return apply_policy(state, change);
    case STORE_TPM_ROOT:
        return apply_root(state, change);
    default:
        return false;
    }
}

bool attestation_state_apply(struct attestation_state *state, const struct store_change *change)
{
    if (change->expected > 0 && change->expected <= state->loaded[change->kind])
        return false;
    return apply(state, change);
}

static bool load_record(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    struct store_change change = {.kind = record->kind, .key = record->key, .value = record->value};
    apply(context, &change);
    return true;
}

static bool load_kinds(struct attestation_state *state, struct store *store, struct error *err)
{
    static const enum store_kind kinds[] = {
        STORE_SETTING,        STORE_HOST,   STORE_ATTESTATION_SIGNER,
        STORE_TRUSTED_SIGNER, STORE_POLICY, STORE_TPM_ROOT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!store_list(store, kinds[i], NULL, 0, load_record, state, &state->loaded[kinds[i]],
                        err))
            return false;
    }
    return true;
}

/* What is read whole again, kept aside so that a failure leaves what was known. */
struct kept {
    struct attestation_settings settings;
    struct attestation_signer_list signers;
    struct attestation_policy_records *policy_records;
    struct attestation_tpm_roots *roots;
};

static struct kept take_out(struct attestation_state *state)
{
    struct kept kept = {state->settings, state->signers, state->policy_records, state->roots};
    attestation_settings_init(&state->settings);
    state->signers = (struct attestation_signer_list){0};
    state->policy_records = attestation_policy_records_new();
    state->roots = attestation_tpm_roots_new();
    state->policies_changed = state->roots_changed = true;
    return kept;
}

static void put_back(struct attestation_state *state, struct kept *kept)
{
    struct kept fresh = {state->settings, state->signers, state->policy_records, state->roots};
    state->settings = kept->settings;
    state->signers = kept->signers;
    state->policy_records = kept->policy_records;
    state->roots = kept->roots;
    *kept = fresh;
}

static void discard(struct kept *kept)
{
    attestation_signer_list_done(&kept->signers);
    attestation_policy_records_free(&kept->policy_records);
    attestation_tpm_roots_free(&kept->roots);
}

bool attestation_state_load(struct attestation_state *state, struct store *store, int64_t *revision,
                            struct error *err)
{
    int64_t before; /* each list is of a state at or behind it */
    state->stale = true;
    if (!store_revision(store, &before, err))
        return false;
    struct kept kept = take_out(state);
    attestation_host_map_begin(state->hosts);
    bool good = load_kinds(state, store, err);
    if (!good)
        put_back(state, &kept); /* go on with what was known */
    discard(&kept);
    if (!good)
        return false;
    attestation_host_map_sweep(state->hosts);
    state->stale = false;
    *revision = before;
    return true;
}
