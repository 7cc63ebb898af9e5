/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/renewal.h"

#include "base/hex.h"
#include "store/errors.h"

/* When something failed: the keyholder may be back soon. */
#define RETRY_SECONDS 5

/* Commits; somebody else's having been there first is fine. */
static bool commit(const struct attestation_renewal *renewal, struct store_change *changes,
                   size_t count, bool *done, struct error *err)
{
    int64_t revision;
    struct error why = {0};
    *done = store_commit(renewal->store, changes, count, &revision, &why);
    if (*done) {
        for (size_t i = 0; i < count; i++)
            changes[i].expected = revision;
        renewal->committed(renewal->context, changes, count);
    } else if (why.code != &store_conflict) {
        if (err != NULL)
            *err = why;
        return false;
    }
    return true;
}

static void tell_made(const struct attestation_renewal *renewal,
                      const struct attestation_signer_list *list, const char *thumbprint,
                      int64_t now)
{
    struct error problem = {0};
    for (size_t i = 0; renewal->made != NULL && i < list->count; i++) {
        const struct attestation_signer *signer = &list->items[i];
        if (strcmp(signer->thumbprint, thumbprint) != 0)
            continue;
        bool any = attestation_signer_schedule_problem(&problem, list, signer, now);
        renewal->made(renewal->context, signer, any ? &problem : NULL);
    }
}

static bool create(const struct attestation_renewal *renewal, struct attestation_signer_list *list,
                   const struct attestation_signer_plan *plan, struct error *err)
{
    bool done;
    char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    struct store_change changes[2];
    _cleanup_attestation_signer_draft_ struct attestation_signer_draft draft = {0};
    if (!attestation_signer_create(&draft, plan, renewal->keyholder, err))
        return false;
    attestation_signer_draft_changes(&draft, changes);
    bool good = commit(renewal, changes, 2, &done, err);
    if (!done) {
        keyholder_forget(renewal->keyholder, draft.signer.key_id, NULL);
        return good;
    }
    memcpy(thumbprint, draft.signer.thumbprint, sizeof thumbprint);
    attestation_signer_list_put(list, &draft.signer);
    tell_made(renewal, list, thumbprint, plan->publish_at);
    return true;
}

static bool create_due(const struct attestation_renewal *renewal,
                       struct attestation_signer_list *list,
                       const struct attestation_settings *settings, int64_t now, bool at_once,
                       struct error *err)
{
    for (int use = 0; use < ATTESTATION_SIGNER_USES; use++) {
        struct attestation_signer_plan plan;
        if (attestation_signer_schedule_plan(&plan, list, renewal->node,
                                             (enum attestation_signer_use)use, settings, now,
                                             at_once && use == ATTESTATION_SIGNER_HEALTH) &&
            !create(renewal, list, &plan, err))
            return false;
    }
    return true;
}

/* Takes it out of the store and, if that was done, out of the list. */
static bool remove_signer(const struct attestation_renewal *renewal,
                          struct attestation_signer_list *list, size_t index, struct error *err)
{
    bool done;
    char key_name[2 * KEY_ID_SIZE + 1], thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    const struct attestation_signer *signer = &list->items[index];
    hex_format(slice_of(signer->key_id, KEY_ID_SIZE), key_name);
    memcpy(thumbprint, signer->thumbprint, sizeof thumbprint);
    struct store_change changes[] = {
        {.kind = STORE_ATTESTATION_SIGNER,
         .key = thumbprint,
         .remove = true,
         .expected = signer->revision},
        {.kind = STORE_KEY, .key = key_name, .remove = true, .expected = STORE_ANY},
    };
    if (!commit(renewal, changes, 2, &done, err))
        return false;
    if (done) {
        /* a keyholder that is away has forgotten it already */
        keyholder_forget(renewal->keyholder, signer->key_id, NULL);
        attestation_signer_list_remove(list, thumbprint);
    }
    return true;
}

static bool remove_due(const struct attestation_renewal *renewal,
                       struct attestation_signer_list *list,
                       const struct attestation_settings *settings, int64_t now, struct error *err)
{
    for (size_t i = renewal->keeps_retired ? 0 : list->count;
         i-- > 0;) { /* backwards: the last takes a removed one's place */
        const struct attestation_signer *signer = &list->items[i];
        if (signer->revision != 0 &&
            attestation_signer_schedule_removes(list, signer, renewal->node, settings, now) &&
            !remove_signer(renewal, list, i, err))
            return false;
    }
    return true;
}

/* Before the setting is lowered again, the record must say that longer certificates are out. */
static bool note_longest(const struct attestation_renewal *renewal,
                         const struct attestation_signer_list *list,
                         const struct attestation_settings *settings, int64_t now,
                         struct error *err)
{
    for (int use = 0; use < ATTESTATION_SIGNER_USES; use++) {
        const struct attestation_signer *signer = attestation_signer_schedule_select(
            list, renewal->node, (enum attestation_signer_use)use, now);
        if (signer == NULL || signer->revision == 0 ||
            signer->longest_seconds >= settings->health_certificate_seconds)
            continue;
        bool done;
        struct attestation_signer changed = *signer;
        changed.longest_seconds = settings->health_certificate_seconds;
        _cleanup_buf_ struct buf value;
        buf_init(&value, STORE_VALUE_MAX);
        attestation_signer_format(&value, &changed);
        struct store_change change = {.kind = STORE_ATTESTATION_SIGNER,
                                      .key = signer->thumbprint,
                                      .value = buf_slice(&value),
                                      .expected = signer->revision};
        if (!commit(renewal, &change, 1, &done, err))
            return false;
    }
    return true;
}

bool attestation_renewal_run(const struct attestation_renewal *renewal,
                             const struct attestation_settings *settings, int64_t now, bool at_once,
                             int64_t *due, struct error *err)
{
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct error first = {0}, later = {0};
    *due = now + RETRY_SECONDS;
    if (!attestation_signer_list_load(&list, renewal->store, NULL, err))
        return false;
    bool good = create_due(renewal, &list, settings, now, at_once, &first);
    good = note_longest(renewal, &list, settings, now, good ? &first : &later) && good;
    good = remove_due(renewal, &list, settings, now, good ? &first : &later) && good;
    if (!good) {
        if (err != NULL)
            *err = first;
        return false;
    }
    *due = attestation_signer_schedule_due(&list, renewal->node, settings, now);
    return true;
}
