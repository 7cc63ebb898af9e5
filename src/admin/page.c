/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/page.h"

#include <fnmatch.h>
#include <stdio.h>

bool admin_page_read(struct admin_page *out, const struct admin_request *request, struct error *err)
{
    *out = (struct admin_page){0};
    return json_get_text_or(&out->after, request->arguments, "after", NULL, err) &&
           json_get_text_or(&out->pattern, request->arguments, "pattern", NULL, err);
}

bool admin_page_matches(const struct admin_page *page, const char *name)
{
    return page->pattern == NULL || fnmatch(page->pattern, name, 0) == 0;
}

bool admin_page_take(struct admin_page *page, const char *key)
{
    page->more = page->count == ADMIN_PAGE_MAX;
    if (page->more)
        return false;
    page->count++;
    snprintf(page->last, sizeof page->last, "%s", key);
    return true;
}

void admin_page_write(struct json_writer *writer, const struct admin_page *page)
{
    if (page->more)
        json_write_text(writer, "next", page->last);
}
