/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_tcti.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

#define MAGIC UINT64_C(0x48475354504d)
#define POLL_HANDLES_MAX 4

struct host_tpm_tcti {
    TSS2_TCTI_CONTEXT_COMMON_V2 common; /* first: tpm2-tss knows this structure by it */
    TSS2_TCTI_CONTEXT *inner;
    void (*finalize)(TSS2_TCTI_CONTEXT **inner);
    uint32_t limit_ms;
    bool timed_out;
    /* The response to the last command has begun to come. Its reader may fetch it in parts, and has
     * perhaps all of it already when it asks for the last one: nothing is left to wait for then. */
    bool has_begun;
};

static struct host_tpm_tcti *of(TSS2_TCTI_CONTEXT *context)
{
    return (struct host_tpm_tcti *)(void *)context;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
    struct host_tpm_tcti *tcti = of(context);
    if (tcti->timed_out) /* what would come now answers an older command */
        return TSS2_TCTI_RC_IO_ERROR;
    tcti->has_begun = false;
    return Tss2_Tcti_Transmit(tcti->inner, size, command);
}

/* Whether a response is there before the limit. */
static bool wait_for_response(struct host_tpm_tcti *tcti)
{
    struct pollfd handles[POLL_HANDLES_MAX];
    size_t count = POLL_HANDLES_MAX;
    if (Tss2_Tcti_GetPollHandles(tcti->inner, handles, &count) != TSS2_RC_SUCCESS || count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        handles[i].events = POLLIN;
    int64_t end = clock_monotonic_ms() + tcti->limit_ms;
    for (;;) {
        int64_t left = end - clock_monotonic_ms();
        int ready = poll(handles, count, left > 0 ? (int)left : 0);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* an error is the inner one's to tell */
        if (ready == 0 && left <= 0)
            return false;
    }
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
    struct host_tpm_tcti *tcti = of(context);
    if (tcti->timed_out)
        return TSS2_TCTI_RC_IO_ERROR;
    if (timeout == TSS2_TCTI_TIMEOUT_BLOCK && !tcti->has_begun && !wait_for_response(tcti)) {
        tcti->timed_out = true;
        (void)Tss2_Tcti_Cancel(tcti->inner);
        return TSS2_TCTI_RC_IO_ERROR;
    }
    tcti->has_begun = true;
    return Tss2_Tcti_Receive(tcti->inner, size, response, timeout);
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *context)
{
    return Tss2_Tcti_Cancel(of(context)->inner);
}

static TSS2_RC get_poll_handles(TSS2_TCTI_CONTEXT *context, struct pollfd *handles, size_t *count)
{
    return Tss2_Tcti_GetPollHandles(of(context)->inner, handles, count);
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality)
{
    return Tss2_Tcti_SetLocality(of(context)->inner, locality);
}

static TSS2_RC make_sticky(TSS2_TCTI_CONTEXT *context, TPM2_HANDLE *handle, uint8_t sticky)
{
    return Tss2_Tcti_MakeSticky(of(context)->inner, handle, sticky);
}

/* Whoever made it frees it. */
static void finalize_nothing(TSS2_TCTI_CONTEXT *context)
{
    (void)context;
}

static void finalize_plainly(TSS2_TCTI_CONTEXT **inner)
{
    Tss2_Tcti_Finalize(*inner);
    *inner = NULL;
}

struct host_tpm_tcti *host_tpm_tcti_new(TSS2_TCTI_CONTEXT *inner, uint32_t limit_ms,
                                        void (*finalize)(TSS2_TCTI_CONTEXT **inner))
{
    struct host_tpm_tcti *tcti = memory_allocate_zero(1, sizeof *tcti);
    tcti->common.v1 = (TSS2_TCTI_CONTEXT_COMMON_V1){
        .magic = MAGIC,
        .version = 2,
        .transmit = transmit,
        .receive = receive,
        .finalize = finalize_nothing,
        .cancel = cancel,
        .getPollHandles = get_poll_handles,
        .setLocality = set_locality,
    };
    tcti->common.makeSticky = make_sticky;
    tcti->inner = inner;
    tcti->limit_ms = limit_ms;
    tcti->finalize = finalize != NULL ? finalize : finalize_plainly;
    return tcti;
}

void host_tpm_tcti_free(struct host_tpm_tcti **tcti)
{
    if (*tcti == NULL)
        return;
    (*tcti)->finalize(&(*tcti)->inner);
    free(*tcti);
    *tcti = NULL;
}

TSS2_TCTI_CONTEXT *host_tpm_tcti_context(struct host_tpm_tcti *tcti)
{
    return (TSS2_TCTI_CONTEXT *)(void *)tcti;
}

bool host_tpm_tcti_timed_out(const struct host_tpm_tcti *tcti)
{
    return tcti->timed_out;
}
