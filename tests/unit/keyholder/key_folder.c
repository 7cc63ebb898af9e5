/* SPDX-License-Identifier: Apache-2.0 */
/* Files as the openssl command makes them, found by what they hold, whatever they are called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "base/buf.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "keyholder/key_folder.h"

static char workshop[FOLDER_SIZE], path[64];
static struct certificate *certificate;
static uint8_t sha1[20], sha256[32];

static void shell(const char *command)
{
    char line[2000];
    snprintf(line, sizeof line, "cd %s && umask 077 && { %s; } >../$(basename %s).log 2>&1",
             workshop, command, workshop);
    if (system(line) != 0)
        fail_msg("failed: %s (see %s.log)", command, workshop);
}

static int make_files(void **state)
{
    (void)state;
    folder_make(workshop);
    chmod(workshop, 0755);
    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout one.key -out one.pem -subj /CN=one "
          "-days 30");
    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout two.key -out two.pem -subj /CN=two "
          "-days 30");
    shell("openssl x509 -in one.pem -outform der -out one.der");
    shell("openssl rsa -in one.key -aes256 -passout pass:right -out locked.key");
    snprintf(path, sizeof path, "%s/keys", workshop);
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    char name[64];
    snprintf(name, sizeof name, "%s/one.der", workshop);
    assert_ok(file_read(&der, name, err));
    assert_ok(certificate_parse(&certificate, buf_slice(&der), err));
    memcpy(sha1, certificate_facts(certificate)->thumbprint_sha1, sizeof sha1);
    memcpy(sha256, certificate_facts(certificate)->thumbprint, sizeof sha256);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    certificate_free(&certificate);
    char line[100];
    snprintf(line, sizeof line, "rm -r %s %s.log", workshop, workshop);
    return system(line);
}

/* A new folder, filled by a command that runs in the workshop. */
static void fill(const char *command)
{
    char line[1000];
    snprintf(line, sizeof line, "rm -rf keys && mkdir -m 755 keys && { %s; }", command);
    shell(line);
}

static bool find(struct slice thumbprint, struct error *err)
{
    _cleanup_key_folder_place_ struct key_folder_place place = {0};
    struct key_folder folder;
    struct private_key *key = NULL;
    struct certificate *found = NULL;
    key_folder_init(&folder, path);
    bool ok = key_folder_find(&key, &found, &place, &folder, thumbprint, err);
    if (ok) {
        assert_int_equal(access(place.certificate_file, R_OK), 0);
        assert_int_equal(access(place.key_file, R_OK), 0);
        assert_memory_equal(certificate_facts(found)->thumbprint, sha256, 32);
        assert_memory_equal(public_key_digest(private_key_public(key)),
                            public_key_digest(certificate_key(certificate)), 32);
    }
    private_key_free(&key);
    certificate_free(&found);
    key_folder_done(&folder);
    return ok;
}

static bool find_one(struct error *err)
{
    return find(slice_of(sha256, sizeof sha256), err);
}

static void whatever_they_are_called(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "cp one.pem keys/a.crt; cp one.key keys/a.key",
        "cp one.der keys/z; cp one.key keys/b",
        "cat one.key one.pem >keys/both.pem",
        "cat one.pem one.key >keys/both.pem",
        "cat two.pem one.pem >keys/chain.pem; cp one.key keys/k",
        "cp two.pem keys/a.pem; cp two.key keys/a.key; cp one.key keys/b.key; cp one.pem "
        "keys/b.crt",
        "cp one.pem keys/a.pem; cp one.key keys/x; mkdir keys/folder; mkfifo keys/pipe; "
        "head -c 70000 /dev/zero >keys/large; : >keys/empty; echo x >keys/.hidden",
        /* Beside a certificate whose name it shares, but not its own: still there elsewhere. */
        "cp one.pem keys/a.pem; cp two.key keys/a.key; cp one.key keys/b.key",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fill(ways[i]);
        assert_ok(find(slice_of(sha256, sizeof sha256), err));
        assert_ok(find(slice_of(sha1, sizeof sha1), err));
    }
}

static void what_is_not_there_is_missing(void **state)
{
    (void)state;
    static const char *const ways[] = {
        ":",
        "cp one.key keys/a.key",
        "cp two.pem keys/a.pem; cp two.key keys/a.key",
        "cp one.pem keys/a.pem",
        "cp one.pem keys/a.pem; cp two.key keys/b.key",
        "cp one.pem keys/a.pem; cp one.key keys/.a.key",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fill(ways[i]);
        assert_refused(find_one(err), "keyholder.file-missing");
    }
}

static void what_cannot_serve_is_refused(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        {"cp one.pem keys/a.pem; cp two.key keys/a.key", "crypto.key-mismatch"},
        {"cat one.pem two.key >keys/a.pem", "crypto.key-mismatch"},
        {"cp one.pem keys/a.pem; cp locked.key keys/a.key", "keyholder.file-unfit"},
        {"cp one.pem keys/a.pem; install -m 644 one.key keys/a.key", "keyholder.file-exposed"},
        {"cp one.pem keys/a.pem; install -m 602 one.key keys/a.key", "keyholder.file-exposed"},
        {"cp one.pem keys/a.pem; ln -s ../one.key keys/a.key", "keyholder.file-unfit"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fill(ways[i][0]);
        assert_refused(find_one(err), ways[i][1]);
    }
    shell("rm -r keys");
    assert_refused(find_one(err), "keyholder.key-folder");
    struct key_folder none;
    struct private_key *key = NULL;
    struct certificate *found = NULL;
    key_folder_init(&none, NULL);
    assert_refused(key_folder_find(&key, &found, NULL, &none, slice_of(sha256, 32), err),
                   "keyholder.key-folder");
    key_folder_done(&none);
}

/* As a user whom modes bind; what it says goes to *said, which both processes share. */
static void find_as_nobody(struct error *said)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        _exit(find_one(said) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *files;
        const char *code, *object, *says;
    } rows[] = {
        {"install -m 644 one.pem keys/a.pem; install -m 200 one.key keys/a.key",
         "keyholder.file-unreadable", "/keys/a.key", "a.key (mode 0200, owner "},
        {"install -m 644 one.pem keys/a.pem; install -m 200 two.key keys/0; "
         "install -m 200 one.key keys/a.key",
         "keyholder.file-unreadable", "/keys/a.key", "a.key (mode 0200, owner "},
        {"install -m 644 one.pem keys/a.pem; install -m 200 one.key keys/other",
         "keyholder.file-unreadable", "/keys/other", "a.pem, is in no file"},
        {"install -m 200 one.pem keys/a.pem; install -m 200 one.key keys/b.key; "
         "for i in 1 2 3 4; do install -m 0 one.key keys/$i; done",
         "keyholder.file-unreadable", "/keys/1", "2 (mode 0000"},
        {"install -m 644 one.pem keys/a.pem; chmod 311 keys", "keyholder.key-folder", "/keys",
         "(mode 0311, owner "},
    };
    struct error *said =
        mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(said, MAP_FAILED);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill(rows[i].files);
        find_as_nobody(said);
        assert_string_equal(said->code->name, rows[i].code);
        assert_non_null(strstr(said->object, rows[i].object));
        if (strstr(said->message, rows[i].says) == NULL || strstr(said->message, "user ") == NULL)
            fail_msg("%s: %s", rows[i].files, said->message);
        shell("chmod 755 keys");
    }
    munmap(said, sizeof *said);
}

static void only_so_many_are_looked_at(void **state)
{
    (void)state;
    fill("for i in $(seq 300); do : >keys/m$i; done; cp one.pem keys/a.pem; cp one.key keys/a.key");
    assert_ok(find_one(err));
    shell("mv keys/a.pem keys/z.pem");
    assert_refused(find_one(err), "keyholder.file-missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_they_are_called),
        cmocka_unit_test(what_is_not_there_is_missing),
        cmocka_unit_test(what_cannot_serve_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(only_so_many_are_looked_at),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
