/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/key_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "crypto/errors.h"
#include "crypto/pem.h"
#include "keyholder/errors.h"
#include "keyholder/stream.h"

#define NAMED_MAX 3 /* files that one message names */

/* One search. */
struct search {
    const struct key_folder *folder;
    struct slice thumbprint;
    char shown[65]; /* the thumbprint in hexadecimal digits */
    DIR *entries;
    int fd; /* of entries */
    char *names[KEY_FOLDER_FILES_MAX];
    size_t count;
    char *closed; /* the first file that cannot be read; NULL: none */
    bool is_link; /* that one: it is not followed, whoever may read it */
    char *story;  /* all of them, in words */
    size_t closed_count;
};

void key_folder_init(struct key_folder *folder, const char *path)
{
    folder->path = path != NULL ? memory_copy_text(path) : NULL;
    /* cppcheck-suppress getpwuidCalled ; before there are threads */
    const struct passwd *entry = getpwuid(geteuid());
    if (entry != NULL)
        snprintf(folder->user, sizeof folder->user, "%s", entry->pw_name);
    else
        snprintf(folder->user, sizeof folder->user, "%u", (unsigned)geteuid());
}

void key_folder_done(struct key_folder *folder)
{
    free(folder->path);
    folder->path = NULL;
}

static void search_done(struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        free(search->names[i]);
    free(search->closed);
    free(search->story);
    if (search->entries != NULL)
        closedir(search->entries);
}
#define _cleanup_search_ __attribute__((cleanup(search_done)))

static char *path_of(const struct search *search, const char *name)
{
    return memory_format("%s/%s", search->folder->path, name);
}

/* "mode 0600, owner 0:0": who may read it. */
static char *describe(const struct stat *status)
{
    return memory_format("mode %04o, owner %u:%u", (unsigned)(status->st_mode & 07777),
                         (unsigned)status->st_uid, (unsigned)status->st_gid);
}

static bool refuse_folder(const struct search *search, int number, struct error *err)
{
    struct stat status;
    const struct key_folder *folder = search->folder;
    /* With this flag the sandbox of a keyholder lets it be asked (process/sandbox_keyholder.c). */
    if (number != EACCES || fstatat(AT_FDCWD, folder->path, &status, AT_EMPTY_PATH) != 0)
        return error_set_errno(err, &keyholder_key_folder, number, folder->path,
                               "user %s cannot open the folder for certificate %s", folder->user,
                               search->shown);
    _cleanup_free_ char *mode = describe(&status);
    return error_set(err, &keyholder_key_folder, NULL, folder->path,
                     "user %s cannot open the folder (%s) for certificate %s", folder->user, mode,
                     search->shown);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keeps the first names in alphabetical order. */
static void add_name(struct search *search, const char *name)
{
    if (search->count < KEY_FOLDER_FILES_MAX) {
        search->names[search->count++] = memory_copy_text(name);
        return;
    }
    size_t last = 0;
    for (size_t i = 1; i < search->count; i++)
        if (strcmp(search->names[i], search->names[last]) > 0)
            last = i;
    if (strcmp(name, search->names[last]) >= 0)
        return;
    free(search->names[last]);
    search->names[last] = memory_copy_text(name);
}

static bool list(struct search *search, struct error *err)
{
    const struct key_folder *folder = search->folder;
    if (folder->path == NULL)
        return error_set(err, &keyholder_key_folder, "hgsd.conf(5)", "key-folder",
                         "no folder is named for certificate %s", search->shown);
    search->entries = opendir(folder->path);
    if (search->entries == NULL)
        return refuse_folder(search, errno, err);
    search->fd = dirfd(search->entries);
    const struct dirent *entry;
    while ((entry = readdir(search->entries)) != NULL)
        if (entry->d_name[0] != '.')
            add_name(search, entry->d_name);
    qsort(search->names, search->count, sizeof search->names[0], compare_names);
    return true;
}

static void remember_closed(struct search *search, const char *name, int number)
{
    struct stat status = {0};
    _cleanup_free_ char *before = memory_steal(&search->story);
    _cleanup_free_ char *mode = NULL;
    if (number == ELOOP)
        mode = memory_copy_text("a link, which is not followed");
    else if (fstatat(search->fd, name, &status, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
        mode = describe(&status);
    if (mode == NULL)
        mode = memory_copy_text(strerror(number));
    if (search->closed == NULL) {
        search->closed = path_of(search, name);
        search->is_link = number == ELOOP;
    }
    if (search->closed_count++ < NAMED_MAX)
        search->story = memory_format("%s%s%s (%s)", before != NULL ? before : "",
                                      before != NULL ? ", " : "", name, mode);
    else
        search->story = memory_steal(&before);
}

static const struct error_code *closed_code(const struct search *search)
{
    return search->is_link ? &keyholder_file_unfit : &keyholder_file_unreadable;
}

/* What a file holds. False when it cannot be read, which is remembered when `remember`. Folders,
 * devices and large files are as good as empty. */
static bool read_name(struct buf *out, struct stat *status, struct search *search, const char *name,
                      bool remember)
{
    _cleanup_fd_ int fd =
        openat(search->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int number = errno;
    if (fd >= 0 && fstat(fd, status) == 0 &&
        (!S_ISREG(status->st_mode) || status->st_size > KEY_FOLDER_FILE_SIZE_MAX))
        return true;
    if (fd >= 0 && stream_read_all(out, fd, name, NULL))
        return true;
    if (remember)
        remember_closed(search, name, number);
    buf_reset(out);
    return false;
}

static bool is_wanted(const struct search *search, struct slice der)
{
    struct digest digest;
    digest_compute(&digest, search->thumbprint.size == 20 ? DIGEST_SHA1 : DIGEST_SHA256, der);
    return slice_equal(digest_slice(&digest), search->thumbprint);
}

/* Appends the certificate to der, when the file has it. */
static bool find_in_file(struct buf *der, const struct search *search, struct slice file)
{
    struct pem_block block;
    if (file.size == 0)
        return false;
    if (!pem_is(file)) {
        if (is_wanted(search, file))
            buf_append(der, file);
        return der->size > 0;
    }
    while (der->size == 0 && pem_next(&block, &file)) {
        if (slice_equals_text(block.label, "CERTIFICATE") && pem_decode(der, block.body) &&
            !is_wanted(search, buf_slice(der)))
            buf_reset(der);
    }
    return der->size > 0;
}

/* *name: the file that has it. */
static bool find_certificate(struct certificate **out, const char **name, struct search *search,
                             struct error *err)
{
    struct stat status;
    _cleanup_buf_ struct buf der, file;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init_secret(&file, KEY_FOLDER_FILE_SIZE_MAX);
    for (size_t i = 0; i < search->count; i++) {
        buf_reset(&file);
        if (!read_name(&file, &status, search, search->names[i], true) ||
            !find_in_file(&der, search, buf_slice(&file)))
            continue;
        *name = search->names[i];
        return certificate_parse(out, buf_slice(&der), err);
    }
    if (search->closed != NULL)
        return error_set(err, closed_code(search), NULL, search->closed,
                         "certificate %s is in no file that user %s can read; what it cannot: %s",
                         search->shown, search->folder->user, search->story);
    return error_set(err, &keyholder_file_missing, NULL, search->folder->path,
                     "certificate %s is in none of its files (%zu)", search->shown, search->count);
}

/* The certificate's own name, or what it is with ".key" at its end. */
static bool is_beside(const char *name, const char *certificate_name)
{
    const char *dot = strrchr(certificate_name, '.');
    size_t stem = dot != NULL ? (size_t)(dot - certificate_name) : strlen(certificate_name);
    return strcmp(name, certificate_name) == 0 ||
           (strncmp(name, certificate_name, stem) == 0 && strcmp(name + stem, ".key") == 0);
}

static bool check_closed_to_others(const struct search *search, const char *name,
                                   const struct stat *status, struct error *err)
{
    if ((status->st_mode & 0007) == 0)
        return true;
    _cleanup_free_ char *path = path_of(search, name);
    _cleanup_free_ char *mode = describe(status);
    return error_set(err, &keyholder_file_exposed, NULL, path,
                     "the private key of certificate %s is open to everybody (%s)", search->shown,
                     mode);
}

/* What one file says about the wanted key. */
enum finding { NOTHING, FOUND, REFUSED };

/* beside: a key that is another, or does not open, is worth an error; elsewhere it is somebody
 * else's. */
static enum finding look_for_key(struct private_key **out, const struct search *search,
                                 const char *name, struct slice file,
                                 const struct public_key *wanted, bool beside, struct error *err)
{
    struct error why = {0};
    _cleanup_private_key_ struct private_key *key = NULL;
    _cleanup_free_ char *path = path_of(search, name);
    if (file.size == 0 || memmem(file.data, file.size, "PRIVATE KEY-----", 16) == NULL)
        return NOTHING;
    bool opens = private_key_parse_pem(&key, file, SLICE_EMPTY, &why);
    if (opens && memcmp(public_key_digest(private_key_public(key)), public_key_digest(wanted),
                        DIGEST_SHA256_SIZE) == 0) {
        *out = memory_steal(&key);
        return FOUND;
    }
    if (!beside)
        return NOTHING;
    if (opens)
        error_set(err, &crypto_key_mismatch, NULL, path,
                  "the private key is not the one of certificate %s beside it", search->shown);
    else
        error_set(err, &keyholder_file_unfit, NULL, path,
                  "the private key of certificate %s cannot be had from it: %s", search->shown,
                  why.message);
    return REFUSED;
}

/* One of the names, by its place among them. */
static enum finding try_name(struct private_key **out, struct search *search, size_t index,
                             const struct public_key *wanted, bool beside, struct error *err)
{
    struct stat status;
    const char *name = search->names[index];
    _cleanup_buf_ struct buf file;
    buf_init_secret(&file, KEY_FOLDER_FILE_SIZE_MAX);
    if (!read_name(&file, &status, search, name, false))
        return NOTHING;
    enum finding finding = look_for_key(out, search, name, buf_slice(&file), wanted, beside, err);
    if (finding == FOUND && !check_closed_to_others(search, name, &status, err)) {
        private_key_free(out);
        return REFUSED;
    }
    return finding;
}

/* No file has the key: says which of them could not be read, those beside the certificate first. */
static bool refuse_unreadable(struct search *search, const char *certificate_name,
                              struct error *err)
{
    struct stat status;
    _cleanup_buf_ struct buf file;
    buf_init_secret(&file, KEY_FOLDER_FILE_SIZE_MAX);
    free(memory_steal(&search->closed));
    free(memory_steal(&search->story));
    search->closed_count = 0;
    for (int beside = 1; beside >= 0 && search->closed == NULL; beside--)
        for (size_t i = 0; i < search->count; i++)
            if (is_beside(search->names[i], certificate_name) == (beside == 1)) {
                read_name(&file, &status, search, search->names[i], true);
                buf_reset(&file);
            }
    if (search->closed == NULL)
        return error_set(err, &keyholder_file_missing, NULL, search->folder->path,
                         "the private key of certificate %s, which is in %s, is in none of its "
                         "files (%zu)",
                         search->shown, certificate_name, search->count);
    return error_set(err, closed_code(search), NULL, search->closed,
                     "the private key of certificate %s, which is in %s, is in no file that user "
                     "%s can read; what it cannot: %s",
                     search->shown, certificate_name, search->folder->user, search->story);
}

/* *name: the file that has it. */
static bool find_key(struct private_key **out, const char **name, struct search *search,
                     const char *certificate_name, const struct public_key *wanted,
                     struct error *err)
{
    struct error why = {0};
    bool refused = false;
    for (int beside = 1; beside >= 0; beside--) {
        for (size_t i = 0; i < search->count; i++) {
            if (is_beside(search->names[i], certificate_name) != (beside == 1))
                continue;
            struct error one = {0};
            enum finding finding = try_name(out, search, i, wanted, beside == 1, &one);
            *name = search->names[i];
            if (finding == FOUND)
                return true;
            if (finding == REFUSED && !refused)
                why = one;
            refused = refused || finding == REFUSED;
        }
    }
    if (!refused)
        return refuse_unreadable(search, certificate_name, err);
    if (err != NULL)
        *err = why;
    return false;
}

void key_folder_place_done(struct key_folder_place *place)
{
    free(place->certificate_file);
    free(place->key_file);
    *place = (struct key_folder_place){0};
}

bool key_folder_find(struct private_key **key, struct certificate **certificate,
                     struct key_folder_place *place, const struct key_folder *folder,
                     struct slice thumbprint, struct error *err)
{
    const char *name = NULL, *key_name = NULL;
    _cleanup_certificate_ struct certificate *found = NULL;
    _cleanup_search_ struct search search = {.folder = folder, .thumbprint = thumbprint, .fd = -1};
    hex_format(thumbprint, search.shown);
    if (!list(&search, err) || !find_certificate(&found, &name, &search, err))
        return false;
    if (place != NULL)
        place->certificate_file = path_of(&search, name);
    if (!find_key(key, &key_name, &search, name, certificate_key(found), err))
        return false;
    if (place != NULL)
        place->key_file = path_of(&search, key_name);
    *certificate = memory_steal(&found);
    return true;
}
