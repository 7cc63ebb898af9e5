/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One pass over the bytes of an XML document, before libxml2 sees them: is it UTF-8, within our
 * bounds, and free of what we refuse?
 *
 * Looking at bytes is exact here. In well-formed XML a '<' that opens neither a comment, a CDATA
 * section, an instruction nor a DTD (all of which start with "<!" or "<?" and are refused) opens or
 * closes an element. It must come first because libxml2 compares each attribute of an element with
 * every other before it calls anybody, and looks for each prefix among all declarations in scope: a
 * megabyte of attributes would cost minutes.
 */

#include "base/error.h"
#include "base/slice.h"

/* base.xml-refused, base.xml-too-large, base.xml-malformed, base.text-malformed; the message names
 * the line. */
bool xml_check(struct slice text, struct error *err);
