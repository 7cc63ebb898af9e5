/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_device.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "base/file.h"
#include "base/memory.h"
#include "host/errors.h"
#include "host/tpm_tcti.h"

#define HEADER_SIZE 10 /* tag, size, code */
#define GROUP "tss"    /* that Debian gives /dev/tpmrm0 to */
#define NAMES_SIZE 4096

struct host_tpm_device {
    char *name; /* the TCTI string */
    struct host_tpm_tcti *tcti;
    ESYS_CONTEXT *esys;
};

const char *host_tpm_device_name(const struct host_tpm_device *device)
{
    return device->name;
}

bool host_tpm_device_refuse(struct host_tpm_device *device, uint32_t code, const char *what,
                            struct error *err)
{
    if (host_tpm_tcti_timed_out(device->tcti))
        return error_set(err, &host_tpm_failed, NULL, device->name,
                         "%s: the TPM did not answer within %d s", what, HOST_TPM_LIMIT_MS / 1000);
    return error_set(err, &host_tpm_failed, NULL, device->name, "%s: %s (0x%x)", what,
                     Tss2_RC_Decode(code), (unsigned)code);
}

/* The path of a TCTI string for a device file; NULL: it is for something else. */
static const char *device_path(const char *tcti)
{
    if (strcmp(tcti, "device") == 0)
        return "/dev/tpmrm0";
    if (strncmp(tcti, "device:", 7) == 0)
        return tcti + 7;
    return NULL;
}

static bool refuse_permission(const char *path, struct error *err)
{
    const char *group = GROUP, *name = "USER";
    char group_text[NAMES_SIZE], user_text[NAMES_SIZE];
    struct group group_found, *owner = NULL;
    struct passwd user_found, *user = NULL;
    struct stat status;
    if (stat(path, &status) == 0 && status.st_gid != 0 && (status.st_mode & S_IRGRP) != 0 &&
        getgrgid_r(status.st_gid, &group_found, group_text, sizeof group_text, &owner) == 0 &&
        owner != NULL)
        group = owner->gr_name;
    if (getpwuid_r(geteuid(), &user_found, user_text, sizeof user_text, &user) == 0 && user != NULL)
        name = user->pw_name;
    return error_set(err, &host_tpm_permission, NULL, path,
                     "only root and the group %s may use this TPM, and %s is neither: sudo usermod "
                     "-aG %s %s, then log in again",
                     group, name, group, name);
}

/* Linux offers no resource manager for a TPM 1.2. */
static bool is_version_1(void)
{
    struct buf text;
    buf_init(&text, 16);
    bool first = file_read(&text, "/sys/class/tpm/tpm0/tpm_version_major", NULL) &&
                 buf_slice(&text).size > 0 && text.data[0] == '1';
    buf_done(&text);
    return first;
}

/* tpm2-tss says "I/O error" for everything that the system can say better. */
static bool check_device(const char *path, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        return true;
    switch (errno) {
    case EACCES:
    case EPERM:
        return refuse_permission(path, err);
    case EBUSY:
        return error_set(err, &host_tpm_busy, NULL, path, "another program has it open");
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ENODEV:
        if (is_version_1())
            return error_set(err, &host_tpm_version, NULL, path,
                             "the TPM of this machine is a TPM 1.2");
        return error_set(err, &host_tpm_missing, NULL, path, "there is no such device");
    default:
        return error_set_errno(err, &host_tpm_failed, errno, path, "cannot be opened");
    }
}

static bool open_tcti(struct host_tpm_device *device, struct error *err)
{
    const char *path = device_path(device->name);
    if (path != NULL && !check_device(path, err))
        return false;
    TSS2_TCTI_CONTEXT *inner = NULL;
    TSS2_RC code = Tss2_TctiLdr_Initialize(device->name, &inner);
    if (code == TSS2_RC_SUCCESS) {
        device->tcti = host_tpm_tcti_new(inner, HOST_TPM_LIMIT_MS, Tss2_TctiLdr_Finalize);
        return true;
    }
    TSS2_RC reason = code & ~(TSS2_RC)TSS2_RC_LAYER_MASK;
    if (path == NULL && (reason == TSS2_BASE_RC_IO_ERROR || reason == TSS2_BASE_RC_NO_CONNECTION))
        return error_set(err, &host_tpm_missing, NULL, device->name, "nothing answers there: %s",
                         Tss2_RC_Decode(code));
    return error_set(err, path == NULL ? &host_tpm_name : &host_tpm_failed, NULL, device->name,
                     "tpm2-tss cannot open it: %s", Tss2_RC_Decode(code));
}

/* A TPM 1.2, or something else that answers, does not know this command. */
static bool check_version(struct host_tpm_device *device, struct error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC code =
        Esys_GetCapability(device->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                           TPM2_CAP_TPM_PROPERTIES, TPM2_PT_FAMILY_INDICATOR, 1, &more, &data);
    Esys_Free(data);
    if (code == TPM2_RC_INITIALIZE)
        return error_set(err, &host_tpm_failed, NULL, device->name,
                         "the TPM has not been started (a software TPM: --flags startup-clear)");
    if ((code & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
        return host_tpm_device_refuse(device, code, "asking for its version", err);
    return code == TSS2_RC_SUCCESS ||
           error_set(err, &host_tpm_version, NULL, device->name,
                     "what answers there is not a TPM 2.0: %s", Tss2_RC_Decode(code));
}

bool host_tpm_device_open(struct host_tpm_device **out, const char *tcti, struct error *err)
{
    /* tpm2-tss writes what it thinks of every refusal to stderr; ours say it once. */
    setenv("TSS2_LOG", "all+none", 0);
    _cleanup_host_tpm_device_ struct host_tpm_device *device =
        memory_allocate_zero(1, sizeof *device);
    device->name = memory_copy_text(tcti);
    if (!open_tcti(device, err))
        return false;
    TSS2_RC code = Esys_Initialize(&device->esys, host_tpm_tcti_context(device->tcti), NULL);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(device, code, "beginning", err);
    if (!check_version(device, err))
        return false;
    *out = memory_steal(&device);
    return true;
}

void host_tpm_device_close(struct host_tpm_device **device)
{
    if (*device == NULL)
        return;
    Esys_Finalize(&(*device)->esys);
    host_tpm_tcti_free(&(*device)->tcti);
    free((*device)->name);
    free(*device);
    *device = NULL;
}

struct ESYS_CONTEXT *host_tpm_device_esys(struct host_tpm_device *device)
{
    return device->esys;
}

static uint32_t size_field(struct slice message)
{
    const uint8_t *b = message.data + 2;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool is_whole(struct slice message)
{
    return message.size >= HEADER_SIZE && message.size <= HOST_TPM_COMMAND_MAX &&
           size_field(message) == message.size;
}

bool host_tpm_device_transmit(struct host_tpm_device *device, struct buf *out, struct slice command,
                              struct error *err)
{
    if (!is_whole(command))
        return error_set(err, &host_tpm_failed, NULL, device->name,
                         "%zu bytes are not one whole TPM command", command.size);
    TSS2_TCTI_CONTEXT *tcti = host_tpm_tcti_context(device->tcti);
    TSS2_RC code = Tss2_Tcti_Transmit(tcti, command.size, command.data);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(device, code, "sending a command", err);
    uint8_t response[HOST_TPM_COMMAND_MAX];
    size_t size = sizeof response;
    do
        code = Tss2_Tcti_Receive(tcti, &size, response, TSS2_TCTI_TIMEOUT_BLOCK);
    while (code == TSS2_TCTI_RC_TRY_AGAIN);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(device, code, "receiving a response", err);
    struct slice whole = slice_of(response, size);
    if (!is_whole(whole))
        return error_set(err, &host_tpm_failed, NULL, device->name,
                         "it answered with %zu bytes that are not one whole response", size);
    buf_append(out, whole);
    return true;
}

bool host_tpm_device_property(struct host_tpm_device *device, uint32_t property, uint32_t *out)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    if (Esys_GetCapability(device->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                           TPM2_CAP_TPM_PROPERTIES, property, 1, &more, &data) != TSS2_RC_SUCCESS)
        return false;
    const TPML_TAGGED_TPM_PROPERTY *list = &data->data.tpmProperties;
    bool found = list->count > 0 && list->tpmProperty[0].property == property;
    if (found)
        *out = list->tpmProperty[0].value;
    Esys_Free(data);
    return found;
}
