/* SPDX-License-Identifier: Apache-2.0 */

/* The remote TPM's context from anybody on the network, and from any service: what is accepted is
 * the same when it is written and read again. */

#include "attestation/rtpm_context.h"

#include "require.h"

static void require_same(const struct rtpm_context *a, const struct rtpm_context *b)
{
    require(slice_equal(a->state.bytes, b->state.bytes));
    require(memcmp(a->state.nonce, b->state.nonce, sizeof a->state.nonce) == 0);
    require(memcmp(a->state.tag, b->state.tag, sizeof a->state.tag) == 0);
    require(slice_equal(a->log, b->log) && slice_equal(a->ima_log, b->ima_log));
    require(slice_equal(a->pcr_values, b->pcr_values));
    require(a->has_device == b->has_device && a->has_handle == b->has_handle);
    require(a->handle == b->handle && a->device.version == b->device.version);
    require(a->command_count == b->command_count && a->response_count == b->response_count);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        require(slice_equal(a->commands[i], b->commands[i]) &&
                slice_equal(a->responses[i], b->responses[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtpm_context context, again;
    struct error err = {0};
    if (!rtpm_context_parse(&context, slice_of(data, size), &err)) {
        require(error_kind(&err) == ERROR_MALFORMED || error_kind(&err) == ERROR_LIMIT);
        return 0;
    }
    _cleanup_buf_ struct buf text;
    buf_init(&text, size + 64);
    rtpm_context_format(&text, &context);
    require(text.size == size);
    require(rtpm_context_parse(&again, buf_slice(&text), NULL));
    require_same(&context, &again);
    return 0;
}
