/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * GUIDs in the form Windows puts on the wire ([MS-DTYP] 2.3.4.2): the first three fields
 * little-endian, the rest as bytes.
 */

#include "base/buf.h"

struct guid {
    uint8_t bytes[16]; /* wire form */
};

#define GUID_TEXT_SIZE sizeof "6a460ee1-62ea-416f-ae6c-04e29634506d"

/* Lower case with hyphens; writes GUID_TEXT_SIZE bytes and returns text. */
char *guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE]);
/* With or without braces, either case. base.guid-malformed. */
bool guid_parse(struct guid *out, struct slice text, struct error *err);
/* protocol.md 2: a GUID in a message is base64 of its 16 bytes or its text. */
bool guid_parse_message(struct guid *out, struct slice text, struct error *err);
