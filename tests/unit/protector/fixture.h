/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of protector/ share: guardians with real keys, protectors made of them, and edits
 * of documents. */

#include "base/errors.h"
#include "base/memory.h"
#include "protector/document.h"
#include "protector/errors.h"
#include "protector/guardian.h"
#include "protector/protector_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "../testing.h"

#define NOW 1800000000

/* A key pair costs a while: made once a program. */
static struct guardian owner, service, stranger;

static inline int make_guardians(void **state)
{
    (void)state;
    assert_ok(guardian_generate(&owner, "owner", NOW, err));
    assert_ok(guardian_generate(&service, "service", NOW, err));
    assert_ok(guardian_generate(&stranger, "stranger", NOW, err));
    return 0;
}

static inline int free_guardians(void **state)
{
    (void)state;
    guardian_done(&owner);
    guardian_done(&service);
    guardian_done(&stranger);
    return 0;
}

/* A protector of owner with a wrapping for service. */
static inline void make_protector(struct buf *document, struct secret *key)
{
    const struct guardian *guardians[] = {&service};
    buf_init(document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(document, key, &owner, guardians, 1, err));
}

static inline struct protector *parse_good(struct slice document)
{
    struct protector *protector = NULL;
    assert_ok(protector_parse(&protector, document, NULL, err));
    return protector;
}

/* The document with the first `from` replaced by `to`; fails when there is none. */
static inline char *edited(const char *document, const char *from, const char *to)
{
    const char *at = strstr(document, from);
    if (!at) {
        print_error("no \"%s\" to edit\n", from ? from : "");
        fail();
    }
    return memory_format("%.*s%s%s", (int)(at - document), document, to, at + strlen(from));
}
