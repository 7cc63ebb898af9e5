/* SPDX-License-Identifier: Apache-2.0 */

/* Sinks are part of the trail: what does not reach them is not finished. A sink of the test's own
 * stands for the journal and the Linux audit system, which tests/integration/sinks.py drives. */

#include "audit/sink.h"
#include "../wait.h"
#include "trail.h"

struct witness {
    struct audit_sinks sinks;
    struct buf lines; /* all that came, with newlines */
    bool away, forbidden;
    int calls;
};

static struct witness witness;

static bool witness_check(void *state, struct error *err)
{
    (void)state;
    return !__atomic_load_n(&witness.forbidden, __ATOMIC_SEQ_CST) ||
           error_set(err, &audit_sink_privilege, NULL, "witness", "it may not be used");
}

static bool witness_open(void **state, struct error *err)
{
    (void)err;
    *state = &witness;
    return true;
}

static bool never_open(void **state, struct error *err)
{
    (void)state;
    return error_set(err, &audit_sink_missing, NULL, "never", "there is none");
}

static bool witness_send(void *state, const struct audit_record *record, struct slice line,
                         struct error *err)
{
    assert_ptr_equal(state, &witness);
    assert_true(record->sequence > 0);
    witness.calls++;
    if (__atomic_load_n(&witness.away, __ATOMIC_SEQ_CST))
        return error_set(err, &audit_sink_failed, NULL, "witness", "it is away");
    buf_append(&witness.lines, line);
    buf_append_u8(&witness.lines, '\n');
    return true;
}

static void witness_close(void *state)
{
    assert_ptr_equal(state, &witness);
}

static const struct audit_sink_kind witness_kind = {"witness", witness_check, witness_open,
                                                    witness_send, witness_close};
static const struct audit_sink_kind never_kind = {"never", witness_check, never_open, witness_send,
                                                  witness_close};

static int set_up(void **state)
{
    witness = (struct witness){0};
    buf_init(&witness.lines, 1 << 20);
    audit_sinks_add(&witness.sinks, &witness_kind);
    trail_set_up(state);
    ((struct trail *)*state)->options.sinks = &witness.sinks;
    return 0;
}

static int tear_down(void **state)
{
    trail_tear_down(state);
    audit_sinks_close(&witness.sinks);
    buf_done(&witness.lines);
    return 0;
}

static void read_trail(struct buf *out, const struct trail *trail)
{
    _cleanup_free_ char *path = memory_format("%s/audit.log", trail->folder);
    buf_init(out, 1 << 20);
    assert_true(file_read(out, path, NULL));
}

static void every_line_arrives(void **state)
{
    struct trail *trail = *state;
    _cleanup_buf_ struct buf file;
    trail_open(trail);
    trail_append(trail, 20);
    audit_stop(&trail->audit);
    read_trail(&file, trail);
    assert_true(slice_equal(buf_slice(&file), buf_slice(&witness.lines)));
}

static void set(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

static void nothing_is_finished_while_one_is_away(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    _cleanup_buf_ struct buf file;
    trail_open(trail);
    trail_append(trail, 1);
    set(&witness.away, true);
    assert_false(audit_append_wait(trail->audit, "key.released", SLICE_EMPTY, &err));
    assert_ptr_equal(err.code, &audit_sink_failed);
    assert_false(audit_healthy(trail->audit, &err));
    assert_ptr_equal(err.code, &audit_sink_failed);
    set(&witness.away, false);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    read_trail(&file, trail);
    /* What was on disk when it failed got there in the end, and the trail says whose waiter was
     * refused. */
    assert_true(slice_equal(buf_slice(&file), buf_slice(&witness.lines)));
    assert_non_null(strstr(buf_text(&file), "\"event\":\"audit.recovered\",\"refused_first\":2,"
                                            "\"refused_last\":2,"));
}

static void a_sink_that_may_not_be_used_keeps_all_out_from_the_start(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    set(&witness.forbidden, true);
    trail_open(trail);
    assert_false(audit_append_wait(trail->audit, "key.released", SLICE_EMPTY, &err));
    assert_ptr_equal(err.code, &audit_sink_privilege);
    assert_int_equal(witness.calls, 0);
    set(&witness.forbidden, false);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    trail_append(trail, 1);
}

static void a_sink_that_cannot_be_opened_does_too(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    audit_sinks_add(&witness.sinks, &never_kind);
    trail_open(trail);
    assert_false(audit_append_wait(trail->audit, "key.released", SLICE_EMPTY, &err));
    assert_ptr_equal(err.code, &audit_sink_missing);
    assert_string_equal(err.message, "there is none");
}

/* A crash cut a line, and the sink is not there at the start: that comes later, too. */
static void a_cut_line_does_not_keep_it_from_starting(void **state)
{
    struct trail *trail = *state;
    _cleanup_buf_ struct buf file;
    trail_open(trail);
    trail_append(trail, 3);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    _cleanup_free_ char *more = memory_format("%s{\"seq\":4", text);
    trail_write(trail, AUDIT_CURRENT, more, strlen(more));
    set(&witness.forbidden, true);
    trail_open(trail);
    set(&witness.forbidden, false);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    audit_stop(&trail->audit);
    read_trail(&file, trail);
    assert_non_null(strstr(buf_text(&file), "\"event\":\"audit.recovered\""));
    assert_non_null(strstr(buf_text(&file), "\"cut_bytes\":8"));
    trail_assert_whole(trail);
}

/* Accepting damage is a record like others: while a sink is away, it is refused and changes
 * nothing. */
static void damage_is_accepted_when_all_are_there(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    strstr(trail_line(text, 2), "test.event")[0] = 'r';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_open(trail);
    trail_assert_damaged(trail, "breaks behind record 3");
    set(&witness.forbidden, true);
    for (int i = 0; i < 2; i++) {
        assert_false(audit_acknowledge(trail->audit, slice_from_text("\"user\":\"root\""), &err));
        assert_ptr_equal(err.code, &audit_sink_privilege);
        trail_assert_damaged(trail, "breaks behind record 3");
        _cleanup_free_ char *left = trail_read(trail, AUDIT_CURRENT);
        assert_string_equal(left, text);
    }
    set(&witness.forbidden, false);
    trail_acknowledge(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    assert_non_null(strstr(buf_text(&witness.lines), "audit.damaged"));
    _cleanup_free_ char *after = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(after, "audit.damaged"), 1);
}

static void add_pair(void *context, const char *name, const char *value)
{
    buf_append_format(context, "%s=%s;", name, value);
}

static void fields_become_texts(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf pairs;
    buf_init(&pairs, 1000);
    struct audit_record record = {
        .fields = slice_from_text("\"host\":\"n1\",\"count\":12,\"yes\":true,\"list\":[1],"
                                  "\"object\":{\"a\":1},\"none\":null,\"text\":\"a\\nb\"")};
    audit_sink_each_field(&record, add_pair, &pairs);
    assert_string_equal(buf_text(&pairs), "host=n1;count=12;yes=true;text=a\nb;");
}

#define SINK_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SINK_TEST(every_line_arrives),
        SINK_TEST(nothing_is_finished_while_one_is_away),
        SINK_TEST(a_sink_that_may_not_be_used_keeps_all_out_from_the_start),
        SINK_TEST(a_sink_that_cannot_be_opened_does_too),
        SINK_TEST(a_cut_line_does_not_keep_it_from_starting),
        SINK_TEST(damage_is_accepted_when_all_are_there),
        cmocka_unit_test(fields_become_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
