/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fixture.h"

#include "crypto/cms.h"

/* The certificates of signingCertificates in their order; how many. */
struct listed {
    struct certificate *items[16];
    size_t count;
};

static inline bool take_listed(void *context, struct slice der, struct error *err)
{
    struct listed *listed = context;
    assert_true(listed->count < 16);
    return certificate_parse(&listed->items[listed->count++], der, err);
}

static inline void get_listed(struct fixture *fixture, struct listed *listed)
{
    _cleanup_buf_ struct buf text, der;
    buf_init(&text, VECTOR_MAX);
    buf_init(&der, VECTOR_MAX);
    *listed = (struct listed){0};
    attestation_signing_certificates(fixture->service, &text);
    assert_true(text.size < 8192); /* JDBC reads what came at once */
    for (size_t i = 0; i < text.size; i++)
        assert_non_null(strchr("0123456789,[]", text.data[i]));
    assert_ok(attestation_reply_parse_signing_certificates(&der, buf_slice(&text), err));
    assert_ok(cms_parse_certificates(buf_slice(&der), take_listed, listed, err));
}

static inline void free_listed(struct listed *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        certificate_free(&listed->items[i]);
}
