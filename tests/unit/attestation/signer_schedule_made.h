/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Signers at times that a test chooses, for the tests of attestation/signer_schedule.c. */

#include "attestation/signer_schedule.h"
#include "base/memory.h"
#include "testing.h"

#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)
#define START INT64_C(1800000000)

static const char node[] = "n1";

/* Keys are expensive and any will do. */
static struct private_key *rsa, *p256;

static inline int set_up(void **state)
{
    (void)state;
    assert_ok(private_key_generate(&rsa, PRIVATE_KEY_RSA_2048, err));
    assert_ok(private_key_generate(&p256, PRIVATE_KEY_P256, err));
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    private_key_free(&rsa);
    private_key_free(&p256);
    return 0;
}

/* Does in this process what attestation_signer_create has a keyholder do. */
static const char *add(struct attestation_signer_list *list,
                       const struct attestation_signer_plan *plan)
{
    static char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    struct private_key *key = plan->key == ATTESTATION_SIGNER_KEY_P256 ? p256 : rsa;
    struct signer signer = signer_of_key(key);
    struct certificate_template template = {.subject_cn = "HGS Attestation Signer n1",
                                            .subject_key = private_key_public(key),
                                            .not_before = plan->not_before,
                                            .not_after = plan->not_after,
                                            .usage = CERTIFICATE_KEY_CERT_SIGN,
                                            .authority = true};
    _cleanup_buf_ struct buf der, value;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&value, VECTOR_MAX);
    struct attestation_signer made = {.use = plan->use,
                                      .publish_at = plan->publish_at,
                                      .active_at = plan->active_at,
                                      .longest_seconds = plan->longest_seconds};
    assert_ok(certificate_issue(&der, &template, &signer, err));
    assert_ok(certificate_parse(&made.certificate, buf_slice(&der), err));
    const struct certificate_facts *facts = certificate_facts(made.certificate);
    for (size_t i = 0; i < 32; i++)
        snprintf(made.thumbprint + 2 * i, 3, "%02x", facts->thumbprint[i]);
    snprintf(made.node, sizeof made.node, "%s", plan->node);
    snprintf(thumbprint, sizeof thumbprint, "%s", made.thumbprint);
    attestation_signer_list_put(list, &made);
    return thumbprint;
}

static inline struct attestation_settings defaults(void)
{
    struct attestation_settings settings;
    attestation_settings_init(&settings);
    return settings;
}

static inline bool plan_health(struct attestation_signer_plan *plan,
                               const struct attestation_signer_list *list,
                               const struct attestation_settings *settings, int64_t now)
{
    return attestation_signer_schedule_plan(plan, list, node, ATTESTATION_SIGNER_HEALTH, settings,
                                            now, false);
}

static const struct attestation_signer *select_health(const struct attestation_signer_list *list,
                                                      int64_t now)
{
    return attestation_signer_schedule_select(list, node, ATTESTATION_SIGNER_HEALTH, now);
}

static inline enum attestation_signer_state state_at(const struct attestation_signer_list *list,
                                                     size_t i, int64_t now)
{
    struct attestation_settings settings = defaults();
    return attestation_signer_schedule_state(list, &list->items[i], &settings, now);
}
