/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_tcti.h"

#include "../folder.h"

#include <string.h>
#include <unistd.h>

/* A way to a TPM that is a pipe: what a test writes there is the response. */
static struct {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    int ends[2];
    int sent, cancelled, finalized;
    uint8_t header[10];
} inner;

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
    (void)context;
    (void)command;
    inner.sent += (int)size;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
    (void)context;
    (void)timeout;
    if (response == NULL) { /* how large is it? The device's TCTI reads the header for that */
        *size = (size_t)read(inner.ends[0], inner.header, sizeof inner.header);
        return TSS2_RC_SUCCESS;
    }
    if (inner.header[0] != 0) {
        memcpy(response, inner.header, *size);
        return TSS2_RC_SUCCESS;
    }
    ssize_t got = read(inner.ends[0], response, *size);
    *size = got > 0 ? (size_t)got : 0;
    return got > 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *context)
{
    (void)context;
    inner.cancelled++;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *context, struct pollfd *handles, size_t *count)
{
    (void)context;
    handles[0].fd = inner.ends[0];
    *count = 1;
    return TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT **context)
{
    inner.finalized++;
    *context = NULL;
}

static struct host_tpm_tcti *make(uint32_t limit_ms)
{
    memset(&inner, 0, sizeof inner);
    inner.common.v1 = (TSS2_TCTI_CONTEXT_COMMON_V1){.version = 2,
                                                    .transmit = transmit,
                                                    .receive = receive,
                                                    .cancel = cancel,
                                                    .getPollHandles = poll_handles};
    assert_int_equal(pipe(inner.ends), 0);
    return host_tpm_tcti_new((TSS2_TCTI_CONTEXT *)(void *)&inner, limit_ms, finalize);
}

static void end(struct host_tpm_tcti **tcti)
{
    host_tpm_tcti_free(tcti);
    host_tpm_tcti_free(tcti);
    assert_int_equal(inner.finalized, 1);
    close(inner.ends[0]);
    close(inner.ends[1]);
}

static void passes_through(void **state)
{
    (void)state;
    struct host_tpm_tcti *tcti = make(60000);
    TSS2_TCTI_CONTEXT *context = host_tpm_tcti_context(tcti);
    uint8_t response[16];
    size_t size = sizeof response;
    assert_int_equal(Tss2_Tcti_Transmit(context, 3, (const uint8_t *)"abc"), TSS2_RC_SUCCESS);
    assert_int_equal(inner.sent, 3);
    assert_int_equal(write(inner.ends[1], "de", 2), 2);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, response, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_RC_SUCCESS);
    assert_int_equal(size, 2);
    assert_false(host_tpm_tcti_timed_out(tcti));
    end(&tcti);
}

/* A response that is read in parts may be whole before its last part is asked for. */
static void waits_once_for_a_response(void **state)
{
    (void)state;
    struct host_tpm_tcti *tcti = make(10);
    TSS2_TCTI_CONTEXT *context = host_tpm_tcti_context(tcti);
    uint8_t response[16];
    size_t size = 0;
    assert_int_equal(Tss2_Tcti_Transmit(context, 3, (const uint8_t *)"abc"), TSS2_RC_SUCCESS);
    assert_int_equal(write(inner.ends[1], "header\0\0\0\0", 10), 10);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, NULL, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_RC_SUCCESS);
    assert_int_equal(size, 10);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, response, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_RC_SUCCESS);
    assert_string_equal((const char *)response, "header");
    assert_false(host_tpm_tcti_timed_out(tcti));
    /* The next one is waited for again. */
    assert_int_equal(Tss2_Tcti_Transmit(context, 3, (const uint8_t *)"abc"), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, response, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_TCTI_RC_IO_ERROR);
    end(&tcti);
}

/* And what would come later answers nothing that was asked later. */
static void gives_up_for_good(void **state)
{
    (void)state;
    struct host_tpm_tcti *tcti = make(10);
    TSS2_TCTI_CONTEXT *context = host_tpm_tcti_context(tcti);
    uint8_t response[16];
    size_t size = sizeof response;
    assert_int_equal(Tss2_Tcti_Transmit(context, 3, (const uint8_t *)"abc"), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, response, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_TCTI_RC_IO_ERROR);
    assert_true(host_tpm_tcti_timed_out(tcti));
    assert_int_equal(inner.cancelled, 1);
    assert_int_equal(write(inner.ends[1], "de", 2), 2);
    assert_int_equal(Tss2_Tcti_Receive(context, &size, response, TSS2_TCTI_TIMEOUT_BLOCK),
                     TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(Tss2_Tcti_Transmit(context, 3, (const uint8_t *)"abc"), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(inner.sent, 3);
    end(&tcti);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_through),
        cmocka_unit_test(waits_once_for_a_response),
        cmocka_unit_test(gives_up_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
