/* SPDX-License-Identifier: Apache-2.0 */
/* Counting while keys are rolled: over restarts, under another cluster key, with a keyholder that
 * is away. */
#include "../wait.h"
#include "world.h"

#include "keyprotection/usage.h"
#include "keyprotection/usage_record.h"
#include "store/backend.h"
#include "store/errors.h"

#include <time.h>

static struct clock test_clock;
static struct protector *protector;
static struct keyprotection_snapshot *snapshot;

static int setup(void **state)
{
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    make_world(state);
    test_clock.offset = NOW - (int64_t)time(NULL);
    make_protector(&document, &key, &world.service.guardian);
    assert_ok(protector_parse(&protector, buf_slice(&document), NULL, err));
    snapshot = load_snapshot();
    return 0;
}

static int teardown(void **state)
{
    protector_free(&protector);
    keyprotection_snapshot_release(&snapshot);
    return free_world(state);
}

static struct usage *start(struct keyholder *keyholder)
{
    struct usage *usage = NULL;
    struct usage_options options = {world.store, keyholder, &test_clock, "n1", 1000};
    assert_ok(usage_new(&usage, &options, err));
    usage_prepare(usage, NULL); /* not of a keyholder that is away */
    return usage;
}

/* A roll from one transport key to another. */
static void note(struct usage *usage, const char *ingress, const char *egress)
{
    usage_note(usage, snapshot, protector, slice_from_text(ingress), slice_from_text(egress));
}

static struct usage_certificate encryption(void)
{
    struct usage_certificate it = {.key.type = KEYPROTECTION_ENCRYPTION, .enabled = true};
    memcpy(it.key.id, public_key_digest(world.service.encryption_key), sizeof it.key.id);
    return it;
}

/* How many need the service's encryption certificate, and all. */
static void expect(struct usage *usage, uint64_t only, size_t protectors)
{
    struct usage_totals totals;
    struct usage_certificate it = encryption();
    usage_report(usage, &it, 1, NOW - 1000, &totals);
    assert_int_equal(it.only.count, only);
    assert_int_equal(it.only.lately, only);
    assert_int_equal(it.also.count, 0);
    assert_int_equal(totals.protectors, protectors);
    assert_false(totals.full);
}

static void it_goes_on_after_a_restart(void **state)
{
    (void)state;
    struct usage *usage = start(world.running.keyholder);
    expect(usage, 0, 0);
    note(usage, "a1", "a2");
    note(usage, "a2", "a3");
    note(usage, "b1", "b2");
    expect(usage, 2, 2);
    usage_free(&usage);
    usage = start(world.running.keyholder);
    expect(usage, 2, 2);
    note(usage, "a3", "a4");
    note(usage, "b1", "b2");
    expect(usage, 2, 2);
    usage_free(&usage);
}

/* How many protectors the store knows of. */
static size_t recorded(struct usage_check *check)
{
    struct usage_table *table = NULL;
    assert_ok(usage_record_load(&table, check, world.store, "n1", NOW, 1000, err));
    size_t count = usage_table_count(table);
    usage_table_free(&table);
    return count;
}

/* Nobody has to ask for it. */
static void it_is_written_behind(void **state)
{
    (void)state;
    struct usage *usage = start(world.running.keyholder);
    struct usage_check check;
    note(usage, "c1", "c2");
    note(usage, "d1", "d2");
    WAIT_UNTIL(recorded(&check) >= 2);
    assert_true(check.known);
    usage_free(&usage);
}

/* Links that were made under another cluster's key are never met again. */
static void another_key_begins_anew(void **state)
{
    (void)state;
    struct usage *usage = start(world.running.keyholder);
    note(usage, "e1", "e2");
    usage_free(&usage);
    struct usage_table *table = NULL;
    struct usage_check check;
    char key[STORE_KEY_MAX + 1];
    assert_ok(usage_record_load(&table, &check, world.store, "n1", NOW, 1000, err));
    assert_true(usage_table_count(table) > 0);
    check.bytes[0] ^= 1;
    _cleanup_buf_ struct buf head;
    buf_init(&head, 65536);
    usage_record_format_head(&head, table, &check);
    put_record(STORE_CERTIFICATE_USAGE, usage_record_head_key(key, "n1"), buf_slice(&head));
    usage_table_free(&table);
    usage = start(world.running.keyholder);
    note(usage, "e2", "e3");
    expect(usage, 1, 1);
    usage_free(&usage);
}

static void records_that_cannot_be_read_begin_anew(void **state)
{
    (void)state;
    put_record(STORE_CERTIFICATE_USAGE, "n1/head", slice_from_text("{"));
    struct usage *usage = start(world.running.keyholder);
    expect(usage, 0, 0);
    note(usage, "f1", "f2");
    usage_free(&usage);
    usage = start(world.running.keyholder);
    expect(usage, 1, 1);
    usage_free(&usage);
}

/* `server clear`. */
static void what_is_removed_is_forgotten(void **state)
{
    (void)state;
    struct usage *usage = start(world.running.keyholder);
    note(usage, "g1", "g2");
    struct store_change changes[] = {
        {.kind = STORE_CERTIFICATE_USAGE, .key = "n2/00000", .remove = true},
        {.kind = STORE_CERTIFICATE, .key = "n1/00000", .remove = true},
        {.kind = STORE_CERTIFICATE_USAGE, .key = "n1/00000"},
        {.kind = STORE_CERTIFICATE_USAGE, .key = "n1/00000", .remove = true}};
    struct usage_totals totals;
    usage_apply(usage, changes, 3);
    usage_report(usage, NULL, 0, 0, &totals);
    assert_true(totals.protectors > 0);
    usage_apply(usage, changes, 4);
    expect(usage, 0, 0);
    usage_free(&usage);
}

/* How many there are after a roll. */
static size_t protectors_with(struct usage *usage, const char *ingress, const char *egress)
{
    struct usage_totals totals;
    note(usage, ingress, egress);
    usage_report(usage, NULL, 0, 0, &totals);
    return totals.protectors;
}

/* The keyholder comes later: nobody has to ask again. */
static void the_key_is_fetched_when_it_can_be(void **state)
{
    (void)state;
    struct usage_totals before;
    keyholder_hold(world.running.keyholder, true);
    struct usage *usage = start(world.running.keyholder);
    usage_report(usage, NULL, 0, 0, &before);
    assert_int_equal(protectors_with(usage, "l1", "l2"), before.protectors);
    keyholder_hold(world.running.keyholder, false);
    WAIT_UNTIL(protectors_with(usage, "l1", "l2") != before.protectors);
    assert_int_equal(protectors_with(usage, "l1", "l2"), before.protectors + 1);
    usage_free(&usage);
}

static void a_roll_that_is_not_counted_is_said(void **state)
{
    (void)state;
    struct usage_totals before, totals;
    struct keyholder *away = keyholder_new(NULL, 0);
    keyholder_set_deadline(away, 50);
    struct usage *usage = start(away);
    usage_report(usage, NULL, 0, 0, &before);
    test_clock.offset += 5000;
    note(usage, "h1", "h2");
    usage_report(usage, NULL, 0, 0, &totals);
    assert_int_equal(totals.protectors, before.protectors);
    assert_true(before.since < NOW + 5000);
    assert_true(totals.since >= NOW + 5000);
    test_clock.offset -= 5000;
    usage_free(&usage);
    keyholder_free(&away);
}

#define THREADS 4
#define CHAINS 20
#define ROLLS 25

/* Protectors of its own, each rolled again and again. */
static void *roll_many(void *context)
{
    static atomic_int threads;
    int thread = atomic_fetch_add(&threads, 1);
    for (int roll = 0; roll < ROLLS; roll++)
        for (int chain = 0; chain < CHAINS; chain++) {
            char from[32], to[32];
            snprintf(from, sizeof from, "%d/%d/%d", thread, chain, roll);
            snprintf(to, sizeof to, "%d/%d/%d", thread, chain, roll + 1);
            note(context, from, to);
        }
    return NULL;
}

static void all_are_counted_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct usage *usage = NULL;
    struct usage_options options = {world.store, world.running.keyholder, &test_clock, "many",
                                    1000};
    assert_ok(usage_new(&usage, &options, err));
    assert_ok(usage_prepare(usage, err));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, roll_many, usage), 0);
    assert_ok(usage_write(usage, err)); /* meanwhile */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect(usage, (uint64_t)THREADS * CHAINS, (size_t)THREADS * CHAINS);
    usage_free(&usage);
    assert_ok(usage_new(&usage, &options, err));
    expect(usage, (uint64_t)THREADS * CHAINS, (size_t)THREADS * CHAINS);
    usage_free(&usage);
}

/* The world's store, which says that it is busy while it should. */
static bool busy_reading, busy_writing;

static bool busy_get(void *state, enum store_kind kind, const char *key, struct buf *value,
                     int64_t *revision, struct error *err)
{
    if (busy_reading)
        return error_set(err, &store_busy, NULL, key, "it is");
    return store_get(state, kind, key, value, revision, err);
}

static bool busy_list(void *state, enum store_kind kind, const char *after, size_t limit,
                      store_each *each, void *context, int64_t *revision, struct error *err)
{
    return store_list(state, kind, after, limit, each, context, revision, err);
}

static bool busy_commit(void *state, const struct store_change *changes, size_t count,
                        int64_t *revision, struct error *err)
{
    if (busy_writing)
        return error_set(err, &store_busy, NULL, changes[0].key, "it is");
    return store_commit(state, changes, count, revision, err);
}

static void leave_open(void *state)
{
    (void)state;
}

static void a_store_that_is_busy_loses_nothing(void **state)
{
    (void)state;
    static const struct store_backend backend = {.name = "busy",
                                                 .close = leave_open,
                                                 .get = busy_get,
                                                 .list = busy_list,
                                                 .commit = busy_commit};
    struct usage *usage = NULL;
    struct store *store = store_new(&backend, world.store);
    struct usage_options options = {store, world.running.keyholder, &test_clock, "busy", 1000};
    busy_reading = true;
    assert_refused(usage_new(&usage, &options, err), &store_busy);
    busy_reading = false;
    assert_ok(usage_new(&usage, &options, err));
    assert_ok(usage_prepare(usage, err));
    note(usage, "k1", "k2");
    busy_writing = true;
    assert_refused(usage_write(usage, err), &store_busy);
    struct store_change removal = {
        .kind = STORE_CERTIFICATE_USAGE, .key = "busy/head", .remove = true};
    usage_apply(usage, &removal, 1);
    expect(usage, 0, 0);
    note(usage, "k2", "k3");
    assert_refused(usage_write(usage, err), &store_busy);
    busy_writing = false;
    assert_ok(usage_write(usage, err));
    usage_free(&usage);
    assert_ok(usage_new(&usage, &options, err));
    expect(usage, 1, 1);
    usage_free(&usage);
    store_close(&store);
}

static struct usage_key key_at(size_t number)
{
    return (struct usage_key){.type = KEYPROTECTION_ENCRYPTION, .id = {0xee, (uint8_t)number}};
}

/* A node of this name has told as many keys apart as it can, and seen one protector with all. */
static void put_full_table(const char *node)
{
    char key[STORE_KEY_MAX + 1];
    struct usage_check check = {.known = false};
    struct usage_table *table = usage_table_new(NOW, 1000);
    _cleanup_buf_ struct buf head, page;
    buf_init(&head, 65536);
    buf_init(&page, 65536);
    for (size_t i = 0; i < USAGE_KEYS_MAX; i++) {
        struct usage_key it = key_at(i);
        assert_int_equal(usage_table_number(table, &it), i);
    }
    usage_table_note(table, 1, 2, UINT64_MAX, NOW);
    usage_record_format_head(&head, table, &check);
    usage_record_format_page(&page, table, 0);
    put_record(STORE_CERTIFICATE_USAGE, usage_record_head_key(key, node), buf_slice(&head));
    put_record(STORE_CERTIFICATE_USAGE, usage_record_page_key(key, node, 0), buf_slice(&page));
    usage_table_free(&table);
}

/* Where there are more certificates than can be told apart, those that were first stay; what is
 * known of the others begins later. */
static void what_is_there_keeps_its_number(void **state)
{
    (void)state;
    struct snapshot_certificate certificates[USAGE_KEYS_MAX + 8];
    struct keyprotection_snapshot crowded = {.certificates = certificates};
    struct usage_options options = {world.store, world.running.keyholder, &test_clock, "full",
                                    1000};
    struct usage *usage = NULL;
    struct usage_totals totals;
    for (size_t i = 0; i < snapshot->certificate_count; i++)
        certificates[crowded.certificate_count++] = snapshot->certificates[i];
    for (size_t i = 0; i < USAGE_KEYS_MAX; i++) {
        struct usage_key key = key_at(i);
        struct keyprotection_certificate it = {.type = key.type};
        memcpy(it.key_id, key.id, sizeof it.key_id);
        certificates[crowded.certificate_count++] = (struct snapshot_certificate){.it = it};
    }
    put_full_table("full");
    assert_ok(usage_new(&usage, &options, err));
    assert_ok(usage_prepare(usage, err));
    test_clock.offset += 5000;
    usage_note(usage, &crowded, protector, slice_from_text("m1"), slice_from_text("m2"));
    test_clock.offset -= 5000;
    for (size_t i = 0; i < USAGE_KEYS_MAX; i++) {
        struct usage_certificate it = {.key = key_at(i), .enabled = true};
        usage_report(usage, &it, 1, NOW - 1000, &totals);
        assert_int_equal(it.only.count + it.also.count, 1);
    }
    assert_int_equal(totals.protectors, 2);
    assert_true(totals.since >= NOW + 5000);
    usage_free(&usage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_after_a_restart),
        cmocka_unit_test(it_is_written_behind),
        cmocka_unit_test(another_key_begins_anew),
        cmocka_unit_test(records_that_cannot_be_read_begin_anew),
        cmocka_unit_test(what_is_removed_is_forgotten),
        cmocka_unit_test(the_key_is_fetched_when_it_can_be),
        cmocka_unit_test(a_roll_that_is_not_counted_is_said),
        cmocka_unit_test(all_are_counted_at_once),
        cmocka_unit_test(a_store_that_is_busy_loses_nothing),
        cmocka_unit_test(what_is_there_keeps_its_number),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
