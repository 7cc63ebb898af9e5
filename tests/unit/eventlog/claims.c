/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs that were altered on their way: bits flipped, events dropped, doubled, moved and relabelled.
 * Whatever still replays to the TPM's PCRs may not be better than what was really measured.
 */
#include "eventlog/claims.h"

#include "base/memory.h"
#include "testing.h"

struct truth {
    const char *what;
    enum eventlog_profile profile;
    struct buf bytes;
    struct eventlog log;
    struct tpm_pcr_bank bank;
    struct eventlog_claims claims;
    size_t tried, replayed;
};

static void know(struct truth *truth)
{
    assert_ok(eventlog_parse(&truth->log, buf_slice(&truth->bytes), err));
    assert_ok(eventlog_replay(&truth->bank, &truth->log, DIGEST_SHA256, err));
    eventlog_claims_evaluate(&truth->claims, &truth->log, truth->profile, DIGEST_SHA256);
}

static void forget(struct truth *truth)
{
    eventlog_claims_done(&truth->claims);
    eventlog_done(&truth->log);
    buf_done(&truth->bytes);
}

static bool has_image(const struct eventlog_claims *claims, struct slice digest)
{
    for (uint32_t i = 0; i < claims->image_count; i++)
        if (slice_equal(claims->images[i].digest, digest))
            return true;
    return false;
}

static bool has_si_policy(const struct eventlog_claims *claims,
                          const struct eventlog_si_policy *policy)
{
    for (uint32_t i = 0; i < claims->si_policy_count; i++)
        if (slice_equal(claims->si_policies[i].digest, policy->digest) &&
            strcmp(claims->si_policies[i].name, policy->name) == 0 &&
            claims->si_policies[i].version == policy->version)
            return true;
    return false;
}

static bool is_empty_or_equal(struct slice value, struct slice true_value)
{
    return value.size == 0 || slice_equal(value, true_value);
}

static void assert_not_better(const struct truth *truth, const struct eventlog_claims *claims,
                              const char *how, size_t where)
{
    const struct eventlog_claims *right = &truth->claims;
    for (int id = 0; id < EVENTLOG_CLAIMS; id++)
        if (claims->claims[id].value == EVENTLOG_GOOD && right->claims[id].value != EVENTLOG_GOOD)
            fail_msg("%s, %s at %zu: %s became good: %s", truth->what, how, where,
                     eventlog_claim_name((enum eventlog_claim_id)id), claims->claims[id].sentence);
    /* No image is hidden. (A text may pass for one, that nobody knows.) */
    for (uint32_t i = 0; i < right->image_count && !claims->images_void; i++)
        assert_true(has_image(claims, right->images[i].digest));
    for (uint32_t i = 0; i < claims->si_policy_count; i++)
        assert_true(has_si_policy(right, &claims->si_policies[i]));
    assert_true(is_empty_or_equal(claims->vsm_idk.modulus, right->vsm_idk.modulus));
    assert_true(is_empty_or_equal(claims->vsm_idks.modulus, right->vsm_idks.modulus));
    assert_true(is_empty_or_equal(claims->dump_key_digest, right->dump_key_digest));
    assert_true(is_empty_or_equal(buf_slice(&claims->command_line.text),
                                  buf_slice(&right->command_line.text)));
    if (claims->has_no_additions)
        assert_true(right->has_no_additions);
}

/* Judges an altered log as a host's. The bytes are copied to where sanitizers see their end. */
static void try_log(struct truth *truth, struct slice bytes, const char *how, size_t where)
{
    uint8_t *copy = memory_allocate(bytes.size + 1);
    struct eventlog log = {0};
    struct tpm_pcr_bank bank;
    struct error err = {0};
    memcpy(copy, bytes.data, bytes.size);
    truth->tried++;
    if (!eventlog_parse(&log, slice_of(copy, bytes.size), &err)) {
        assert_non_null(err.code);
    } else if (eventlog_replay(&bank, &log, DIGEST_SHA256, &err) &&
               eventlog_replay_differs(&bank, &truth->bank, TESTING_ALL_PCRS) == 0) {
        struct eventlog_claims claims;
        truth->replayed++;
        eventlog_claims_evaluate(&claims, &log, truth->profile, DIGEST_SHA256);
        assert_not_better(truth, &claims, how, where);
        eventlog_claims_done(&claims);
    }
    eventlog_done(&log);
    free(copy);
}

static void flip_bits(struct truth *truth)
{
    for (size_t i = 0; i < truth->bytes.size; i++) {
        uint8_t bit = (uint8_t)(1 << (i * 5 + i / 8) % 8);
        truth->bytes.data[i] ^= bit;
        try_log(truth, buf_slice(&truth->bytes), "a flipped bit", i);
        truth->bytes.data[i] ^= bit;
    }
}

/* Where an event begins: behind the one before it. */
static size_t start_of(const struct truth *truth, uint32_t index)
{
    const struct eventlog_event *before = &truth->log.events[index - 1];
    return (size_t)(before->data.data + before->data.size - truth->bytes.data);
}

static struct slice bytes_of(const struct truth *truth, uint32_t index)
{
    size_t start = start_of(truth, index);
    return slice_of(truth->bytes.data + start, start_of(truth, index + 1) - start);
}

/* The log with its events in this order. */
static void try_order(struct truth *truth, const uint32_t *order, uint32_t count, const char *how,
                      size_t where)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, 2 * truth->bytes.size);
    buf_append(&out, slice_of(truth->bytes.data, start_of(truth, 1)));
    for (uint32_t i = 0; i < count; i++)
        buf_append(&out, bytes_of(truth, order[i]));
    try_log(truth, buf_slice(&out), how, where);
}

static void move_events(struct truth *truth)
{
    uint32_t count = truth->log.event_count - 1;
    uint32_t *order = memory_allocate_zero(count + 1, sizeof *order);
    for (uint32_t moved = 0; moved < count; moved++) {
        for (uint32_t to = 0; to < count; to++) {
            uint32_t at = 0;
            for (uint32_t i = 0; i < count; i++)
                if (i != moved)
                    order[at++] = i + 1;
            if (to == moved)
                try_order(truth, order, at, "a dropped event", moved);
            memmove(order + to + 1, order + to, (count - 1 - to) * sizeof *order);
            order[to] = moved + 1;
            try_order(truth, order, count, "a moved event", moved);
        }
        for (uint32_t i = 0, at = 0; i < count; i++) {
            order[at++] = i + 1;
            if (i == moved)
                order[at++] = i + 1;
        }
        try_order(truth, order, count + 1, "a doubled event", moved);
    }
    free(order);
}

static void relabel_events(struct truth *truth)
{
    static const uint32_t types[] = {
        EVENTLOG_POST_CODE,
        EVENTLOG_NO_ACTION,
        EVENTLOG_SEPARATOR,
        EVENTLOG_ACTION,
        EVENTLOG_TAG,
        EVENTLOG_COMPACT_HASH,
        EVENTLOG_IPL,
        EVENTLOG_OMIT_BOOT_DEVICE_EVENTS,
        EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG,
        EVENTLOG_EFI_VARIABLE_BOOT,
        EVENTLOG_EFI_BOOT_SERVICES_APPLICATION,
        EVENTLOG_EFI_BOOT_SERVICES_DRIVER,
        EVENTLOG_EFI_ACTION,
        EVENTLOG_EFI_HCRTM_EVENT,
        EVENTLOG_EFI_VARIABLE_AUTHORITY,
        EVENTLOG_EFI_SPDM_DEVICE_POLICY,
        0x7FFFFFFF,
    };
    for (uint32_t i = 1; i < truth->log.event_count; i++) {
        uint8_t *type = truth->bytes.data + start_of(truth, i) + 4;
        uint8_t was[4];
        memcpy(was, type, 4);
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++) {
            for (int k = 0; k < 4; k++)
                type[k] = (uint8_t)(types[j] >> 8 * k);
            try_log(truth, buf_slice(&truth->bytes), "a relabelled event", i);
        }
        memcpy(type, was, 4);
    }
}

/* The data of one event with the digests of another of its PCR. */
static void exchange_data(struct truth *truth)
{
    for (uint32_t i = 1; i < truth->log.event_count; i++) {
        for (uint32_t j = 1; j < truth->log.event_count; j++) {
            const struct eventlog_event *event = &truth->log.events[j];
            struct slice whole = bytes_of(truth, i);
            if (i == j || truth->log.events[i].pcr != event->pcr)
                continue;
            _cleanup_buf_ struct buf out;
            buf_init(&out, 2 * truth->bytes.size);
            buf_append(&out, slice_of(truth->bytes.data, start_of(truth, i)));
            buf_append(&out, slice_of(whole.data, whole.size - truth->log.events[i].data.size - 4));
            buf_append_u32_le(&out, (uint32_t)event->data.size);
            buf_append(&out, event->data);
            size_t end = start_of(truth, i + 1);
            buf_append(&out, slice_of(truth->bytes.data + end, truth->bytes.size - end));
            try_log(truth, buf_slice(&out), "another event's data", i);
        }
    }
}

static void mutate(struct truth *truth)
{
    know(truth);
    flip_bits(truth);
    move_events(truth);
    relabel_events(truth);
    exchange_data(truth);
    print_message("%s: %zu altered logs, %zu of which replay\n", truth->what, truth->tried,
                  truth->replayed);
    assert_true(truth->replayed > 100);
    forget(truth);
}

static void test_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < TESTING_BOOTS; i++) {
        for (enum eventlog_profile profile = 0; profile <= EVENTLOG_PROFILE_LINUX; profile++) {
            struct truth truth = {.what = testing_boots[i], .profile = profile};
            testing_read(&truth.bytes, testing_boots[i], "bios.bin");
            mutate(&truth);
        }
    }
}

static void mutate_built(const char *what, enum eventlog_profile profile,
                         struct log_builder *builder)
{
    struct truth truth = {.what = what, .profile = profile};
    buf_init(&truth.bytes, 1u << 20);
    buf_append(&truth.bytes, log_builder_slice(builder));
    mutate(&truth);
    log_builder_done(builder);
}

static void test_windows(void **state)
{
    (void)state;
    struct log_windows windows;
    struct log_builder builder;
    log_windows_init(&windows);
    testing_log(&builder);
    log_windows_build(&builder, &windows);
    mutate_built("good Windows", EVENTLOG_PROFILE_WINDOWS, &builder);
    /* Bad in every respect: nothing can become good. */
    log_windows_init(&windows);
    for (size_t i = 0; i < windows.setting_count; i++)
        windows.settings[i].value ^= 3;
    windows.is_secure_boot_on = false;
    windows.is_closed = false;
    testing_log(&builder);
    log_builder_text(&builder, 7, EVENTLOG_EFI_ACTION, "UEFI Debug Mode");
    log_windows_build(&builder, &windows);
    mutate_built("bad Windows", EVENTLOG_PROFILE_WINDOWS, &builder);
}

static void test_linux(void **state)
{
    (void)state;
    struct log_linux linux_boot;
    struct log_builder builder;
    log_linux_init(&linux_boot);
    testing_log(&builder);
    log_linux_build(&builder, &linux_boot);
    mutate_built("good Linux", EVENTLOG_PROFILE_LINUX, &builder);
    linux_boot.grub_line = "/vmlinuz quiet crashkernel=256M resume=/dev/sda1";
    linux_boot.systemd_line = "lockdown=integrity nohibernate";
    testing_log(&builder);
    log_linux_build(&builder, &linux_boot);
    mutate_built("two lines", EVENTLOG_PROFILE_LINUX, &builder);
}

static void test_names(void **state)
{
    (void)state;
    for (int id = 0; id < EVENTLOG_CLAIMS; id++) {
        const char *name = eventlog_claim_name((enum eventlog_claim_id)id);
        assert_non_null(name);
        for (int other = 0; other < id; other++)
            assert_string_not_equal(name, eventlog_claim_name((enum eventlog_claim_id)other));
    }
}

/* Every claim has a sentence, whatever the log. */
static void test_sentences(void **state)
{
    (void)state;
    for (enum eventlog_profile profile = 0; profile <= EVENTLOG_PROFILE_LINUX; profile++) {
        _cleanup_eventlog_ struct eventlog log = {0};
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_log_builder_ struct log_builder builder;
        testing_log(&builder);
        testing_claims(&log, &claims, &builder, profile);
        for (int id = 0; id < EVENTLOG_CLAIMS; id++) {
            assert_int_equal(claims.claims[id].value, EVENTLOG_UNKNOWN);
            assert_non_null(claims.claims[id].sentence);
            assert_int_equal(claims.claims[id].event_count, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_windows),
        cmocka_unit_test(test_linux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
