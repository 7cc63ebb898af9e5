/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Distinguished names (RFC 5280 4.1.2.4) as DER: checked, shown and made. Names are compared byte
 * for byte. */

#include "base/buf.h"
#include "base/error.h"

/* Whether a Name of at most 64 relative names, contents included, is well formed. */
bool name_check(struct slice name);
/*
 * Appends the text of RFC 2253 to out: the last part first, "CN=HGS Attestation Signer,O=Example".
 * Text stays UTF-8; control characters are escaped as \0A; values that are no text, and types
 * without a short name, are written as RFC 2253 2.4 has it (1.3.6.1.4.1.1=#0c0161). name must have
 * passed name_check.
 */
void name_format(struct buf *out, struct slice name);
/* Appends a Name of one common name, a UTF8String. */
void name_write_common_name(struct buf *out, const char *common_name);
/*
 * Appends the Name that a text says, in the form that name_format writes and people use: parts
 * separated by commas, the last one first ("CN=HGS signing,O=Example,C=DE"), RFC 4514 section 3;
 * types by short name in either case (name_type.h); values escaped by backslash, spaces around
 * parts do not count. Values become UTF8Strings; C a PrintableString, DC and emailAddress
 * IA5Strings (RFC 5280 4.1.2.4). Several values in one part ("+") and values in hexadecimal ("#…")
 * are refused. crypto.name-malformed.
 */
bool name_parse(struct buf *out, const char *text, struct error *err);
