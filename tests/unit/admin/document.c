/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/document.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../folder.h"
#include "base/file.h"

static void put(struct store *store, enum store_kind kind, const char *key, const char *value)
{
    struct error err = {0};
    struct store_change change = {
        .kind = kind, .key = key, .value = slice_from_text(value), .expected = STORE_ABSENT};
    assert_true(store_commit(store, &change, 1, NULL, &err));
}

static int document_of(const char *text, size_t size)
{
    struct error err = {0};
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(file_write_fd(fd, slice_of(text, size), "document", &err));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void holds_what_the_store_has(void **state)
{
    (void)state;
    char folder[FOLDER_SIZE];
    struct store *store = NULL;
    struct document document;
    struct error err = {0};
    size_t records = 0, keys = 0;
    folder_make(folder);
    assert_true(store_open_sqlite(&store, folder_at(folder, "store.db"), &err));
    put(store, STORE_KEY, "aa11", "sealed");
    put(store, STORE_HOST, "n1", "{\"name\":\"n1\"}");
    put(store, STORE_SETTING, "service", "{\"name\":\"s\",\"mode\":\"tpm\"}");
    put(store, STORE_NODE, "stays", "{}");
    int fd = document_of("", 0);
    assert_true(document_write(fd, store, &records, &keys, &err));
    assert_int_equal(keys, 1);
    assert_int_equal(records, 2);
    lseek(fd, 0, SEEK_SET);
    assert_true(document_read(&document, fd, &err));
    assert_int_equal(document.count, 3);
    assert_int_equal(document.items[0].kind, STORE_KEY);
    assert_string_equal(document.items[0].key, "aa11");
    assert_true(slice_equals_text(document.items[0].value, "sealed"));
    assert_true(document_set_mode(&document, "hostkey", &err));
    assert_true(
        slice_equals_text(document.items[1].value, "{\"name\":\"s\",\"mode\":\"hostkey\"}"));
    assert_true(slice_equals_text(document.items[2].value, "{\"name\":\"n1\"}"));
    document_done(&document);
    close(fd);
    store_close(&store);
    folder_remove(folder);
}

static const char whole[] = "\1\0\0\0\6\0\0\0sealed{\"version\":1,\"keys\":[\"aa11\"]}\n"
                            "{\"kind\":3,\"key\":\"n1\",\"value\":\"e30=\"}\n";

static void reads_its_sample(void **state)
{
    (void)state;
    struct document document;
    struct error err = {0};
    int fd = document_of(whole, sizeof whole - 1);
    assert_true(document_read(&document, fd, &err));
    assert_int_equal(document.count, 2);
    document_done(&document);
    close(fd);
}

/* Cut behind a whole line it is a shorter document; the backup's own encryption finds that.
 * Elsewhere it is refused. */
static void refuses_a_document_cut_within_a_line(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        struct document document;
        struct error err = {0};
        int fd = document_of(whole, size);
        bool line_end = size > 0 && whole[size - 1] == '\n';
        assert_int_equal(document_read(&document, fd, &err), line_end);
        document_done(&document);
        close(fd);
    }
}

static void refuse(const char *text, size_t size, const char *code)
{
    struct document document;
    struct error err = {0};
    int fd = document_of(text, size);
    assert_false(document_read(&document, fd, &err));
    assert_string_equal(err.code->name, code);
    document_done(&document);
    close(fd);
}
#define REFUSE(text, code) refuse(text, sizeof(text) - 1, code)

static void refuses_what_it_does_not_know(void **state)
{
    (void)state;
    REFUSE("\0\0\0\0{\"version\":2,\"keys\":[]}\n", "backup.newer");
    REFUSE("\0\0\0\0{\"version\":1,\"keys\":[\"aa\"]}\n", "backup.malformed");
    REFUSE("\1\0\0\0\0\0\0\0{\"version\":1,\"keys\":[]}\n", "backup.malformed");
    REFUSE("\377\377\377\377", "backup.malformed");
    REFUSE("\0\0\0\0{\"version\":1,\"keys\":[]}\n{\"kind\":7,\"key\":\"k\",\"value\":\"\"}\n",
           "backup.malformed");
    REFUSE("\0\0\0\0{\"version\":1,\"keys\":[]}\n{\"kind\":2,\"key\":\"n\",\"value\":\"\"}\n",
           "backup.malformed");
    REFUSE("\0\0\0\0{\"version\":1,\"keys\":[]}\nnonsense\n", "base.json-malformed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_the_store_has),
        cmocka_unit_test(reads_its_sample),
        cmocka_unit_test(refuses_a_document_cut_within_a_line),
        cmocka_unit_test(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
