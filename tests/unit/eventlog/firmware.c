/* SPDX-License-Identifier: Apache-2.0 */
/* Claims from PCR 7, and the images of PCR 4. */
#include "eventlog/evaluation.h"
#include "eventlog/variable.h"
#include "testing.h"

static const struct guid shim_lock = {{0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6,
                                       0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23}};

/* PCR 7, piece by piece. */
static void variable(struct log_builder *builder, const char *name, const char *data, size_t size)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                         name, slice_of(data, size));
}

static void secure_boot_on(struct log_builder *builder)
{
    variable(builder, "SecureBoot", "\1", 1);
}

static void separator(struct log_builder *builder)
{
    log_builder_event(builder, 7, EVENTLOG_SEPARATOR, slice_of("\0\0\0\0", 4));
}

static void secure_boot_off(struct log_builder *builder)
{
    variable(builder, "SecureBoot", "\0", 1);
}

static void secure_boot_empty(struct log_builder *builder)
{
    variable(builder, "SecureBoot", "", 0);
}

static void other_secure_boot(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &shim_lock, "SecureBoot",
                         slice_of("\1", 1));
}

static void debug_mode(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_EFI_ACTION, "UEFI Debug Mode");
}

static void debug_mode_as_separator_type(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_SEPARATOR, "UEFI Debug Mode");
}

static void debug_mode_as_variable(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, "UEFI Debug Mode");
}

static void no_dma_protection(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_EFI_ACTION, "DMA Protection Disabled");
}

static void lowered_thunderbolt(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_ACTION, "Security Level is Downgraded to 0");
}

static void other_text(struct log_builder *builder)
{
    log_builder_text(builder, 7, EVENTLOG_EFI_ACTION, "Entering ROM Based Setup");
}

static void mok_state(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &shim_lock, "MokSBState",
                         slice_of("\1", 1));
}

static void mok_list(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &shim_lock, "MokListX",
                         slice_from_text("digests"));
}

static void late_db(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_security_database,
                         "db", slice_from_text("digests"));
}

static void secure_boot_as_authority(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &uefi_global_variable,
                         "SecureBoot", slice_of("\1", 1));
}

static void secure_boot_as_spdm(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_SPDM_DEVICE_POLICY, &uefi_global_variable,
                         "SecureBoot", slice_of("\1", 1));
}

static void spdm(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY, &uefi_security_database,
                         "devdb", slice_from_text("x"));
}

static void unknown_type(struct log_builder *builder)
{
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_BOOT, &uefi_global_variable,
                         "SecureBoot", slice_of("\0", 1));
}

static void error_separator(struct log_builder *builder)
{
    log_builder_event(builder, 7, EVENTLOG_SEPARATOR, slice_of("\xff\xff\xff\xff", 4));
}

static void error_separator_1(struct log_builder *builder)
{
    log_builder_event(builder, 7, EVENTLOG_SEPARATOR, slice_of("\1\0\0\0", 4));
}

static void short_separator(struct log_builder *builder)
{
    log_builder_event(builder, 7, EVENTLOG_SEPARATOR, slice_of("\xff", 1));
}

static void unproven_on(struct log_builder *builder)
{
    _cleanup_log_builder_ struct log_builder on;
    _cleanup_eventlog_ struct eventlog log = {0};
    testing_log(&on);
    secure_boot_on(&on);
    assert_ok(eventlog_parse(&log, log_builder_slice(&on), err));
    log_builder_hashed(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, slice_from_text("off"),
                       log.events[1].data);
}

static void rubbish(struct log_builder *builder)
{
    log_builder_event(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, slice_of("\1\2\3", 3));
}

/* An authority whose digest covers its structure and padding zeros, and of which more bytes are
 * logged. */
static void padded_authority(struct log_builder *builder, size_t padding, size_t logged)
{
    _cleanup_log_builder_ struct log_builder right;
    _cleanup_eventlog_ struct eventlog log = {0};
    uint8_t data[256] = {0};
    testing_log(&right);
    log_builder_variable(&right, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &shim_lock, "Shim",
                         slice_from_text("certificate"));
    assert_ok(eventlog_parse(&log, log_builder_slice(&right), err));
    size_t size = log.events[1].data.size;
    memcpy(data, log.events[1].data.data, size);
    memset(data + size + padding, 0xAF, logged);
    log_builder_hashed(builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, slice_of(data, size + padding),
                       slice_of(data, size + padding + logged));
}

/* As old versions of shim do. */
static void authority_of_old_shim(struct log_builder *builder)
{
    padded_authority(builder, 5, 1);
}

static void authority_with_a_byte(struct log_builder *builder)
{
    padded_authority(builder, 0, 1);
}

static void authority_with_two_bytes(struct log_builder *builder)
{
    padded_authority(builder, 0, 2);
}

static void authority_padded_too_much(struct log_builder *builder)
{
    padded_authority(builder, 6, 1);
}

static void authority_padded_only(struct log_builder *builder)
{
    padded_authority(builder, 5, 0);
}

static void note_off(struct log_builder *builder)
{
    log_builder_note(builder, 7, slice_from_text("UEFI Debug Mode"));
}

typedef void step(struct log_builder *builder);

static const struct {
    const char *what;
    step *steps[5];
    enum eventlog_value secure_boot, debug, dma;
} cases[] = {
#define U EVENTLOG_UNKNOWN
#define G EVENTLOG_GOOD
#define B EVENTLOG_BAD
    {"on", {secure_boot_on, separator}, G, G, U},
    {"off", {secure_boot_off, separator}, B, G, U},
    {"empty", {secure_boot_empty, separator}, B, G, U},
    {"no variable", {separator}, U, G, U},
    {"a variable of another vendor", {other_secure_boot, separator}, U, G, U},
    {"nothing at all", {NULL}, U, U, U},
    {"no separator", {secure_boot_on}, U, U, U},
    {"twice on", {secure_boot_on, secure_boot_on, separator}, B, G, U},
    {"off, then on", {secure_boot_off, secure_boot_on, separator}, B, G, U},
    {"on, then off", {secure_boot_on, secure_boot_off, separator}, B, G, U},
    {"after the separator", {separator, secure_boot_on}, B, U, U},
    {"again after the separator", {secure_boot_on, separator, secure_boot_on}, B, U, U},
    {"two separators", {secure_boot_on, separator, separator}, U, U, U},
    {"debug mode", {debug_mode, secure_boot_on, separator}, G, B, U},
    {"debug mode by another type", {debug_mode_as_variable, secure_boot_on, separator}, G, B, U},
    {"debug mode as separator", {debug_mode_as_separator_type, secure_boot_on, separator}, U, U, U},
    {"no DMA protection", {secure_boot_on, separator, no_dma_protection}, G, G, B},
    {"lowered Thunderbolt", {secure_boot_on, separator, lowered_thunderbolt}, G, G, B},
    {"another text", {secure_boot_on, separator, other_text}, G, G, U},
    {"MokSBState", {secure_boot_on, separator, mok_state}, B, G, U},
    {"MokListX", {secure_boot_on, separator, mok_list}, G, G, U},
    {"db after the separator", {secure_boot_on, separator, late_db}, U, U, U},
    {"SecureBoot as authority", {secure_boot_as_authority, separator}, U, U, U},
    {"SecureBoot as SPDM", {secure_boot_as_spdm, separator}, U, U, U},
    {"SPDM", {secure_boot_on, separator, spdm}, G, G, U},
    {"a type that does not belong", {unknown_type, secure_boot_on, separator}, U, U, U},
    {"error separator", {secure_boot_on, error_separator}, U, U, U},
    {"error separator 1", {secure_boot_on, error_separator_1}, U, U, U},
    {"short separator", {secure_boot_on, short_separator}, U, U, U},
    {"data without its digest", {unproven_on, separator}, U, U, U},
    {"rubbish", {secure_boot_on, separator, rubbish}, U, U, U},
    {"a byte more in an authority", {secure_boot_on, separator, authority_with_a_byte}, G, G, U},
    {"an authority of an old shim", {secure_boot_on, separator, authority_of_old_shim}, G, G, U},
    {"two bytes more", {secure_boot_on, separator, authority_with_two_bytes}, U, U, U},
    {"padded too much", {secure_boot_on, separator, authority_padded_too_much}, U, U, U},
    {"padded, and no byte more", {secure_boot_on, separator, authority_padded_only}, U, U, U},
    {"a note", {note_off, secure_boot_on, separator, note_off}, G, G, U},
#undef U
#undef G
#undef B
};

static void test_pcr7(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (enum eventlog_profile profile = 0; profile <= EVENTLOG_PROFILE_LINUX; profile++) {
            struct eventlog log;
            struct eventlog_claims claims;
            _cleanup_log_builder_ struct log_builder builder;
            print_message("%s\n", cases[i].what);
            testing_log(&builder);
            for (size_t j = 0; j < 5 && cases[i].steps[j] != NULL; j++)
                cases[i].steps[j](&builder);
            testing_claims(&log, &claims, &builder, profile);
            testing_assert_claim(&claims, EVENTLOG_CLAIM_SECURE_BOOT, cases[i].secure_boot);
            testing_assert_claim(&claims, EVENTLOG_CLAIM_UEFI_DEBUG_OFF, cases[i].debug);
            testing_assert_claim(&claims, EVENTLOG_CLAIM_DMA_PROTECTION, cases[i].dma);
            eventlog_claims_done(&claims);
            eventlog_done(&log);
        }
    }
}

/* A bank that an event of PCR 7 lacks proves nothing about it. */
static void test_event_without_digest(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA1, DIGEST_SHA256};
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, two, 2);
    secure_boot_on(&builder);
    separator(&builder);
    builder.bank_count = 1;
    other_text(&builder);
    testing_claims(&log, &claims, &builder, EVENTLOG_PROFILE_LINUX);
    testing_assert_claim(&claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_UNKNOWN);
}

static void test_deciding_events(void **state)
{
    (void)state;
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    secure_boot_on(&builder);
    secure_boot_off(&builder);
    separator(&builder);
    testing_claims(&log, &claims, &builder, EVENTLOG_PROFILE_LINUX);
    const struct eventlog_claim *claim = &claims.claims[EVENTLOG_CLAIM_SECURE_BOOT];
    assert_int_equal(claim->event_count, 1);
    assert_int_equal(claim->events[0], 2);
    assert_string_equal(claim->sentence, "Secure Boot is off");
}

static void test_recorded(void **state)
{
    (void)state;
    static const enum eventlog_value expected[TESTING_BOOTS] = {
        EVENTLOG_GOOD, EVENTLOG_GOOD, EVENTLOG_GOOD, EVENTLOG_BAD, EVENTLOG_GOOD};
    static const uint32_t images[TESTING_BOOTS] = {1, 1, 1, 2, 0};
    for (size_t i = 0; i < TESTING_BOOTS; i++) {
        _cleanup_buf_ struct buf bytes;
        _cleanup_eventlog_ struct eventlog log = {0};
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        testing_read(&bytes, testing_boots[i], "bios.bin");
        assert_ok(eventlog_parse(&log, buf_slice(&bytes), err));
        eventlog_claims_evaluate(&claims, &log, EVENTLOG_PROFILE_LINUX, DIGEST_SHA256);
        testing_assert_claim(&claims, EVENTLOG_CLAIM_SECURE_BOOT, expected[i]);
        testing_assert_claim(&claims, EVENTLOG_CLAIM_UEFI_DEBUG_OFF, EVENTLOG_GOOD);
        assert_false(claims.images_void);
        assert_int_equal(claims.image_count, images[i]);
    }
}

static void image(struct log_builder *builder, const char *content)
{
    log_builder_hashed(builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, slice_from_text(content),
                       slice_from_text("a path"));
}

/* Runs add, and says whether PCR 4 is still understood. */
static uint32_t count_images(void (*add)(struct log_builder *), bool *is_void)
{
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_event(&builder, 4, EVENTLOG_SEPARATOR, slice_of("\0\0\0\0", 4));
    image(&builder, "shim");
    add(&builder);
    testing_claims(&log, &claims, &builder, EVENTLOG_PROFILE_LINUX);
    *is_void = claims.images_void;
    return claims.image_count;
}

static void add_image(struct log_builder *builder)
{
    image(builder, "grub");
    log_builder_hashed(builder, 4, EVENTLOG_EFI_BOOT_SERVICES_DRIVER, slice_from_text("driver"),
                       SLICE_EMPTY);
}

static void add_relabelled_image(struct log_builder *builder)
{
    log_builder_hashed(builder, 4, EVENTLOG_EFI_ACTION, slice_from_text("evil"),
                       slice_from_text("Calling EFI Application from Boot Option"));
}

static void add_image_of_another_type(struct log_builder *builder)
{
    log_builder_hashed(builder, 4, EVENTLOG_IPL, slice_from_text("evil"), slice_from_text("x"));
}

static void add_wrong_separator(struct log_builder *builder)
{
    log_builder_hashed(builder, 4, EVENTLOG_SEPARATOR, slice_from_text("evil"),
                       slice_of("\0\0\0\0", 4));
}

static void add_too_many(struct log_builder *builder)
{
    for (int i = 0; i < EVENTLOG_IMAGES_MAX; i++)
        image(builder, "image");
}

static void test_images(void **state)
{
    (void)state;
    bool is_void;
    assert_int_equal(count_images(add_image, &is_void), 3);
    assert_false(is_void);
    assert_int_equal(count_images(add_relabelled_image, &is_void), 0);
    assert_true(is_void);
    assert_int_equal(count_images(add_image_of_another_type, &is_void), 0);
    assert_true(is_void);
    assert_int_equal(count_images(add_wrong_separator, &is_void), 0);
    assert_true(is_void);
    assert_int_equal(count_images(add_too_many, &is_void), 0);
    assert_true(is_void);
}

/* Who verified Windows' boot manager. */
static enum eventlog_value authority_of(const struct log_windows *windows, bool is_rom_before,
                                        bool is_shim_after)
{
    static const char rom[] = "0123456789abcdefUEFI CA";
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    if (is_rom_before)
        log_builder_variable(&builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &uefi_security_database,
                             "db", slice_from_text(rom));
    log_windows_firmware(&builder, windows);
    if (is_shim_after)
        log_builder_variable(&builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &uefi_security_database,
                             "db", slice_from_text(rom));
    testing_claims(&log, &claims, &builder, EVENTLOG_PROFILE_WINDOWS);
    return claims.claims[EVENTLOG_CLAIM_WINDOWS_AUTHORITY].value;
}

static void test_authority(void **state)
{
    (void)state;
    struct log_windows windows;
    log_windows_init(&windows);
    assert_int_equal(authority_of(&windows, false, false), EVENTLOG_GOOD);
    assert_int_equal(authority_of(&windows, true, false), EVENTLOG_GOOD); /* an option ROM */
    assert_int_equal(authority_of(&windows, false, true), EVENTLOG_BAD);
    windows.authority = slice_from_text("UEFI CA");
    assert_int_equal(authority_of(&windows, false, false), EVENTLOG_UNKNOWN);
    windows.authority = SLICE_EMPTY;
    assert_int_equal(authority_of(&windows, false, false), EVENTLOG_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcr7),
        cmocka_unit_test(test_event_without_digest),
        cmocka_unit_test(test_deciding_events),
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
