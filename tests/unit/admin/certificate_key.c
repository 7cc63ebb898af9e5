/* SPDX-License-Identifier: Apache-2.0 */
/* Under which names sealed keys are stored: nobody's key is taken from another certificate, and
 * none is left over. */
#include "../folder.h"

#include "admin/certificate_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNING KEYPROTECTION_SIGNING
#define ENCRYPTION KEYPROTECTION_ENCRYPTION
#define COMMUNICATIONS KEYPROTECTION_COMMUNICATIONS

static char folder[FOLDER_SIZE];
static struct store *store;
static struct certificate_list_item items[8];
static struct certificate_list list = {.items = items};

static int open_store(void **state)
{
    (void)state;
    folder_make(folder);
    list.count = 0;
    assert_ok(store_open_sqlite(&store, folder_at(folder, "store.db"), err));
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_close(&store);
    folder_remove(folder);
    return 0;
}

/* Each key has 32 equal bytes. */
static void add(enum keyprotection_certificate_type type, uint8_t key)
{
    char name[CERTIFICATE_KEY_NAME_SIZE];
    struct certificate_list_item *item = &items[list.count];
    *item = (struct certificate_list_item){.certificate.type = type};
    memset(item->certificate.key_id, key, sizeof item->certificate.key_id);
    assert_ok(certificate_key_name(name, &list, &item->certificate, store, err));
    struct store_change put = {
        .kind = STORE_KEY, .key = name, .value = slice_from_text("sealed"), .expected = STORE_ANY};
    assert_ok(store_commit(store, &put, 1, NULL, err));
    list.count++;
}

/* The last one of a type. */
static void remove_one(enum keyprotection_certificate_type type)
{
    struct store_change changes[CERTIFICATE_KEY_REMOVALS];
    struct certificate_key_names names;
    size_t count = 0, at = list.count;
    while (items[--at].certificate.type != type)
        assert_true(at > 0);
    assert_ok(certificate_key_removals(changes, &count, &names, &list, &items[at], store, err));
    if (count > 0)
        assert_ok(store_commit(store, changes, count, NULL, err));
    memmove(&items[at], &items[at + 1], (--list.count - at) * sizeof items[0]);
}

static bool append_name(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    char *text = context;
    size_t size = strlen(record->key);
    snprintf(text + strlen(text), 256 - strlen(text), "%s%.2s%s", *text != '\0' ? " " : "",
             record->key, record->key + (size > 64 ? 64 : size));
    return true;
}

/* "ab ab/signing cd": the names, with the first two digits of key ids. */
static const char *stored(void)
{
    static char text[256];
    text[0] = '\0';
    assert_ok(store_list(store, STORE_KEY, NULL, 0, append_name, text, NULL, err));
    return text;
}

static void one_key_of_one_type(void **state)
{
    (void)state;
    add(SIGNING, 0xab);
    add(ENCRYPTION, 0xcd);
    assert_string_equal(stored(), "ab cd");
    add(SIGNING, 0xab); /* a certificate renewed for the same key */
    assert_string_equal(stored(), "ab cd");
    remove_one(SIGNING);
    assert_string_equal(stored(), "ab cd");
    remove_one(SIGNING);
    assert_string_equal(stored(), "cd");
    remove_one(ENCRYPTION);
    assert_string_equal(stored(), "");
}

static void one_key_of_several_types(void **state)
{
    (void)state;
    add(SIGNING, 0xab);
    add(ENCRYPTION, 0xab);
    assert_string_equal(stored(), "ab ab/encryption");
    add(COMMUNICATIONS, 0xab);
    assert_string_equal(stored(), "ab ab/communications ab/encryption");
    add(SIGNING, 0xab);
    add(ENCRYPTION, 0xab);
    assert_string_equal(stored(), "ab ab/communications ab/encryption");
    remove_one(ENCRYPTION);
    assert_string_equal(stored(), "ab ab/communications ab/encryption");
    remove_one(SIGNING);
    remove_one(SIGNING); /* the plain one was its */
    assert_string_equal(stored(), "ab/communications ab/encryption");
    add(SIGNING, 0xab);
    assert_string_equal(stored(), "ab/communications ab/encryption ab/signing");
    remove_one(COMMUNICATIONS);
    remove_one(SIGNING);
    assert_string_equal(stored(), "ab/encryption");
    remove_one(ENCRYPTION);
    assert_string_equal(stored(), "");
}

static void keys_elsewhere_are_not_stored(void **state)
{
    (void)state;
    add(SIGNING, 0xab);
    add(ENCRYPTION, 0xcd);
    items[0].certificate.key_source = KEYPROTECTION_KEY_FILE;
    assert_false(certificate_key_is_used(&list, items[0].certificate.key_id, NULL, NULL));
    remove_one(SIGNING);
    assert_string_equal(stored(), "ab cd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_key_of_one_type, open_store, close_store),
        cmocka_unit_test_setup_teardown(one_key_of_several_types, open_store, close_store),
        cmocka_unit_test_setup_teardown(keys_elsewhere_are_not_stored, open_store, close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
