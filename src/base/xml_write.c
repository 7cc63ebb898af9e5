/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#define TEXT 1u
#define ATTRIBUTE 2u

/* What stands for a character where, in canonical form. */
static const struct {
    const char *escape;
    unsigned where;
} specials[256] = {
    ['&'] = {"&amp;", TEXT | ATTRIBUTE},
    ['<'] = {"&lt;", TEXT | ATTRIBUTE},
    ['>'] = {"&gt;", TEXT},
    ['"'] = {"&quot;", ATTRIBUTE},
    ['\t'] = {"&#x9;", ATTRIBUTE},
    ['\n'] = {"&#xA;", ATTRIBUTE},
    ['\r'] = {"&#xD;", TEXT | ATTRIBUTE},
};

static void append_escaped(struct buf *out, struct slice text, unsigned where)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        if ((specials[text.data[i]].where & where) == 0)
            continue;
        buf_append_bytes(out, text.data + plain, i - plain);
        buf_append_text(out, specials[text.data[i]].escape);
        plain = i + 1;
    }
    if (text.size > plain)
        buf_append_bytes(out, text.data + plain, text.size - plain);
}

void xml_append_text(struct buf *out, struct slice text)
{
    append_escaped(out, text, TEXT);
}

void xml_append_attribute(struct buf *out, struct slice text)
{
    append_escaped(out, text, ATTRIBUTE);
}
