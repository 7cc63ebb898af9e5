/* SPDX-License-Identifier: Apache-2.0 */

/* The keyholder's messages, in both directions: what parses must format to the same bytes. */

#include "require.h"

#include "keyholder/message.h"

static void try_expect(struct slice payload)
{
    char uri[KEYHOLDER_URI_MAX + 1];
    struct slice key;
    if (!keyholder_message_parse_expect(uri, &key, payload, NULL))
        return;
    require(key.size > 0 && key.data + key.size == payload.data + payload.size);
}

static void try_request(struct slice bytes)
{
    struct keyholder_request request;
    if (!keyholder_message_parse_request(&request, bytes, NULL))
        return;
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    keyholder_message_format_request(head, &request);
    require(memcmp(head, bytes.data, sizeof head) == 0);
    require(request.payload.size == bytes.size - sizeof head);
    require(request.sequence == keyholder_message_sequence(bytes));
    require(keyholder_message_descriptors(&request) <= KEYHOLDER_REQUEST_DESCRIPTORS_MAX);
    if (request.opcode == KEYHOLDER_EXPECT)
        try_expect(request.payload);
    if (request.opcode != KEYHOLDER_CHECKPOINT)
        return;
    struct keyholder_checkpoint checkpoint;
    uint8_t payload[KEYHOLDER_CHECKPOINT_SIZE];
    keyholder_message_parse_checkpoint(&checkpoint, request.payload);
    keyholder_message_format_checkpoint(payload, &checkpoint);
    require(memcmp(payload, request.payload.data, sizeof payload) == 0);
}

static void try_reply(struct slice bytes)
{
    struct keyholder_reply reply;
    if (!keyholder_message_parse_reply(&reply, bytes, NULL))
        return;
    uint8_t head[KEYHOLDER_REPLY_HEAD];
    keyholder_message_format_reply(head, &reply);
    require(memcmp(head, bytes.data, sizeof head) == 0);
    struct error err = {0};
    keyholder_message_to_error(&reply, &err);
    require(err.code != NULL && strlen(err.object) < sizeof err.object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_request(slice_of(data, size));
    try_reply(slice_of(data, size));
    return 0;
}
