/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/settings.h"

#include "attestation/errors.h"
#include "base/json.h"

#include <string.h>

/* Of services that were initialised before the level was written. */
#define FIRST_LEVEL 2

struct number {
    const char *name;
    size_t offset;
    int64_t initial, minimum, maximum;
};

#define FIELD(name) offsetof(struct attestation_settings, name)
static const struct number numbers[] = {
    {"health_certificate_seconds", FIELD(health_certificate_seconds), 28800, 300, 604800},
    {"clock_tolerance_seconds", FIELD(clock_tolerance_seconds), 300, 0, 3600},
    {"clock_warning_seconds", FIELD(clock_warning_seconds), 0, 0, 86400},
    {"signer_lifetime_days", FIELD(signer_lifetime_days), 30, 2, 825},
    {"rtpm_exchange_seconds", FIELD(rtpm_exchange_seconds), 120, 10, 3600},
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static int64_t *field(struct attestation_settings *settings, const struct number *number)
{
    return (int64_t *)(void *)((char *)settings + number->offset);
}

int64_t attestation_settings_clock_bound(const struct attestation_settings *settings)
{
    int64_t bound = settings->clock_warning_seconds != 0 ? settings->clock_warning_seconds
                                                         : settings->clock_tolerance_seconds;
    return bound > 2 ? bound : 2;
}

void attestation_settings_init(struct attestation_settings *settings)
{
    *settings = (struct attestation_settings){.mode = ATTESTATION_MODE_UNKNOWN,
                                              .functional_level = ATTESTATION_FUNCTIONAL_LEVEL,
                                              .signer_key = ATTESTATION_SIGNER_KEY_RSA2048};
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *field(settings, &numbers[i]) = numbers[i].initial;
}

bool attestation_settings_parse_service(struct attestation_settings *settings, struct slice value,
                                        struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    const char *word;
    if (!json_parse(&record, value, err) || !json_get_text(&word, record, "mode", err))
        return false;
    int64_t level;
    if (!json_get_integer_or(&level, record, "functional_level", FIRST_LEVEL, err))
        return false;
    if (level < 1 || level > ATTESTATION_FUNCTIONAL_LEVEL)
        return error_set(err, &attestation_settings_malformed, NULL, "functional_level",
                         "%lld is not in 1 to %d", (long long)level, ATTESTATION_FUNCTIONAL_LEVEL);
    if (!attestation_mode_parse(&settings->mode, word))
        return error_set(err, &attestation_settings_malformed, NULL, "mode",
                         "\"%.40s\" is none of tpm, hostkey, ad", word);
    settings->functional_level = level;
    return true;
}

static bool parse_number(struct attestation_settings *settings, const struct number *number,
                         const struct json *record, struct error *err)
{
    int64_t value;
    if (!json_get_integer_or(&value, record, number->name, number->initial, err))
        return false;
    if (value < number->minimum || value > number->maximum)
        return error_set(err, &attestation_settings_malformed, NULL, number->name,
                         "%lld is not in %lld to %lld", (long long)value,
                         (long long)number->minimum, (long long)number->maximum);
    *field(settings, number) = value;
    return true;
}

static bool parse_signer_key(struct attestation_settings *settings, const struct json *record,
                             struct error *err)
{
    const char *word;
    if (!json_get_text_or(&word, record, "signer_key", "rsa2048", err))
        return false;
    if (strcmp(word, "rsa2048") != 0 && strcmp(word, "p256") != 0)
        return error_set(err, &attestation_settings_malformed, NULL, "signer_key",
                         "\"%.40s\" is neither rsa2048 nor p256", word);
    settings->signer_key =
        strcmp(word, "p256") == 0 ? ATTESTATION_SIGNER_KEY_P256 : ATTESTATION_SIGNER_KEY_RSA2048;
    return true;
}

bool attestation_settings_parse(struct attestation_settings *settings, struct slice value,
                                struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    struct attestation_settings parsed;
    if (!json_parse(&record, value.size > 0 ? value : slice_from_text("{}"), err))
        return false;
    if (!json_is_object(record))
        return error_set(err, &attestation_settings_malformed, NULL,
                         ATTESTATION_SETTING_ATTESTATION, "it is not an object");
    attestation_settings_init(&parsed);
    parsed.mode = settings->mode;
    parsed.functional_level = settings->functional_level;
    parsed.deny_before = settings->deny_before;
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (!parse_number(&parsed, &numbers[i], record, err))
            return false;
    }
    if (!parse_signer_key(&parsed, record, err) ||
        !json_get_bool_or(&parsed.allow_unprotected_signing_keys, record,
                          "allow_unprotected_signing_keys", false, err))
        return false;
    *settings = parsed;
    return true;
}

bool attestation_settings_parse_signers(struct attestation_settings *settings, struct slice value,
                                        struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    if (value.size == 0)
        settings->deny_before = 0;
    return value.size == 0 ||
           (json_parse(&record, value, err) &&
            json_get_integer(&settings->deny_before, record, "deny_before", err));
}
