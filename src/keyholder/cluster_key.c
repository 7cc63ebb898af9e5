/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/cluster_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "keyholder/errors.h"

static const char title[] =
    "HGS cluster key 1: opens the private keys of this service's store. Keep a copy, keep it "
    "secret.\n";
#define TITLE_SIZE (sizeof title - 1)
#define FILE_SIZE (TITLE_SIZE + 2 * CLUSTER_KEY_SIZE + 1)

bool cluster_key_check_owner(const struct stat *status, const char *path, struct error *err)
{
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return error_set(err, &keyholder_cluster_key, NULL, path,
                         "belongs to user %u, not to the keyholder's user %u",
                         (unsigned)status->st_uid, (unsigned)geteuid());
    if ((status->st_mode & 0077) != 0)
        return error_set(err, &keyholder_cluster_key, NULL, path,
                         "is open to others (mode %04o); it must be closed to group and others",
                         (unsigned)(status->st_mode & 07777));
    return true;
}

static bool check_folder(const char *folder, struct error *err)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, &keyholder_cluster_key, errno, folder,
                               "the keyholder's folder cannot be made");
    struct stat status;
    if (stat(folder, &status) != 0)
        return error_set_errno(err, &keyholder_cluster_key, errno, folder,
                               "the keyholder's folder cannot be looked at");
    if (!S_ISDIR(status.st_mode))
        return error_set(err, &keyholder_cluster_key, NULL, folder, "is not a folder");
    return cluster_key_check_owner(&status, folder, err);
}

static bool parse(struct secret *out, struct slice text, const char *path, struct error *err)
{
    if (text.size != FILE_SIZE || memcmp(text.data, title, TITLE_SIZE) != 0 ||
        text.data[FILE_SIZE - 1] != '\n')
        return error_set(err, &keyholder_cluster_key, NULL, path,
                         "is not a cluster key: a title line and a line of %d hexadecimal digits",
                         2 * CLUSTER_KEY_SIZE);
    struct slice digits = {text.data + TITLE_SIZE, (size_t)2 * CLUSTER_KEY_SIZE};
    _cleanup_buf_ struct buf key;
    buf_init_secret(&key, CLUSTER_KEY_SIZE);
    if (!hex_parse(&key, digits, NULL))
        return error_set(err, &keyholder_cluster_key, NULL, path,
                         "its second line is not hexadecimal");
    secret_copy(out, buf_slice(&key));
    return true;
}

/* *missing is set, and nothing refused, when there is no such file. */
static bool load(struct secret *out, bool *missing, const char *path, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *missing = fd < 0 && errno == ENOENT;
    if (*missing)
        return true;
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, &keyholder_cluster_key, errno, path, "cannot be opened");
    if (!S_ISREG(status.st_mode))
        return error_set(err, &keyholder_cluster_key, NULL, path, "is not a plain file");
    if (!cluster_key_check_owner(&status, path, err))
        return false;
    _cleanup_buf_ struct buf text;
    buf_init_secret(&text, FILE_SIZE + 1);
    struct error reason = {0};
    if (!file_read_fd(&text, fd, path, &reason))
        return error_set(err, &keyholder_cluster_key, NULL, path, "%.500s", reason.message);
    return parse(out, buf_slice(&text), path, err);
}

static bool make(const char *path, struct error *err)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    secret_init(&key, CLUSTER_KEY_SIZE);
    random_bytes(key.data, key.size);
    _cleanup_buf_ struct buf text;
    buf_init_secret(&text, FILE_SIZE);
    buf_append_text(&text, title);
    hex_append(&text, secret_slice(&key));
    buf_append_u8(&text, '\n');
    struct error reason = {0};
    if (!file_create(path, buf_slice(&text), 0600, &reason))
        return error_set(err, &keyholder_cluster_key, NULL, path, "%.500s", reason.message);
    return true;
}

bool cluster_key_open(struct secret *out, const char *folder, struct error *err)
{
    if (!check_folder(folder, err))
        return false;
    _cleanup_free_ char *path = memory_format("%s/%s", folder, CLUSTER_KEY_FILE);
    bool missing;
    if (!load(out, &missing, path, err))
        return false;
    if (!missing)
        return true;
    /* What counts is what the next start will read: so it is read back. */
    if (!make(path, err) || !load(out, &missing, path, err))
        return false;
    if (missing)
        return error_set(err, &keyholder_cluster_key, NULL, path, "vanished after it was made");
    return true;
}

void cluster_key_derive(struct secret *out, struct slice cluster_key, const char *label)
{
    struct digest mac;
    digest_hmac(&mac, DIGEST_SHA256, cluster_key, slice_from_text(label));
    secret_copy(out, slice_of(mac.value, mac.size));
    explicit_bzero(&mac, sizeof mac);
}
