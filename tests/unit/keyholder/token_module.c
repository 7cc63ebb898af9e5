/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_module.h"

#include "softhsm.h"

static struct token_module module;

static int set_up_group(void **state)
{
    (void)state;
    softhsm_load();
    folder_make(softhsm_folder);
    _cleanup_free_ char *command = memory_format("mkdir %s/tokens", softhsm_folder);
    softhsm_run(command);
    softhsm_use(softhsm_folder);
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    folder_remove(softhsm_folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    faulty_rules("");
    token_module_close(&module);
    return 0;
}

static void test_no_library(void **state)
{
    (void)state;
    assert_refused(token_module_open(&module, NULL, true, err), "token.module");
    assert_refused(token_module_open(&module, "libsofthsm2.so", true, err), "token.module");
    assert_refused(token_module_open(&module, "/nowhere/libsofthsm2.so", true, err),
                   "token.module");
    assert_refused(token_module_open(&module, "/etc/passwd", true, err), "token.module");
}

static void test_no_module(void **state)
{
    (void)state;
    static const char *const wrong[] = {"fails", "nothing", "version", "incomplete"};
    const char *path = getenv("HGS_BROKEN_TOKEN");
    assert_non_null(path);
    for (size_t i = 0; i < 4; i++) {
        setenv("HGS_BROKEN_MODULE", wrong[i], 1);
        assert_refused(token_module_open(&module, path, true, err), "token.module");
    }
    /* A library of another kind: the tests' program is linked with it. */
    assert_refused(token_module_open(&module, "/lib/x86_64-linux-gnu/libc.so.6", true, err),
                   "token.module");
}

static void test_restart(void **state)
{
    (void)state;
    unsigned long count = faulty_calls("C_Initialize");
    assert_ok(token_module_open(&module, softhsm_module(), true, err));
    assert_true(module.owned);
    assert_ok(token_module_restart(&module, err));
    assert_int_equal(faulty_calls("C_Initialize"), count + 2);
    faulty_rules("C_Initialize fail 0x30");
    assert_refused(token_module_restart(&module, err), "token.failed");
    faulty_rules("");
    assert_ok(token_module_restart(&module, err));
}

/* What somebody else initialised is neither ended nor initialised again. */
static void test_shared(void **state)
{
    (void)state;
    struct token_module second;
    assert_ok(token_module_open(&module, softhsm_module(), true, err));
    assert_ok(token_module_open(&second, softhsm_module(), true, err));
    assert_false(second.owned);
    assert_refused(token_module_restart(&second, err), "token.lost");
    unsigned long count = faulty_calls("C_Finalize");
    token_module_close(&second);
    assert_int_equal(faulty_calls("C_Finalize"), count);
}

/* CKR_CANT_LOCK: such a module does for one thread. */
static void test_no_threads(void **state)
{
    (void)state;
    faulty_rules("C_Initialize fail 0xA once");
    assert_refused(token_module_open(&module, softhsm_module(), true, err), "token.module");
    faulty_rules("C_Initialize fail 0xA once");
    assert_ok(token_module_open(&module, softhsm_module(), false, err));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_no_library), TEST(test_no_module),  TEST(test_restart),
        TEST(test_shared),     TEST(test_no_threads),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
