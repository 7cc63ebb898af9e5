/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a host checks of a RollTransportKeyResponse before it uses it (protocol.md 3, "The client
 * checks what it got"): the first key verifies the protector that was sent, the second the one that
 * came back; that one is signed by the pinned service; owner and wrappings are unchanged.
 */

#include "keyprotection/message.h"
#include "protector/protector.h"

/*
 * transfer_key: EncryptedTransferKey, decrypted by whoever holds the health certificate's key.
 * pinned: the service's signing certificates, count of them; with none, any wrapping but the
 * owner's may have signed. Gives both transport keys and, if egress is not NULL, the parsed egress
 * protector. keyprotection.reply-wrong; keyprotection.reply-malformed.
 */
bool roll_response_accept(struct secret *ingress_key, struct secret *egress_key,
                          struct protector **egress, const struct roll_response *response,
                          const struct protector *ingress, struct slice transfer_key,
                          struct certificate *const *pinned, size_t count, struct error *err);
