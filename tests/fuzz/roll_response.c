/* SPDX-License-Identifier: Apache-2.0 */
/* What a host reads from a Key Protection Service: a response, an Error, and the payload with
 * transport keys. */
#include "keyprotection/message.h"
#include "protector/transport_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct error err = {0};
    _cleanup_roll_response_ struct roll_response response = {0};
    if (roll_response_parse(&response, input, &err) && response.egress_protector.size == 0)
        abort();
    _cleanup_buf_ struct buf code, message;
    buf_init(&code, 4096);
    buf_init(&message, 65536);
    roll_error_parse(&code, &message, input, &err);
    _cleanup_secret_ struct secret keys = SECRET_EMPTY;
    size_t count;
    if (protector_payload_parse(&keys, &count, 2, input, &err) &&
        keys.size != count * PROTECTOR_TRANSPORT_KEY_SIZE)
        abort();
    return 0;
}
