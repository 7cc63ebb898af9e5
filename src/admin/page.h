/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Long lists go a page at a time: a reply is one JSON document, which is bounded, and a fabric may
 * have more hosts than fit. Argument "after": the last key of the page before (absent: from the
 * first). The reply's member "next" is there while there is more.
 */

#include "admin/operation.h"

#define ADMIN_PAGE_MAX 2000 /* objects of some ten members each */

struct admin_page {
    const char *after, *pattern; /* borrowed; NULL: none */
    size_t count;
    char last[STORE_KEY_MAX + 1];
    bool more;
};

/* Arguments "after" and "pattern". base.json-malformed. */
bool admin_page_read(struct admin_page *out, const struct admin_request *request,
                     struct error *err);
/* Whether what has this name matches the pattern. */
bool admin_page_matches(const struct admin_page *page, const char *name);
/* Counts what is written for the record of this key; false: the page is full, and the store need
 * not be read on. */
bool admin_page_take(struct admin_page *page, const char *key);
/* "next", behind the list. */
void admin_page_write(struct json_writer *writer, const struct admin_page *page);
