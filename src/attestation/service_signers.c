/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/service_private.h"

#include "attestation/errors.h"
#include "attestation/renewal.h"

#define IDLE_SECONDS 60

static void committed(void *context, const struct store_change *changes, size_t count)
{
    attestation_apply(context, changes, count); /* the watch brings it once more, later */
}

static void signer_made(void *context, const struct attestation_signer *signer,
                        const struct error *problem)
{
    const struct attestation_service *service = context;
    service->options.signer_made(service->options.context, signer, problem);
}

static bool renew(struct attestation_service *service, bool at_once, int64_t *due,
                  struct error *err)
{
    const struct attestation_renewal renewal = {
        .keeps_retired = atomic_load(&service->keeps_retired),
        .made = service->options.signer_made != NULL ? signer_made : NULL,
        .store = service->options.store,
        .keyholder = service->options.keyholder,
        .node = service->node,
        .committed = committed,
        .context = service,
    };
    pthread_mutex_lock(&service->renewal_lock);
    pthread_mutex_lock(&service->lock);
    struct attestation_settings settings = service->state.settings;
    pthread_mutex_unlock(&service->lock);
    bool good = attestation_renewal_run(&renewal, &settings, clock_now(service->options.clock),
                                        at_once, due, err);
    pthread_mutex_lock(&service->lock);
    attestation_service_publish(service); /* the list's order also changes with time alone */
    pthread_mutex_unlock(&service->lock);
    pthread_mutex_unlock(&service->renewal_lock);
    return good;
}

/* When the watch lost commits and the store could not be read again at that moment. */
static bool reload_if_stale(struct attestation_service *service, struct error *err)
{
    int64_t revision;
    pthread_mutex_lock(&service->lock);
    bool good = !service->state.stale ||
                attestation_state_load(&service->state, service->options.store, &revision, err);
    attestation_service_publish(service);
    pthread_mutex_unlock(&service->lock);
    return good;
}

bool attestation_tick(struct attestation_service *service, int64_t *due, struct error *err)
{
    *due = clock_now(service->options.clock) + IDLE_SECONDS;
    if (!reload_if_stale(service, err))
        return false;
    return attestation_current_mode(service) == ATTESTATION_MODE_UNKNOWN ||
           renew(service, false, due, err);
}

void attestation_keep_retired(struct attestation_service *service, bool keep)
{
    atomic_store(&service->keeps_retired, keep);
}

bool attestation_signer_renew(struct attestation_service *service, struct error *err)
{
    int64_t due;
    if (attestation_current_mode(service) == ATTESTATION_MODE_UNKNOWN)
        return error_set(err, &attestation_not_initialized, NULL, NULL,
                         "the service is not initialised");
    return renew(service, true, &due, err);
}

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, clock_format(time, text));
}

static void describe(struct json_writer *writer, const struct attestation_signer_list *list,
                     const struct attestation_signer *signer,
                     const struct attestation_settings *settings, int64_t now)
{
    const struct certificate_facts *facts = certificate_facts(signer->certificate);
    struct error problem = {0};
    bool rsa = public_key_type(certificate_key(signer->certificate)) == PUBLIC_KEY_RSA;
    json_write_object(writer, NULL);
    json_write_text(writer, "thumbprint", signer->thumbprint);
    json_write_text(writer, "subject", facts->subject_text);
    json_write_text(writer, "node", signer->node);
    json_write_text(writer, "use",
                    signer->use == ATTESTATION_SIGNER_HEALTH ? "health" : "unprotected");
    json_write_text(writer, "state",
                    attestation_signer_state_name(
                        attestation_signer_schedule_state(list, signer, settings, now)));
    json_write_text(writer, "key", rsa ? "rsa2048" : "p256");
    write_time(writer, "not_before", facts->not_before);
    write_time(writer, "not_after", facts->not_after);
    write_time(writer, "publish_at", signer->publish_at);
    write_time(writer, "active_at", signer->active_at);
    write_time(writer, "renew_at", attestation_signer_schedule_renewed_at(signer));
    write_time(writer, "serve_until",
               attestation_signer_schedule_served_until(list, signer, settings));
    if (signer->deny_before != 0)
        write_time(writer, "deny_before", signer->deny_before);
    if (attestation_signer_schedule_problem(&problem, list, signer, now))
        json_write_error(writer, "problem", &problem);
    json_write_object_end(writer);
}

void attestation_signer_describe(struct attestation_service *service, struct json_writer *writer,
                                 const char *name)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    int64_t now = clock_now(service->options.clock);
    json_write_array(writer, name);
    for (size_t i = 0; i < snapshot->signers.count; i++)
        describe(writer, &snapshot->signers, &snapshot->signers.items[i], &snapshot->settings, now);
    json_write_array_end(writer);
}

bool attestation_service_denied_ahead(struct error *err,
                                      const struct attestation_settings *settings,
                                      const struct attestation_signer *signer, int64_t now)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t deny_before =
        signer->deny_before > settings->deny_before ? signer->deny_before : settings->deny_before;
    if (deny_before <= now)
        return false;
    error_set(err, &attestation_deny_ahead, "protocol.md 3", signer->thumbprint,
              "what was issued before %s is denied, and that has not come here",
              clock_format(deny_before, time));
    return true;
}

void attestation_signer_problems(struct attestation_service *service, struct json_writer *writer,
                                 const char *name)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    const struct attestation_signer_list *list = &snapshot->signers;
    int64_t now = clock_now(service->options.clock);
    json_write_array(writer, name);
    for (size_t i = 0; i < list->count; i++) {
        struct error problem = {0};
        if (strcmp(list->items[i].node, service->node) != 0)
            continue;
        if (attestation_signer_schedule_problem(&problem, list, &list->items[i], now))
            json_write_error(writer, NULL, &problem);
        if (attestation_signer_schedule_state(list, &list->items[i], &snapshot->settings, now) ==
                ATTESTATION_SIGNER_ACTIVE &&
            attestation_service_denied_ahead(&problem, &snapshot->settings, &list->items[i], now))
            json_write_error(writer, NULL, &problem);
    }
    json_write_array_end(writer);
}

bool attestation_service_no_signer(const struct attestation_service *service, struct error *err)
{
    return error_set(err, &attestation_no_signer, NULL, service->node,
                     "no signer of this node is valid");
}

bool attestation_signer_test(struct attestation_service *service,
                             char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE], struct error *err)
{
    static const char text[] = "a test of the service's";
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    const struct attestation_signer *issuer = attestation_signer_schedule_select(
        &snapshot->signers, service->node, ATTESTATION_SIGNER_HEALTH,
        clock_now(service->options.clock));
    if (issuer == NULL)
        return attestation_service_no_signer(service, err);
    struct attestation_signer_key_reference reference = {
        service->options.store, service->options.keyholder, certificate_key(issuer->certificate)};
    struct signer signer = attestation_signer_key_signer(&reference);
    enum signature_algorithm algorithm = signer_algorithm(signer.public_key);
    struct error why = {0};
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 4096);
    memcpy(thumbprint, issuer->thumbprint, ATTESTATION_THUMBPRINT_TEXT_SIZE);
    if (attestation_service_denied_ahead(err, &snapshot->settings, issuer,
                                         clock_now(service->options.clock)))
        return false;
    if (signer.sign(signer.context, algorithm, slice_from_text(text), &signature, &why) &&
        public_key_verify(signer.public_key, algorithm, slice_from_text(text),
                          buf_slice(&signature), &why))
        return true;
    return error_set(err, &attestation_signer_failed, NULL, issuer->thumbprint, "%s (%s)",
                     why.message, why.code->name);
}
