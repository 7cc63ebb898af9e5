/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the tests of keyprotection/ share: a store, a real keyholder process with the service's
 * guardian keys, an owner, an attestation signer, and hosts with health certificates.
 */

#include "../keyholder/running.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "keyholder/errors.h"
#include "keyprotection/certificate.h"
#include "keyprotection/errors.h"
#include "keyprotection/message.h"
#include "keyprotection/snapshot.h"
#include "protector/errors.h"
#include "protector/guardian.h"
#include "protector/metadata.h"

#define NOW 1800000000
#define HOUR 3600
#define HOST "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

/* One guardian of the service: keys in the keyholder, certificates here. */
struct service_guardian {
    struct public_key *signing_key, *encryption_key;
    struct guardian guardian; /* as an owner knows it */
};

static struct world {
    struct running running;
    char store_path[FOLDER_SIZE];
    struct store *store;
    struct service_guardian service;
    struct guardian owner;
    struct private_key *signer_key; /* of the attestation service */
    struct certificate *signer;
    struct private_key *health_key; /* of a host */
} world;

static inline void expect_code(bool good, const struct error *err, const struct error_code *code)
{
    if (!good && err->code == code)
        return;
    char text[2048];
    fail_msg("expected %s, got %s", code->name,
             good ? "no refusal" : error_format(err, text, sizeof text));
}

static inline struct certificate *issue(const struct certificate_template *form,
                                        const struct signer *signer)
{
    struct certificate *certificate = NULL;
    struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_ok(certificate_issue(&der, form, signer, err));
    assert_ok(certificate_parse(&certificate, buf_slice(&der), err));
    buf_done(&der);
    return certificate;
}

/* A self-signed attestation signer. */
static inline struct certificate *issue_signer(const struct private_key *key, const char *name)
{
    struct signer signer = signer_of_key(key);
    struct certificate_template form = {
        .subject_cn = name,
        .subject_key = signer.public_key,
        .not_before = NOW - 24 * HOUR,
        .not_after = NOW + 24 * HOUR,
        .usage = CERTIFICATE_KEY_CERT_SIGN,
        .authority = true,
    };
    return issue(&form, &signer);
}

/* What a good health certificate is; tests change one thing of it. */
static inline struct certificate_template health_form(void)
{
    return (struct certificate_template){
        .subject_cn = HOST,
        .subject_key = private_key_public(world.health_key),
        .issuer = world.signer,
        .not_before = NOW - 300,
        .not_after = NOW + 8 * HOUR,
        .usage = CERTIFICATE_KEY_ENCIPHERMENT,
        .health_policy = true,
    };
}

static inline struct certificate *issue_health(const struct certificate_template *form)
{
    struct signer signer = signer_of_key(world.signer_key);
    return issue(form, &signer);
}

static inline void make_service_guardian(struct service_guardian *out, const char *name)
{
    struct running *running = &world.running;
    out->signing_key =
        running_key(running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    out->encryption_key =
        running_key(running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    struct keyholder_key reference = {running->keyholder, out->signing_key};
    struct signer signer = keyholder_signer(&reference);
    struct certificate_template form = {
        .subject_cn = name,
        .subject_key = out->signing_key,
        .not_before = NOW - HOUR,
        .not_after = NOW + HOUR,
        .usage = CERTIFICATE_DIGITAL_SIGNATURE,
    };
    struct guardian *guardian = &out->guardian;
    guardian->signing = issue(&form, &signer);
    form.subject_key = out->encryption_key;
    form.issuer = guardian->signing;
    form.usage = CERTIFICATE_KEY_ENCIPHERMENT;
    guardian->encryption = issue(&form, &signer);
    guardian->encryption_signature_algorithm = SIGNATURE_RSA_PKCS1_SHA256;
    buf_init(&guardian->encryption_signature, 1024);
    assert_ok(signer.sign(signer.context, guardian->encryption_signature_algorithm,
                          certificate_der(guardian->encryption), &guardian->encryption_signature,
                          err));
}

static inline void free_service_guardian(struct service_guardian *it)
{
    public_key_free(&it->signing_key);
    public_key_free(&it->encryption_key);
    guardian_done(&it->guardian);
}

static inline void put_record(enum store_kind kind, const char *key, struct slice value)
{
    struct store_change change = {.kind = kind, .key = key, .value = value, .expected = STORE_ANY};
    assert_ok(store_commit(world.store, &change, 1, NULL, err));
}

static inline void format_signer_record(struct buf *out, const struct certificate *certificate,
                                        int64_t deny_before)
{
    struct json_writer writer;
    buf_init(out, 65536);
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "certificate", certificate_der(certificate));
    json_write_text(&writer, "node", "n1");
    json_write_integer(&writer, "publish_at", NOW - 24 * HOUR);
    if (deny_before)
        json_write_integer(&writer, "deny_before", deny_before);
    json_write_object_end(&writer);
}

static inline void put_signer(enum store_kind kind, const struct certificate *certificate,
                              int64_t deny_before)
{
    char key[65];
    struct buf value;
    format_signer_record(&value, certificate, deny_before);
    hex_format(slice_of(certificate_facts(certificate)->thumbprint, 32), key);
    put_record(kind, key, buf_slice(&value));
    buf_done(&value);
}

static inline void put_certificate(enum keyprotection_certificate_type type,
                                   struct certificate *certificate, bool primary, bool enabled)
{
    char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    struct keyprotection_certificate it = {.type = type,
                                           .certificate = certificate,
                                           .primary = primary,
                                           .enabled = enabled,
                                           .added = NOW};
    memcpy(it.key_id, public_key_digest(certificate_key(certificate)), 32);
    struct buf value;
    buf_init(&value, 65536);
    keyprotection_certificate_format(&value, &it);
    put_record(
        STORE_CERTIFICATE,
        keyprotection_certificate_record_key(type, certificate_facts(certificate)->thumbprint, key),
        buf_slice(&value));
    buf_done(&value);
}

static inline struct keyprotection_snapshot *load_snapshot(void)
{
    struct keyprotection_snapshot *snapshot = NULL;
    assert_ok(keyprotection_snapshot_load(&snapshot, world.store, err));
    return snapshot;
}

static inline void make_protector(struct buf *document, struct secret *key,
                                  const struct guardian *guardian)
{
    const struct guardian *guardians[] = {guardian};
    buf_init(document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(document, key, &world.owner, guardians, guardian ? 1 : 0, err));
}

static inline int make_world(void **state)
{
    (void)state;
    running_start(&world.running, 2);
    folder_make(world.store_path);
    assert_ok(store_open_sqlite(&world.store, folder_at(world.store_path, "hgs.db"), err));
    assert_ok(guardian_generate(&world.owner, "owner", NOW, err));
    assert_ok(private_key_generate(&world.signer_key, PRIVATE_KEY_RSA_2048, err));
    assert_ok(private_key_generate(&world.health_key, PRIVATE_KEY_RSA_2048, err));
    world.signer = issue_signer(world.signer_key, "HGS Attestation Signer n1");
    make_service_guardian(&world.service, "service");
    put_certificate(KEYPROTECTION_SIGNING, world.service.guardian.signing, true, true);
    put_certificate(KEYPROTECTION_ENCRYPTION, world.service.guardian.encryption, true, true);
    put_signer(STORE_ATTESTATION_SIGNER, world.signer, 0);
    return 0;
}

static inline int free_world(void **state)
{
    (void)state;
    running_stop(&world.running);
    store_close(&world.store);
    folder_remove(world.store_path);
    free_service_guardian(&world.service);
    guardian_done(&world.owner);
    private_key_free(&world.signer_key);
    private_key_free(&world.health_key);
    certificate_free(&world.signer);
    return 0;
}
