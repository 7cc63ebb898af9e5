/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A roll from a request's bytes to a response's, with a real keyholder; and what a host accepts of
 * it. */

#include "crypto/aead.h"
#include "keyprotection/roll.h"
#include "world.h"

/* One request and what it was made of. */
struct roll_try {
    struct buf ingress;
    struct secret key;
    struct certificate *health;
    struct keyprotection_snapshot *snapshot;
    struct cache *certificates;
    struct verification_cache *verifications;
    struct usage *usage;
    struct roll_facts facts;
    struct buf out;
    enum encryption_algorithm transfer;
    unsigned version;
    bool apart; /* opened before the rest, as where two tokens have the keys */
};

static inline void try_init(struct roll_try *it)
{
    *it = (struct roll_try){.transfer = ENCRYPTION_RSA_OAEP_SHA256, .version = 2};
    struct certificate_template form = health_form();
    it->health = issue_health(&form);
    make_protector(&it->ingress, &it->key, &world.service.guardian);
    it->snapshot = load_snapshot();
    it->certificates = certificate_cache_new(64);
    it->verifications = verification_cache_new(64);
    buf_init(&it->out, MESSAGE_SIZE_MAX);
}

static inline void try_done(struct roll_try *it)
{
    buf_done(&it->ingress);
    buf_done(&it->out);
    secret_done(&it->key);
    certificate_free(&it->health);
    cache_free(&it->certificates);
    verification_cache_free(&it->verifications);
    keyprotection_snapshot_release(&it->snapshot);
    roll_facts_done(&it->facts);
}
#define _cleanup_try_ __attribute__((cleanup(try_done)))

static inline bool roll_apart(struct roll_try *it, const struct roll_resources *resources,
                              struct slice request, struct error *err)
{
    struct rolling rolling;
    bool ok = roll_begin(&rolling, resources, &it->facts, request, err) &&
              roll_open(&rolling, err) && roll_finish(&it->out, &rolling, it->version, err);
    roll_done(&rolling);
    return ok;
}

static inline bool try_roll(struct roll_try *it, struct error *err)
{
    struct roll_resources resources = {
        .snapshot = it->snapshot,
        .keyholder = world.running.keyholder,
        .certificates = it->certificates,
        .verifications = it->verifications,
        .now = NOW,
        .usage = it->usage,
    };
    _cleanup_buf_ struct buf request;
    buf_init(&request, MESSAGE_SIZE_MAX);
    roll_request_format(&request, buf_slice(&it->ingress), certificate_der(it->health),
                        it->transfer);
    roll_facts_done(&it->facts);
    it->facts = (struct roll_facts){0};
    if (it->apart)
        return roll_apart(it, &resources, buf_slice(&request), err);
    return roll_transport_key(&it->out, &it->facts, &resources, it->version, buf_slice(&request),
                              err);
}

static inline void expect_refused(struct roll_try *it, const struct error_code *code)
{
    assert_refused(try_roll(it, err), code);
    assert_int_equal(it->out.size, 0);
    assert_false(it->facts.has_egress);
}

/* What came out, opened with the host's key; what a host checks of it is host/release.c's. */
struct opened {
    struct secret keys; /* ingress, egress */
    struct protector *egress;
    size_t wrapped_size, keys_size;
};

static inline void opened_done(struct opened *opened)
{
    secret_done(&opened->keys);
    protector_free(&opened->egress);
}
#define _cleanup_opened_ __attribute__((cleanup(opened_done)))

static inline void open_response(struct opened *out, const struct roll_try *it)
{
    _cleanup_secret_ struct secret transfer = SECRET_EMPTY, wrapping = SECRET_EMPTY,
                                   payload = SECRET_EMPTY;
    _cleanup_roll_response_ struct roll_response response = {0};
    size_t count;
    assert_ok(roll_response_parse(&response, buf_slice(&it->out), err));
    assert_ok(private_key_decrypt(&transfer, world.health_key, it->transfer,
                                  buf_slice(&response.encrypted_transfer_key), err));
    assert_ok(aead_key_unwrap(&wrapping, secret_slice(&transfer),
                              buf_slice(&response.encrypted_wrapping_key), err));
    assert_ok(aead_open(&payload, secret_slice(&wrapping), SLICE_EMPTY,
                        buf_slice(&response.encrypted_transport_keys), err));
    assert_ok(protector_payload_parse(&out->keys, &count, 2, secret_slice(&payload), err));
    assert_int_equal(count, 2);
    assert_true(secret_equal(slice_of(out->keys.data, 32), secret_slice(&it->key)));
    assert_false(secret_equal(slice_of(out->keys.data, 32), slice_of(out->keys.data + 32, 32)));
    assert_ok(protector_parse(&out->egress, buf_slice(&response.egress_protector), NULL, err));
    assert_ok(protector_verify(out->egress, err));
    assert_ok(protector_verify_transport_key(out->egress, slice_of(out->keys.data + 32, 32), err));
    out->wrapped_size = response.encrypted_wrapping_key.size;
    out->keys_size = response.encrypted_transport_keys.size;
}

/* Who signed it last. */
static inline void expect_signed_by(const struct opened *opened, const struct guardian *guardian)
{
    const struct protector_wrapping *last = protector_last_guardian(opened->egress);
    assert_true(slice_equal(certificate_der(last->signing_certificate),
                            certificate_der(guardian->signing)));
}
