/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "process/errors.h"

char *folders_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_copy_text(".");
    return memory_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Makes the folder and, for root, gives it to user ("" stays). */
static bool make_for(const char *path, mode_t mode, const char *user, struct error *err)
{
    bool existed = access(path, F_OK) == 0;
    if (!file_make_folder(path, mode, err))
        return false;
    if (existed || geteuid() != 0 || *user == '\0')
        return true;
    /* cppcheck-suppress getpwnamCalled ; the supervisor has no threads */
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        return error_set(err, &process_user, "hgsd.conf(5)", user, "there is no such user");
    /* The folder that was made, and not what its name may lead to by now. */
    _cleanup_fd_ int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, entry->pw_uid, entry->pw_gid) != 0)
        return error_set_errno(err, &hgsd_state, errno, path, "cannot give the folder to %s", user);
    return true;
}

bool folders_make(const struct hgsd_config *config, struct error *err)
{
    _cleanup_free_ char *store = folders_of(config->store_path);
    _cleanup_free_ char *run = folders_of(config->admin_socket);
    return file_make_folder(config->state_folder, 0755, err) &&
           make_for(store, 0700, config->user, err) &&
           make_for(config->audit_folder, 0700, config->user, err) &&
           make_for(run, 0755, config->user, err) &&
           make_for(config->keyholder_folder, 0700, config->keyholder_user, err);
}
