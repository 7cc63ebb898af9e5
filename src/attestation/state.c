/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/state.h"

void attestation_state_init(struct attestation_state *state)
{
    *state = (struct attestation_state){.hosts = attestation_host_map_new()};
    attestation_settings_init(&state->settings);
}

void attestation_state_done(struct attestation_state *state)
{
    attestation_host_map_free(&state->hosts);
    attestation_signer_list_done(&state->signers);
}

static void apply_service(struct attestation_state *state, const struct store_change *change)
{
    state->settings.mode = ATTESTATION_MODE_UNKNOWN; /* stays so when the record is damaged */
    if (!change->remove)
        attestation_settings_parse_service(&state->settings, change->value, &state->problem);
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
    if (!change->remove && attestation_host_parse(&host, change->value, &state->problem) &&
        host.mode == ATTESTATION_MODE_HOST_KEY)
        attestation_host_map_put(state->hosts, change->key, host.key_id);
    else
        attestation_host_map_remove(state->hosts, change->key);
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
    static const enum store_kind kinds[] = {STORE_SETTING, STORE_HOST, STORE_ATTESTATION_SIGNER,
                                            STORE_TRUSTED_SIGNER};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!store_list(store, kinds[i], NULL, 0, load_record, state, &state->loaded[kinds[i]],
                        err))
            return false;
    }
    return true;
}

bool attestation_state_load(struct attestation_state *state, struct store *store, int64_t *revision,
                            struct error *err)
{
    int64_t before; /* each list is of a state at or behind it */
    state->stale = true;
    if (!store_revision(store, &before, err))
        return false;
    struct attestation_settings settings = state->settings;
    _cleanup_attestation_signer_list_ struct attestation_signer_list signers = state->signers;
    attestation_settings_init(&state->settings);
    state->signers = (struct attestation_signer_list){0};
    attestation_host_map_begin(state->hosts);
    if (!load_kinds(state, store, err)) {
        attestation_signer_list_done(&state->signers);
        state->signers = signers; /* go on with what was known */
        signers = (struct attestation_signer_list){0};
        state->settings = settings;
        return false;
    }
    attestation_host_map_sweep(state->hosts);
    state->stale = false;
    *revision = before;
    return true;
}
