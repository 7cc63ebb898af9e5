/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/refused_pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../testing.h"
#include "base/file.h"

static struct refused_pins *list;
static int memory;

static int set_up(void **state)
{
    (void)state;
    assert_ok(refused_pins_make(&list, &memory, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    refused_pins_free(&list);
    file_close(&memory);
    return 0;
}

static bool has(const struct refused_pins *some, const char *pin)
{
    return refused_pins_has(some, slice_from_text(pin));
}

static void add(struct refused_pins *some, const char *pin)
{
    refused_pins_add(some, slice_from_text(pin));
}

static void what_was_refused_is_known(void **state)
{
    (void)state;
    assert_false(has(list, "1234"));
    assert_false(has(list, ""));
    add(list, "1234");
    assert_true(has(list, "1234"));
    assert_false(has(list, "1235"));
    assert_false(has(list, "123"));
    add(list, "5678");
    assert_true(has(list, "1234") && has(list, "5678"));
    refused_pins_remove(list, slice_from_text("1234"));
    assert_false(has(list, "1234"));
    assert_true(has(list, "5678"));
}

/* The latest ones; one that is refused over and over takes no other's place. */
static void the_oldest_is_forgotten_first(void **state)
{
    (void)state;
    char pin[16];
    for (int i = 0; i < REFUSED_PINS_MAX; i++) {
        snprintf(pin, sizeof pin, "pin %d", i);
        add(list, pin);
        add(list, pin);
    }
    assert_true(has(list, "pin 0"));
    add(list, "one more");
    assert_false(has(list, "pin 0"));
    assert_true(has(list, "pin 1") && has(list, "one more"));
}

static void without_a_list_nothing_is_known(void **state)
{
    (void)state;
    add(NULL, "1234");
    assert_false(has(NULL, "1234"));
    refused_pins_remove(NULL, slice_from_text("1234"));
}

/* As processes of a token do it, one after the other. */
static void it_outlives_the_process_that_wrote_it(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct refused_pins *of_child = NULL;
        bool ok = refused_pins_open(&of_child, dup(memory), NULL);
        if (ok)
            add(of_child, "1234");
        refused_pins_free(&of_child);
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct refused_pins *next = NULL;
    assert_ok(refused_pins_open(&next, dup(memory), err));
    assert_true(has(next, "1234") && has(list, "1234"));
    refused_pins_free(&next);
    assert_true(has(list, "1234"));
}

/* Nor can whoever has it make it shorter, upon which the supervisor would die. */
static void it_holds_no_pin(void **state)
{
    (void)state;
    static const char pin[] = "a long PIN of an administrator's";
    struct stat status;
    add(list, pin);
    assert_int_equal(fstat(memory, &status), 0);
    size_t size = (size_t)status.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, memory, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_null(memmem(bytes, size, pin, 8));
    assert_int_equal(ftruncate(memory, 0), -1);
    assert_int_equal(errno, EPERM);
    /* Wiped with the list that was made, also where others look at it. */
    static const uint8_t zeros[4096];
    assert_true(size <= sizeof zeros);
    assert_true(memcmp(bytes, zeros, size) != 0);
    refused_pins_free(&list);
    assert_memory_equal(bytes, zeros, size);
    munmap(bytes, size);
}

static void what_is_no_memory_is_refused(void **state)
{
    (void)state;
    struct refused_pins *none = NULL;
    assert_refused(refused_pins_open(&none, open("/dev/null", O_RDONLY | O_CLOEXEC), err),
                   "process.spawn");
    assert_null(none);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_refused_is_known),
        TEST(the_oldest_is_forgotten_first),
        TEST(without_a_list_nothing_is_known),
        TEST(it_outlives_the_process_that_wrote_it),
        TEST(it_holds_no_pin),
        TEST(what_is_no_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
