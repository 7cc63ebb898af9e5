/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/state_files.h"

#include <errno.h>
#include <sys/mman.h>

#include "admin/errors.h"
#include "base/file.h"

void state_files_close(struct state_files *files)
{
    file_close(&files->meeting);
    file_close(&files->document);
}

bool state_files_take(struct state_files *files, struct admin_request *request, struct error *err)
{
    if (!admin_request_descriptor(&files->meeting, request, "meeting_fd", err))
        return false;
    if (files->meeting < 0)
        return error_set(err, &admin_argument, NULL, request->operation,
                         "a backup file and a password are needed");
    files->document = memfd_create("state", MFD_CLOEXEC);
    return files->document >= 0 ||
           error_set_errno(err, &admin_unhealthy, errno, "state", "cannot make an anonymous file");
}
