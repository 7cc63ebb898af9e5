/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox_threads.h"

#include <errno.h>
#include <sys/stat.h>

#include "process/errors.h"

/* The folder has a link for itself, one from above, and one from each thread's folder. */
bool sandbox_threads_none(struct error *err)
{
    struct stat status;
    if (stat("/proc/self/task", &status) != 0)
        return error_set_errno(err, &process_sandbox, errno, "/proc/self/task",
                               "threads cannot be counted");
    if (status.st_nlink > 3)
        return error_set(err, &process_sandbox, "landlock(7)", NULL,
                         "%u threads were started before the sandbox was entered",
                         (unsigned)status.st_nlink - 3);
    return true;
}
