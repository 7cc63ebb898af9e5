/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records in the Linux audit system: one AUDIT_TRUSTED_APP message each
 * (audit_log_user_message(3)), which needs CAP_AUDIT_WRITE: "op=key.released seq=12 host="n1" …
 * hash=<SHA-256 of the line>". Values are encoded as ausearch expects untrusted text. The hash
 * leads to the line, which may be longer than a message can be.
 */

#include <errno.h>
#include <libaudit.h>
#include <stdint.h>
#include <stdlib.h>

#include "audit/errors.h"
#include "audit/kernel_watch.h"
#include "audit/sink.h"
#include "base/hex.h"
#include "base/memory.h"
#include "process/capability.h"

/* MAX_AUDIT_MESSAGE_LENGTH less what libaudit adds (exe, hostname, terminal). */
#define MESSAGE_MAX 8000
#define VALUE_MAX 1000

struct linux_sink {
    int fd; /* of audit_open */
    struct audit_kernel_watch watch;
};

static bool linux_sink_check(void *state, struct error *err)
{
    struct linux_sink *sink = state;
    struct error why = {0};
    if (capability_check(CAPABILITY_AUDIT_WRITE, &why))
        return sink == NULL || audit_kernel_watch_check(&sink->watch, err);
    return error_set(err, &audit_sink_privilege, "capabilities(7)", "linux-audit", "%s",
                     why.message);
}

static bool linux_sink_open(void **state, struct error *err)
{
    int fd = audit_open();
    if (fd < 0)
        return error_set_errno(err, &audit_sink_missing, errno, "linux-audit",
                               "the kernel's audit system cannot be reached");
    struct linux_sink *sink = memory_allocate_zero(1, sizeof *sink);
    sink->fd = fd;
    audit_kernel_watch_start(&sink->watch);
    *state = sink;
    return true;
}

static void add_field(void *context, const char *name, const char *value)
{
    struct buf *message = context;
    size_t size = strnlen(value, VALUE_MAX);
    char *encoded = audit_encode_nv_string(name, value, (unsigned)size);
    if (encoded != NULL && message->size + strlen(encoded) + 100 < MESSAGE_MAX)
        buf_append_format(message, " %s", encoded);
    free(encoded);
}

static bool linux_sink_send(void *state, const struct audit_record *record, struct slice line,
                            struct error *err)
{
    struct linux_sink *sink = state;
    uint8_t hash[DIGEST_SHA256_SIZE];
    char hex[2 * DIGEST_SHA256_SIZE + 1];
    _cleanup_buf_ struct buf message;
    buf_init(&message, MESSAGE_MAX + 1);
    if (!audit_kernel_watch_check(&sink->watch, err))
        return false;
    digest_sha256(hash, line);
    buf_append_format(&message, "op=%.*s seq=%llu", (int)record->event.size,
                      (const char *)record->event.data, (unsigned long long)record->sequence);
    audit_sink_each_field(record, add_field, &message);
    buf_append_format(&message, " hash=%s", hex_format(slice_of(hash, sizeof hash), hex));
    errno = 0;
    if (audit_log_user_message(sink->fd, AUDIT_TRUSTED_APP, buf_text(&message), NULL, NULL, NULL,
                               1) > 0)
        return true;
    if (errno == EPERM)
        return linux_sink_check(sink, err) &&
               error_set(err, &audit_sink_privilege, "capabilities(7)", "linux-audit",
                         "the kernel refuses the message: it takes none from this container or "
                         "user namespace");
    return error_set_errno(err, &audit_sink_failed, errno, "linux-audit",
                           "the kernel's audit system takes no message");
}

static void linux_sink_close(void *state)
{
    struct linux_sink *sink = state;
    audit_kernel_watch_stop(&sink->watch);
    audit_close(sink->fd);
    free(sink);
}

const struct audit_sink_kind audit_sink_linux = {"linux-audit", linux_sink_check, linux_sink_open,
                                                 linux_sink_send, linux_sink_close};
