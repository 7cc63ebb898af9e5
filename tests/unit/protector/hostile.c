/* SPDX-License-Identifier: Apache-2.0 */
/* Each document of tests/vectors/hostile is refused with the code that its name begins with. */
#include "fixture.h"

#include "base/file.h"

#include <dirent.h>

#define DOCUMENTS_LEAST 20

/* What a service does before any key is touched. */
static bool judge(struct slice document, struct error *err)
{
    _cleanup_protector_ struct protector *protector = NULL;
    return protector_parse(&protector, document, NULL, err) && protector_verify(protector, err);
}

static void check_document(const char *folder, const char *name)
{
    struct error refusal = {0};
    _cleanup_buf_ struct buf document;
    _cleanup_free_ char *path = memory_format("%s/%s", folder, name);
    _cleanup_free_ char *expected = memory_copy_text(name);
    expected[strcspn(expected, "_")] = '\0';
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_ok(file_read(&document, path, err));
    bool good = judge(buf_slice(&document), &refusal);
    if (strcmp(good ? "good" : refusal.code->name, expected) != 0)
        fail_msg("%s: %s (%s)", name, good ? "accepted" : refusal.code->name, refusal.message);
}

static void attacks_are_refused(void **state)
{
    (void)state;
    size_t count = 0;
    _cleanup_free_ char *folder = memory_format("%s/hostile", getenv("HGS_VECTORS"));
    DIR *files = opendir(folder);
    assert_non_null(files);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        check_document(folder, entry->d_name);
        count++;
    }
    closedir(files);
    assert_true(count > DOCUMENTS_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attacks_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
