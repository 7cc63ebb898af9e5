/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/config_token.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "hgsd/folders.h"
#include "keyholder/stream.h"
#include "keyholder/token.h"
#include "keyholder/token_uri.h"
#include "process/errors.h"
#include "process/sandbox.h"

#define MINUTE (60 * 1000LL)
#define FIELD(name) offsetof(struct hgsd_token, name)

static const struct config_key keys[] = {
    {"token NAME", "module", CONFIG_TEXT, FIELD(module), "", 0, 0,
     "PKCS#11 module of the token's maker: the absolute path of a shared library."},
    {"token NAME", "uri", CONFIG_TEXT, FIELD(uri), "", 0, 0,
     "Which of the module's tokens, as a PKCS#11 URI (RFC 7512): pkcs11:token=LABEL."},
    {"token NAME", "pin-file", CONFIG_TEXT, FIELD(pin_file), "", 0, 0,
     "File with the user PIN, closed to all but its owner (root, or the keyholder's user)."},
    {"token NAME", "pin-credential", CONFIG_TEXT, FIELD(pin_credential), "", 0, 0,
     "Name of a systemd credential with the user PIN (LoadCredential= or "
     "LoadCredentialEncrypted= of the unit)."},
    {"token NAME", "raw-rsa", CONFIG_BOOL, FIELD(raw_rsa), "no", 0, 0,
     "OAEP may be computed here over the token's raw RSA operation, where the token does not know "
     "OAEP itself."},
    {"token NAME", "sessions", CONFIG_NUMBER, FIELD(sessions), "4", 1, HGSD_TOKEN_SESSIONS_MAX,
     "Sessions with the token, and releases that it works on at once."},
    {"token NAME", "timeout", CONFIG_DURATION, FIELD(timeout_ms), "10s", 100, 10 * MINUTE,
     "Longest wait for one operation of the token; its process is started again when three in a "
     "row took longer."},
    {"token NAME", "user", CONFIG_TEXT, FIELD(user), "", 0, 0,
     "User that the token's process runs as when hgsd is started by root; that of [keyholder] when "
     "empty."},
    {"token NAME", "read", CONFIG_LIST, FIELD(read), "", 0, 0,
     "Files and folders that the module may read besides those of programs: its configuration."},
    {"token NAME", "write", CONFIG_LIST, FIELD(write), "", 0, 0,
     "Folders, files and devices that the module may write to; each must be there."},
    {"token NAME", "environment", CONFIG_LIST, FIELD(environment), "", 0, 0,
     "Environment variables of the token's process, as NAME=VALUE."},
    {"token NAME", "network", CONFIG_BOOL, FIELD(network), "no", 0, 0,
     "The module may connect to an HSM by the network."},
};

const struct config_family hgsd_token_family = {"token", keys, sizeof keys / sizeof keys[0],
                                                sizeof(struct hgsd_token), HGSD_TOKENS_MAX};

static bool refuse(const struct hgsd_token *token, const char *path, const char *what,
                   struct error *err)
{
    return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path, "[token %s] %s", token->name,
                     what);
}

static bool check_environment(const struct hgsd_token *token, const char *path, struct error *err)
{
    for (size_t i = 0; i < token->environment.count; i++) {
        const char *item = token->environment.items[i];
        if (strchr(item, '=') == NULL || *item == '=')
            return refuse(token, path, "environment has a word that is not NAME=VALUE", err);
    }
    return true;
}

bool hgsd_token_check(const struct hgsd_token *token, const char *path, struct error *err)
{
    if (*token->module != '/')
        return refuse(token, path, "module must be the absolute path of a PKCS#11 module", err);
    if (*token->uri == '\0')
        return refuse(token, path, "uri is missing: say which token, as pkcs11:token=LABEL", err);
    if (*token->pin_file != '\0' && *token->pin_credential != '\0')
        return refuse(token, path, "has both pin-file and pin-credential: one of them is enough",
                      err);
    if (strchr(token->pin_credential, '/') != NULL)
        return refuse(token, path, "pin-credential is a name, not a path", err);
    return check_environment(token, path, err) && token_uri_check_token(token->uri, err);
}

/* The token's process runs the module's code: nothing that it can reach may hold other keys. */
static bool check_reach(const struct hgsd_token *token, const char *place, struct error *err)
{
    const struct config_list *const lists[] = {&token->read, &token->write};
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            if (folders_hold(lists[list]->items[i], place))
                return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", lists[list]->items[i],
                                 "%s with private keys lies in it, and [token %s] lets its module "
                                 "have it",
                                 place, token->name);
    _cleanup_free_ char *beside = folders_of(token->module);
    const char *const own[] = {beside, NULL};
    const char *const *const others[] = {sandbox_token_readable, own};
    for (size_t list = 0; list < 2; list++)
        for (const char *const *folder = others[list]; *folder != NULL; folder++)
            if (folders_hold(*folder, place))
                return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", place,
                                 "private keys must not lie in %s, which the module of [token %s] "
                                 "may read: move them ([keyholder] folder, key-folder)",
                                 *folder, token->name);
    return true;
}

bool hgsd_token_check_reach(const struct hgsd_token *token, const char *keyholder_folder,
                            const char *key_folder, struct error *err)
{
    return check_reach(token, keyholder_folder, err) &&
           (*key_folder == '\0' || check_reach(token, key_folder, err));
}

static bool check_module(const struct hgsd_token *token, struct error *err)
{
    struct stat status;
    if (stat(token->module, &status) != 0)
        return error_set_errno(err, &hgsd_config_invalid, errno, token->module,
                               "[token %s] module cannot be found", token->name);
    return S_ISREG(status.st_mode) ||
           error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", token->module,
                     "[token %s] module is not a file", token->name);
}

static bool check_write(const struct hgsd_token *token, struct error *err)
{
    for (size_t i = 0; i < token->write.count; i++)
        if (access(token->write.items[i], F_OK) != 0)
            return error_set_errno(err, &hgsd_config_invalid, errno, token->write.items[i],
                                   "[token %s] write names what cannot be found", token->name);
    return true;
}

/* Credentials are there only for the unit's processes. */
static bool check_pin(const struct hgsd_token *token, const char *user, struct error *err)
{
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    bool readable = *token->pin_credential == '\0' || getenv("CREDENTIALS_DIRECTORY") != NULL;
    return !readable || hgsd_token_read_pin(&pin, token, user, err);
}

bool hgsd_token_check_files(const struct hgsd_token *token, const char *user,
                            const char *keyholder_folder, const char *key_folder, struct error *err)
{
    user = *token->user != '\0' ? token->user : user;
    /* cppcheck-suppress getpwnamCalled ; before there is a thread */
    if (*user != '\0' && getpwnam(user) == NULL)
        return error_set(err, &process_user, "hgsd.conf(5)", user, "there is no such user");
    return check_module(token, err) && check_write(token, err) &&
           hgsd_token_check_reach(token, keyholder_folder, key_folder, err) &&
           check_pin(token, user, err);
}

static bool check_owner(int fd, const char *path, const char *user, struct error *err)
{
    struct stat status;
    /* cppcheck-suppress getpwnamCalled ; before there is a thread */
    const struct passwd *entry = *user != '\0' ? getpwnam(user) : NULL;
    if (fstat(fd, &status) != 0)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be looked at");
    if ((status.st_mode & 077) != 0)
        return error_set(err, &base_file_mode, NULL, path,
                         "holds a PIN, and others may access it (mode %04o): chmod 600",
                         (unsigned)status.st_mode & 07777);
    bool fine = status.st_uid == 0 || status.st_uid == geteuid() ||
                (entry != NULL && status.st_uid == entry->pw_uid);
    return fine || error_set(err, &base_file_mode, NULL, path,
                             "holds a PIN, and belongs to user %u: give it to root",
                             (unsigned)status.st_uid);
}

static bool read_file(struct secret *out, const char *path, const char *user, bool checked,
                      struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, &base_file_unreadable, errno, path,
                               "the PIN cannot be read from it");
    if ((checked && !check_owner(fd, path, user, err)) || !stream_read_password(out, fd, err))
        return false;
    return (out->size > 0 && out->size <= TOKEN_PIN_MAX) ||
           error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", path,
                     "%zu bytes are no PIN: 1 to %d are", out->size, TOKEN_PIN_MAX);
}

bool hgsd_token_read_pin(struct secret *out, const struct hgsd_token *token, const char *user,
                         struct error *err)
{
    if (*token->pin_file != '\0')
        return read_file(out, token->pin_file, user, true, err);
    if (*token->pin_credential == '\0')
        return true;
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL)
        return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", token->pin_credential,
                         "[token %s] there are no credentials: hgsd is not run by a unit with "
                         "LoadCredential=",
                         token->name);
    _cleanup_free_ char *path = memory_format("%s/%s", folder, token->pin_credential);
    /* systemd closed it to others. */
    return read_file(out, path, user, false, err);
}
