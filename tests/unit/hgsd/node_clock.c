/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/node_clock.h"

#include "../testing.h"
#include "admin/hgsd_errors.h"

#define BOUND 300
#define HOUR 3600
#define DAY 86400

/* What a look tells: the code's name, or "". */
static const char *look(struct node_clock *clock, int64_t *seconds)
{
    static struct error what;
    what = (struct error){0};
    return node_clock_look(clock, BOUND, seconds, &what) ? what.code->name : "";
}

static void set_while_it_runs(void **state)
{
    (void)state;
    static const struct {
        int64_t step, told, offset;
    } cases[] = {
        {HOUR, HOUR, HOUR},
        {0, 0, HOUR},
        {-HOUR, -HOUR, 0},
        {DAY, DAY, DAY},
        {HOUR, HOUR, DAY + HOUR},
        {-DAY - HOUR, -DAY - HOUR, 0},
        {-DAY, -DAY, -DAY},
        {DAY, DAY, 0},
        {200, 0, 200},
        {200, 400, 400},
        {-400, -400, 0},
        {1, 0, 0},
    };
    struct clock clock = {.offset = 0};
    struct node_clock *node = node_clock_new(&clock, clock_now(&clock) - 10);
    int64_t seconds;
    assert_string_equal(look(node, &seconds), "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clock.offset += cases[i].step;
        assert_string_equal(look(node, &seconds), cases[i].told != 0 ? "hgsd.clock-set" : "");
        if (cases[i].told != 0)
            assert_int_equal(seconds, cases[i].told);
        assert_int_equal(node_clock_offset(node), cases[i].offset);
        assert_string_equal(look(node, &seconds), "");
    }
    node_clock_free(&node);
    assert_null(node);
    node_clock_free(&node);
}

/* Behind the newest record at the start; set right later. */
static void began_behind(void **state)
{
    (void)state;
    struct clock clock = {.offset = 0};
    struct node_clock *node = node_clock_new(&clock, clock_now(&clock) + DAY);
    int64_t seconds;
    assert_string_equal(look(node, &seconds), "hgsd.clock-back");
    assert_in_range(seconds + DAY, 0, 60);
    assert_string_equal(look(node, &seconds), "");
    clock.offset += DAY;
    assert_string_equal(look(node, &seconds), "hgsd.clock-set");
    assert_in_range(node_clock_offset(node), 0, 60);
    node_clock_free(&node);
}

static void a_little_behind_is_nothing(void **state)
{
    (void)state;
    struct clock clock = {.offset = 0};
    struct node_clock *node = node_clock_new(&clock, clock_now(&clock) + BOUND);
    int64_t seconds;
    assert_string_equal(look(node, &seconds), "");
    node_clock_free(&node);
    node = node_clock_new(&clock, INT64_MIN);
    assert_string_equal(look(node, &seconds), "");
    assert_int_equal(node_clock_offset(node), 0);
    node_clock_free(&node);
}

/* As server show has it: with what was told last, as long as it is not right again. */
static void is_written(void **state)
{
    (void)state;
    struct clock clock = {.offset = 0};
    struct node_clock *node = node_clock_new(&clock, INT64_MIN);
    int64_t seconds;
    for (int set = 0; set < 3; set++) {
        struct json *document = NULL;
        struct json_writer writer;
        _cleanup_buf_ struct buf out;
        buf_init(&out, 8192);
        json_writer_init(&writer, &out);
        look(node, &seconds);
        json_write_object(&writer, NULL);
        node_clock_write(node, &writer, "clock", BOUND, 60);
        json_write_object_end(&writer);
        assert_true(json_parse(&document, buf_slice(&out), NULL));
        const struct json *written = json_get(document, "clock");
        assert_int_equal((int)json_number(json_get(written, "offset")), set == 1 ? HOUR : 0);
        assert_int_equal((int)json_number(json_get(written, "bound")), BOUND);
        assert_int_equal((int)json_number(json_get(written, "tolerance")), 60);
        assert_int_equal(json_get(written, "problem") != NULL, set == 1);
        json_free(&document);
        clock.offset += set == 0 ? HOUR : -HOUR;
    }
    assert_in_range(node_clock_steady_ms(node), 0, 60000);
    node_clock_free(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_while_it_runs),
        cmocka_unit_test(began_behind),
        cmocka_unit_test(a_little_behind_is_nothing),
        cmocka_unit_test(is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
