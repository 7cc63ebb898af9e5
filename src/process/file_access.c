/* SPDX-License-Identifier: Apache-2.0 */
#include "process/file_access.h"

#include <acl/libacl.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "process/errors.h"

#define ALL_RIGHTS 7u
#define GROUPS_MAX 65536
/* A descriptor's file under a name that needs no way to it. */
#define DESCRIPTOR_PATH_SIZE 32

static void acl_release(acl_t *acl)
{
    if (*acl != NULL)
        acl_free(*acl);
}
#define _cleanup_acl_ __attribute__((cleanup(acl_release)))

static bool find_groups(struct file_access_user *user, gid_t primary)
{
    int count = 32;
    for (;;) {
        user->groups = memory_resize(user->groups, (size_t)count, sizeof *user->groups);
        int room = count;
        if (getgrouplist(user->name, primary, user->groups, &count) >= 0) {
            user->group_count = (size_t)count;
            return true;
        }
        if (count <= room || count > GROUPS_MAX)
            return false;
    }
}

bool file_access_user_find(struct file_access_user *out, const char *name, struct error *err)
{
    char *end = NULL;
    *out = (struct file_access_user){0};
    snprintf(out->name, sizeof out->name, "%s", name);
    /* cppcheck-suppress getpwnamCalled ; of a command with one thread */
    const struct passwd *entry = getpwnam(name);
    if (entry != NULL) {
        out->uid = entry->pw_uid;
        return find_groups(out, entry->pw_gid) ||
               error_set(err, &process_user, NULL, name, "its groups cannot be found out");
    }
    unsigned long number = strtoul(name, &end, 10);
    if (*name == '\0' || *end != '\0' || number > UINT_MAX)
        return error_set(err, &process_user, NULL, name, "there is no such user");
    out->uid = (uid_t)number;
    return true;
}

void file_access_user_done(struct file_access_user *user)
{
    free(user->groups);
    user->groups = NULL;
}

void file_access_lacks_done(struct file_access_lacks *lacks)
{
    for (size_t i = 0; i < lacks->count; i++)
        free(lacks->items[i].path);
    free(lacks->items);
    *lacks = (struct file_access_lacks){0};
}

static bool is_in_group(const struct file_access_user *user, gid_t group)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == group)
            return true;
    return false;
}

static unsigned rights_of(acl_entry_t entry)
{
    acl_permset_t set;
    unsigned rights = 0;
    if (acl_get_permset(entry, &set) != 0)
        return 0;
    rights |= acl_get_perm(set, ACL_READ) > 0 ? 4u : 0;
    rights |= acl_get_perm(set, ACL_WRITE) > 0 ? 2u : 0;
    rights |= acl_get_perm(set, ACL_EXECUTE) > 0 ? 1u : 0;
    return rights;
}

static bool set_rights(acl_entry_t entry, unsigned rights)
{
    acl_permset_t set;
    return acl_get_permset(entry, &set) == 0 && acl_clear_perms(set) == 0 &&
           ((rights & 4u) == 0 || acl_add_perm(set, ACL_READ) == 0) &&
           ((rights & 2u) == 0 || acl_add_perm(set, ACL_WRITE) == 0) &&
           ((rights & 1u) == 0 || acl_add_perm(set, ACL_EXECUTE) == 0) &&
           acl_set_permset(entry, set) == 0;
}

/* The user or group that an entry of these two kinds names. */
static id_t named_by(acl_entry_t entry)
{
    id_t *qualifier = acl_get_qualifier(entry);
    id_t id = qualifier != NULL ? *qualifier : (id_t)-1;
    acl_free(qualifier);
    return id;
}

/* An entry that the list's mask holds back. */
static bool is_masked(acl_tag_t tag)
{
    return tag == ACL_USER || tag == ACL_GROUP_OBJ || tag == ACL_GROUP;
}

static unsigned mask_of(acl_t acl)
{
    acl_entry_t entry;
    acl_tag_t tag;
    for (int which = ACL_FIRST_ENTRY; acl_get_entry(acl, which, &entry) == 1;
         which = ACL_NEXT_ENTRY)
        if (acl_get_tag_type(entry, &tag) == 0 && tag == ACL_MASK)
            return rights_of(entry);
    return ALL_RIGHTS;
}

/* What a list says about a user who is not the owner. */
struct say {
    unsigned user, groups, other;
    bool names_user, names_group;
};

static void hear(struct say *say, acl_entry_t entry, const struct stat *status,
                 const struct file_access_user *user)
{
    acl_tag_t tag;
    if (acl_get_tag_type(entry, &tag) != 0)
        return;
    if (tag == ACL_USER && named_by(entry) == user->uid) {
        say->names_user = true;
        say->user = rights_of(entry);
    }
    if ((tag == ACL_GROUP_OBJ && is_in_group(user, status->st_gid)) ||
        (tag == ACL_GROUP && is_in_group(user, named_by(entry)))) {
        say->names_group = true;
        say->groups |= rights_of(entry);
    }
    if (tag == ACL_OTHER)
        say->other = rights_of(entry);
}

/* What the user may do, as the kernel decides it. */
static unsigned rights_of_user(acl_t acl, const struct stat *status,
                               const struct file_access_user *user)
{
    struct say say = {0};
    acl_entry_t entry;
    unsigned mask = mask_of(acl);
    if (user->uid == 0)
        return ALL_RIGHTS;
    if (user->uid == status->st_uid)
        return status->st_mode >> 6 & ALL_RIGHTS;
    for (int which = ACL_FIRST_ENTRY; acl_get_entry(acl, which, &entry) == 1;
         which = ACL_NEXT_ENTRY)
        hear(&say, entry, status, user);
    if (say.names_user)
        return say.user & mask;
    return say.names_group ? say.groups & mask : say.other;
}

/* The list of a file that is open; of one whose file system has none, that of its mode. */
static acl_t read_list(int fd, const struct stat *status)
{
    char path[DESCRIPTOR_PATH_SIZE];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    acl_t acl = acl_get_file(path, ACL_TYPE_ACCESS);
    return acl != NULL || (errno != EOPNOTSUPP && errno != ENOSYS) ? acl
                                                                   : acl_from_mode(status->st_mode);
}

static int open_to_look(const char *path, struct stat *status)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, status) != 0)
        file_close(&fd);
    return fd;
}

static void add_lack(struct file_access_lacks *lacks, const char *path, unsigned rights,
                     const struct stat *status)
{
    for (size_t i = 0; i < lacks->count; i++) {
        if (strcmp(lacks->items[i].path, path) != 0)
            continue;
        lacks->items[i].rights |= rights;
        return;
    }
    lacks->items = memory_resize(lacks->items, lacks->count + 1, sizeof *lacks->items);
    lacks->items[lacks->count++] =
        (struct file_access_lack){memory_copy_text(path), rights, *status};
}

static bool examine_one(struct file_access_lacks *lacks, const char *path, unsigned wanted,
                        const struct file_access_user *user, struct error *err)
{
    struct stat status;
    _cleanup_fd_ int fd = open_to_look(path, &status);
    _cleanup_acl_ acl_t acl = fd >= 0 ? read_list(fd, &status) : NULL;
    if (acl == NULL)
        return error_set_errno(err, &base_file_unreadable, errno, path,
                               "its permissions cannot be seen");
    unsigned lacking = wanted & ~rights_of_user(acl, &status, user);
    if (lacking != 0)
        add_lack(lacks, path, lacking, &status);
    return true;
}

bool file_access_examine(struct file_access_lacks *lacks, const char *path,
                         const struct file_access_user *user, struct error *err)
{
    _cleanup_free_ char *whole = realpath(path, NULL);
    if (whole == NULL)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be found");
    const char *name = strrchr(whole, '/') + 1;
    for (char *slash = whole; slash != NULL; slash = strchr(slash + 1, '/')) {
        bool is_last = slash + 1 == name;
        unsigned wanted = FILE_ACCESS_SEARCH | (is_last ? FILE_ACCESS_READ : 0);
        _cleanup_free_ char *folder =
            memory_format("%.*s", slash == whole ? 1 : (int)(slash - whole), whole);
        if (!examine_one(lacks, folder, wanted, user, err))
            return false;
    }
    return examine_one(lacks, whole, FILE_ACCESS_READ, user, err);
}

/* Entries of the group class become what the mask leaves of them, so that a wider mask gives nobody
 * anything. *own: the user's entry, or NULL. */
static bool settle_masked(acl_t acl, const struct file_access_user *user, acl_entry_t *own)
{
    acl_entry_t entry;
    acl_tag_t tag;
    unsigned mask = mask_of(acl);
    *own = NULL;
    for (int which = ACL_FIRST_ENTRY; acl_get_entry(acl, which, &entry) == 1;
         which = ACL_NEXT_ENTRY) {
        if (acl_get_tag_type(entry, &tag) != 0)
            return false;
        if (is_masked(tag) && !set_rights(entry, rights_of(entry) & mask))
            return false;
        if (tag == ACL_USER && named_by(entry) == user->uid)
            *own = entry;
    }
    return true;
}

static bool add_entry(acl_t *acl, acl_entry_t *own, const struct file_access_user *user)
{
    return acl_create_entry(acl, own) == 0 && acl_set_tag_type(*own, ACL_USER) == 0 &&
           acl_set_qualifier(*own, &user->uid) == 0;
}

/* An entry of its own takes the place of what the user had by its groups or as anybody: that must
 * stay. */
static bool widen(acl_t *acl, const struct stat *status, const struct file_access_user *user,
                  unsigned rights)
{
    acl_entry_t own;
    unsigned had = rights_of_user(*acl, status, user);
    return settle_masked(*acl, user, &own) && (own != NULL || add_entry(acl, &own, user)) &&
           set_rights(own, had | rights) && acl_calc_mask(acl) == 0;
}

static bool refuse(const struct file_access_lack *lack, int number, struct error *err)
{
    if (number == EPERM || number == EACCES)
        return error_set(err, &process_permission, NULL, lack->path,
                         "only root and its owner (%u) may change who reads it",
                         (unsigned)lack->status.st_uid);
    if (number == EOPNOTSUPP)
        return error_set(err, &process_permission, NULL, lack->path,
                         "its file system has no access control lists: give it to a group that "
                         "only this user is in (chgrp GROUP), and let that read it (chmod g+r)");
    return error_set_errno(err, &process_permission, number, lack->path,
                           "its permissions cannot be changed");
}

static bool change(const struct file_access_lack *lack, int fd, const struct file_access_user *user)
{
    char path[DESCRIPTOR_PATH_SIZE];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (user->uid == lack->status.st_uid)
        return chmod(path, (lack->status.st_mode & 07777) | lack->rights << 6) == 0;
    _cleanup_acl_ acl_t acl = acl_get_file(path, ACL_TYPE_ACCESS);
    return acl != NULL && widen(&acl, &lack->status, user, lack->rights) &&
           acl_set_file(path, ACL_TYPE_ACCESS, acl) == 0;
}

bool file_access_grant(const struct file_access_lack *lack, const struct file_access_user *user,
                       struct error *err)
{
    struct stat status;
    _cleanup_fd_ int fd = open_to_look(lack->path, &status);
    if (fd < 0)
        return refuse(lack, errno, err);
    if (status.st_dev != lack->status.st_dev || status.st_ino != lack->status.st_ino ||
        status.st_uid != lack->status.st_uid || status.st_mode != lack->status.st_mode)
        return error_set(err, &process_permission, NULL, lack->path,
                         "it was changed since it was looked at");
    return change(lack, fd, user) || refuse(lack, errno, err);
}
