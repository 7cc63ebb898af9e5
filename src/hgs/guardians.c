/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/guardians.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "host/hgs_errors.h"
#include "protector/metadata.h"

#define FILE_MAX ((size_t)64 * 1024)
#define METADATA_FILE "metadata.xml"
/* Beside it when key protectors for this guardian are written with SHA-1; what it says is for
 * people. */
#define SHA1_FILE "only-sha1"
#define SHA1_TEXT \
    "The HSM of this service opens key protectors written with OAEP over SHA-1 alone.\n"

/* What a guardian's folder may hold; removing one touches nothing else. */
static const char *const files[] = {"signing.pem",    "encryption.pem", "signing.key",
                                    "encryption.key", METADATA_FILE,    SHA1_FILE};

static char *chosen_folder(const struct option_values *values)
{
    const char *option = option_text(values, "guardians");
    const char *variable = getenv("HGS_GUARDIANS");
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (option != NULL)
        return memory_copy_text(option);
    if (variable != NULL && variable[0] != '\0')
        return memory_copy_text(variable);
    /* The base directory specification: a relative path is to be ignored. */
    if (config != NULL && config[0] == '/')
        return memory_format("%s/hgs/guardians", config);
    if (home != NULL && home[0] == '/')
        return memory_format("%s/.config/hgs/guardians", home);
    return NULL;
}

static bool check_folder(const char *path, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be examined");
    if ((status.st_mode & 077) == 0)
        return true;
    return error_set(err, &base_file_mode, NULL, path,
                     "holds private keys, but its mode is %04o and should be 0700",
                     (unsigned)status.st_mode & 07777);
}

bool guardians_folder(char **out, const struct option_values *values, struct error *err)
{
    _cleanup_free_ char *folder = chosen_folder(values);
    if (folder == NULL)
        return error_set(err, &hgs_no_home, NULL, NULL, "no variable says where it is");
    if (!file_make_folder(folder, 0700, err) || !check_folder(folder, err))
        return false;
    *out = memory_steal(&folder);
    return true;
}

static char *path_of(const char *folder, const char *name, const char *file)
{
    return memory_format("%s/%s/%s", folder, name, file);
}

static bool load_certificate(struct certificate **out, const char *folder, const char *name,
                             const char *file, struct error *err)
{
    _cleanup_free_ char *path = path_of(folder, name, file);
    struct buf bytes;
    buf_init(&bytes, FILE_MAX);
    bool good =
        file_read(&bytes, path, err) &&
        (certificate_parse_file(out, buf_slice(&bytes), err) || error_name_object(err, path));
    buf_done(&bytes);
    return good;
}

static bool load_key(struct private_key **out, const struct certificate *certificate,
                     const char *folder, const char *name, const char *file, struct error *err)
{
    _cleanup_free_ char *path = path_of(folder, name, file);
    struct buf bytes;
    buf_init_secret(&bytes, FILE_MAX);
    bool good = file_read_private(&bytes, path, err) &&
                (private_key_parse_pem(out, buf_slice(&bytes), SLICE_EMPTY, err) ||
                 error_name_object(err, path));
    buf_done(&bytes);
    if (good && !slice_equal(public_key_spki(private_key_public(*out)),
                             public_key_spki(certificate_key(certificate))))
        return error_set(err, &hgs_guardian_damaged, NULL, path,
                         "the key does not belong to the certificate beside it");
    return good;
}

static bool load_own(struct guardian *out, const char *folder, const char *name, struct error *err)
{
    return load_certificate(&out->signing, folder, name, "signing.pem", err) &&
           load_certificate(&out->encryption, folder, name, "encryption.pem", err) &&
           load_key(&out->signing_key, out->signing, folder, name, "signing.key", err) &&
           load_key(&out->encryption_key, out->encryption, folder, name, "encryption.key", err);
}

static bool load_metadata(struct buf *out, const char *folder, const char *name, struct error *err)
{
    _cleanup_free_ char *path = path_of(folder, name, METADATA_FILE);
    buf_init(out, METADATA_SIZE_MAX);
    return file_read(out, path, err);
}

static bool has_file(const char *folder, const char *name, const char *file)
{
    _cleanup_free_ char *path = path_of(folder, name, file);
    return access(path, F_OK) == 0;
}

static bool load_imported(struct guardian *out, const char *folder, const char *name,
                          struct error *err)
{
    /* Trust and validity were decided when it was imported. */
    struct metadata_checks checks = {.allow_untrusted_root = true, .allow_expired = true};
    struct buf metadata;
    bool good =
        load_metadata(&metadata, folder, name, err) &&
        (metadata_parse(out, buf_slice(&metadata), &checks, err) || error_name_object(err, name));
    out->only_sha1 = good && has_file(folder, name, SHA1_FILE);
    buf_done(&metadata);
    return good;
}

static bool exists(const char *folder, const char *name)
{
    return has_file(folder, name, ".");
}

bool guardians_load(struct guardian *out, const char *folder, const char *name, struct error *err)
{
    if (!option_check_name(name, "guardian", err))
        return false;
    if (!exists(folder, name))
        return error_set(err, &hgs_guardian_unknown, NULL, name, "it is not in %s", folder);
    struct guardian guardian = {0};
    bool good = has_file(folder, name, METADATA_FILE) ? load_imported(&guardian, folder, name, err)
                                                      : load_own(&guardian, folder, name, err);
    if (good)
        *out = guardian;
    else
        guardian_done(&guardian);
    return good;
}

bool guardians_is_own(const struct guardian *guardian)
{
    return guardian->signing_key != NULL && guardian->encryption_key != NULL;
}

bool guardians_load_own(struct guardian *out, const char *folder, const char *name,
                        struct error *err)
{
    struct guardian guardian = {0};
    if (!guardians_load(&guardian, folder, name, err))
        return false;
    if (guardians_is_own(&guardian)) {
        *out = guardian;
        return true;
    }
    guardian_done(&guardian);
    return error_set(err, &hgs_guardian_foreign, NULL, name, "it was imported");
}

static bool save_certificate(const char *place, const char *file,
                             const struct certificate *certificate, struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/%s", place, file);
    struct buf pem;
    buf_init(&pem, FILE_MAX);
    certificate_format_pem(&pem, certificate);
    bool good = file_create(path, buf_slice(&pem), 0644, err);
    buf_done(&pem);
    return good;
}

static bool save_key(const char *place, const char *file, const struct private_key *key,
                     struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/%s", place, file);
    struct buf pem;
    buf_init_secret(&pem, FILE_MAX);
    private_key_format_pem(&pem, key);
    bool good = file_create(path, buf_slice(&pem), 0600, err);
    buf_done(&pem);
    return good;
}

static bool fill_imported(const char *place, const struct guardian *guardian, struct slice metadata,
                          struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/%s", place, METADATA_FILE);
    _cleanup_free_ char *sha1 = memory_format("%s/%s", place, SHA1_FILE);
    return file_create(path, metadata, 0644, err) &&
           (!guardian->only_sha1 || file_create(sha1, slice_from_text(SHA1_TEXT), 0644, err));
}

/* metadata: empty for one of our own. */
static bool fill(const char *place, const struct guardian *guardian, struct slice metadata,
                 struct error *err)
{
    if (metadata.size > 0)
        return fill_imported(place, guardian, metadata, err);
    return save_certificate(place, "signing.pem", guardian->signing, err) &&
           save_certificate(place, "encryption.pem", guardian->encryption, err) &&
           save_key(place, "signing.key", guardian->signing_key, err) &&
           save_key(place, "encryption.key", guardian->encryption_key, err);
}

static bool empty_folder(const char *place, struct error *err)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        _cleanup_free_ char *path = memory_format("%s/%s", place, files[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return error_set_errno(err, &base_file_unwritable, errno, path, "cannot be removed");
    }
    if (rmdir(place) != 0)
        return error_set_errno(err, &base_file_unwritable, errno, place, "cannot be removed");
    return true;
}

static bool sync_folder(const char *folder, struct error *err)
{
    _cleanup_fd_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_set_errno(err, &base_file_unwritable, errno, folder, "cannot be flushed");
    return true;
}

bool guardians_check_save(const char *folder, const char *name, bool imported, bool replace,
                          struct error *err)
{
    if (!option_check_name(name, "guardian", err))
        return false;
    if (!exists(folder, name))
        return true;
    if (!imported || !replace)
        return error_set(err, &hgs_guardian_exists, NULL, name, "it is in %s", folder);
    return has_file(folder, name, METADATA_FILE) ||
           error_set(err, &hgs_guardian_exists, NULL, name,
                     "it is a guardian of your own, which no metadata replaces");
}

bool guardians_check_there(const char *folder, const char *name, struct error *err)
{
    return option_check_name(name, "guardian", err) &&
           (exists(folder, name) ||
            error_set(err, &hgs_guardian_unknown, NULL, name, "it is not in %s", folder));
}

/* Files go into a folder whose name no guardian can have, which then gets its name. */
static bool save(const char *folder, const char *name, const struct guardian *guardian,
                 struct slice metadata, struct error *err)
{
    if (!guardians_check_save(folder, name, false, false, err))
        return false;
    _cleanup_free_ char *place = memory_format("%s/.new-XXXXXX", folder);
    if (mkdtemp(place) == NULL)
        return error_set_errno(err, &base_file_unwritable, errno, folder, "cannot be written to");
    _cleanup_free_ char *final = memory_format("%s/%s", folder, name);
    if (!fill(place, guardian, metadata, err)) {
        empty_folder(place, NULL);
        return false;
    }
    /* An existing guardian's folder is not empty, so rename refuses to replace it. */
    if (rename(place, final) != 0) {
        int number = errno;
        empty_folder(place, NULL);
        return error_set_errno(err, &base_file_unwritable, number, final, "cannot be made");
    }
    return sync_folder(folder, err);
}

bool guardians_save_own(const char *folder, const char *name, const struct guardian *guardian,
                        struct error *err)
{
    return save(folder, name, guardian, SLICE_EMPTY, err);
}

/* What a guardian that is imported again is marked as. */
static bool mark_sha1(const char *folder, const char *name, bool only_sha1, struct error *err)
{
    _cleanup_free_ char *path = path_of(folder, name, SHA1_FILE);
    if (only_sha1)
        return file_replace(path, slice_from_text(SHA1_TEXT), 0644, err);
    return unlink(path) == 0 || errno == ENOENT ||
           error_set_errno(err, &base_file_unwritable, errno, path, "cannot be removed");
}

bool guardians_save_imported(const char *folder, const char *name, const struct guardian *guardian,
                             struct slice metadata, bool replace, struct error *err)
{
    if (!guardians_check_save(folder, name, true, replace, err))
        return false;
    if (!exists(folder, name))
        return save(folder, name, guardian, metadata, err);
    _cleanup_free_ char *path = path_of(folder, name, METADATA_FILE);
    return mark_sha1(folder, name, guardian->only_sha1, err) &&
           file_replace(path, metadata, 0644, err);
}

bool guardians_remove(const char *folder, const char *name, struct error *err)
{
    if (!guardians_check_there(folder, name, err))
        return false;
    _cleanup_free_ char *place = memory_format("%s/%s", folder, name);
    return empty_folder(place, err) && sync_folder(folder, err);
}

static bool export_own(struct buf *out, const struct guardian *guardian, struct error *err)
{
    struct metadata_content content = {.signing = guardian->signing,
                                       .encryption = guardian->encryption};
    struct signer signer = signer_of_key(guardian->signing_key);
    return metadata_format(out, &content, &signer, &signer, err);
}

bool guardians_export(struct buf *out, const char *folder, const char *name, struct error *err)
{
    _cleanup_guardian_ struct guardian guardian = {0};
    if (!guardians_load(&guardian, folder, name, err))
        return false;
    if (guardians_is_own(&guardian))
        return export_own(out, &guardian, err);
    struct buf metadata;
    bool good = load_metadata(&metadata, folder, name, err);
    if (good)
        buf_append(out, buf_slice(&metadata));
    buf_done(&metadata);
    return good && buf_ok(out, name, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void guardians_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

bool guardians_names(char ***out, size_t *count, const char *folder, struct error *err)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return error_set_errno(err, &base_file_unreadable, errno, folder, "cannot be read");
    char **names = NULL;
    *count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (!option_check_name(entry->d_name, "guardian", NULL))
            continue;
        names = memory_resize(names, *count + 1, sizeof names[0]);
        names[(*count)++] = memory_copy_text(entry->d_name);
    }
    closedir(directory);
    if (names != NULL)
        qsort(names, *count, sizeof names[0], compare_names);
    *out = names;
    return true;
}

static bool owns(const struct guardian *guardian, const struct protector *protector)
{
    const struct protector_wrapping *owner = protector_owner(protector);
    return owner != NULL && guardians_is_own(guardian) &&
           slice_equal(certificate_der(owner->signing_certificate),
                       certificate_der(guardian->signing));
}

static bool search_owner(struct guardian *out, const char *folder,
                         const struct protector *protector, struct error *err)
{
    char **names;
    size_t count;
    if (!guardians_names(&names, &count, folder, err))
        return false;
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        struct guardian guardian = {0};
        if (!guardians_load(&guardian, folder, names[i], NULL))
            continue;
        found = owns(&guardian, protector);
        if (found)
            *out = guardian;
        else
            guardian_done(&guardian);
    }
    guardians_names_free(names, count);
    const struct protector_wrapping *owner = protector_owner(protector);
    return found ||
           error_set(err, &hgs_owner_unknown, NULL,
                     owner != NULL ? certificate_facts(owner->signing_certificate)->subject_text
                                   : NULL,
                     "no guardian in %s has its private keys", folder);
}

bool guardians_find_owner(struct guardian *out, const char *folder, const char *name,
                          const struct protector *protector, struct error *err)
{
    if (name == NULL)
        return search_owner(out, folder, protector, err);
    struct guardian guardian = {0};
    if (!guardians_load_own(&guardian, folder, name, err))
        return false;
    if (owns(&guardian, protector)) {
        *out = guardian;
        return true;
    }
    guardian_done(&guardian);
    return error_set(err, &hgs_owner_unknown, NULL, name, "it is not the owner's guardian");
}
