/* SPDX-License-Identifier: Apache-2.0 */
/* What a host reads from a Key Protection Service: a response, or an Error. */
#include "keyprotection/message.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct error err = {0};
    _cleanup_roll_response_ struct roll_response response = {0};
    if (roll_response_parse(&response, input, &err))
        require(response.egress_protector.size > 0);
    _cleanup_buf_ struct buf code, message;
    buf_init(&code, 4096);
    buf_init(&message, 65536);
    roll_error_parse(&code, &message, input, &err);
    return 0;
}
