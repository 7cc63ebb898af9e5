/* SPDX-License-Identifier: Apache-2.0 */
#include "process/capability.h"

#include <errno.h>
#include <sys/capability.h>
#include <unistd.h>

#include "process/errors.h"

static const struct {
    enum capability capability;
    cap_value_t value;
    const char *name;
} table[] = {
    {CAPABILITY_NET_BIND_SERVICE, CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
    {CAPABILITY_AUDIT_WRITE, CAP_AUDIT_WRITE, "CAP_AUDIT_WRITE"},
    {CAPABILITY_AUDIT_CONTROL, CAP_AUDIT_CONTROL, "CAP_AUDIT_CONTROL"},
};
#define TABLE_SIZE (sizeof table / sizeof table[0])

bool capability_check(enum capability capability, struct error *err)
{
    cap_t now = cap_get_proc();
    cap_flag_value_t has = CAP_CLEAR;
    const char *name = "";
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].capability != capability)
            continue;
        name = table[i].name;
        if (now != NULL)
            cap_get_flag(now, table[i].value, CAP_EFFECTIVE, &has);
    }
    cap_free(now);
    return has == CAP_SET ||
           error_set(err, &process_capability, "capabilities(7)", name,
                     "user %u does not have the capability %s here", (unsigned)geteuid(), name);
}

bool capability_keep(unsigned kept, struct error *err)
{
    cap_t wanted = cap_init();
    cap_t now = cap_get_proc();
    bool fine = wanted != NULL && now != NULL;
    for (size_t i = 0; fine && i < TABLE_SIZE; i++) {
        cap_flag_value_t has = CAP_CLEAR;
        fine = cap_get_flag(now, table[i].value, CAP_PERMITTED, &has) == 0;
        if (fine && has == CAP_SET && (kept & table[i].capability) != 0)
            fine = cap_set_flag(wanted, CAP_PERMITTED, 1, &table[i].value, CAP_SET) == 0 &&
                   cap_set_flag(wanted, CAP_EFFECTIVE, 1, &table[i].value, CAP_SET) == 0;
    }
    fine = fine && cap_set_proc(wanted) == 0;
    int number = errno;
    cap_free(wanted);
    cap_free(now);
    return fine ||
           error_set_errno(err, &process_sandbox, number, NULL, "capabilities cannot be given up");
}
