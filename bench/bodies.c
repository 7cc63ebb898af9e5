/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-bodies: the requests that bench-load sends, made ahead so that making them costs the
 * measurement nothing.
 *
 *   attest FOLDER HOSTS BODIES   host keys host-N.pub, and attest-N.json: each a host's request
 *                                over a new identity key
 *   roll FOLDER METADATA BODIES CERTIFICATE…
 *                                roll-N.xml: each a new protector of one of a few owners for the
 *                                service's guardian, with one of the health certificates
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "host/attest_key.h"
#include "host/host_key.h"
#include "keyprotection/message.h"
#include "protector/metadata.h"

#define SIZE_MAX_BODY (1024UL * 1024)
#define OWNERS 8

static void check(bool good, const struct error *err)
{
    if (good)
        return;
    fprintf(stderr, "bench-bodies: %s: %s (%s)\n", err->object, err->message, err->code->name);
    exit(1);
}

static void write_file(const char *folder, const char *name, size_t number, const char *ending,
                       struct slice bytes)
{
    struct error err = {0};
    _cleanup_free_ char *path = memory_format("%s/%s-%zu.%s", folder, name, number, ending);
    remove(path);
    check(file_create(path, bytes, 0600, &err), &err);
}

static struct private_key *new_key(void)
{
    struct error err = {0};
    struct private_key *key = NULL;
    check(private_key_generate(&key, PRIVATE_KEY_RSA_2048, &err), &err);
    return key;
}

static void write_public(const char *folder, size_t number, const struct private_key *key)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, SIZE_MAX_BODY);
    host_key_format_public(&text, private_key_public(key));
    write_file(folder, "host", number, "pub", buf_slice(&text));
}

static int make_attestations(const char *folder, size_t hosts, size_t bodies)
{
    struct private_key **keys = memory_allocate_zero(hosts, sizeof(struct private_key *));
    for (size_t i = 0; i < hosts; i++) {
        keys[i] = new_key();
        write_public(folder, i, keys[i]);
    }
    for (size_t i = 0; i < bodies; i++) {
        struct error err = {0};
        _cleanup_private_key_ struct private_key *identity = new_key();
        _cleanup_buf_ struct buf body;
        buf_init(&body, SIZE_MAX_BODY);
        check(host_attest_key_format(&body, keys[i % hosts], private_key_public(identity), &err),
              &err);
        write_file(folder, "attest", i, "json", buf_slice(&body));
    }
    for (size_t i = 0; i < hosts; i++)
        private_key_free(&keys[i]);
    free(keys);
    return 0;
}

static void read_guardian(struct guardian *out, const char *path, int64_t now)
{
    struct error err = {0};
    struct metadata_checks checks = {.allow_untrusted_root = true, .now = now};
    _cleanup_buf_ struct buf document;
    buf_init(&document, METADATA_SIZE_MAX);
    check(file_read(&document, path, &err) &&
              metadata_parse(out, buf_slice(&document), &checks, &err),
          &err);
}

static void make_roll(const char *folder, size_t number, const struct guardian *owner,
                      const struct guardian *service, const char *certificate)
{
    struct error err = {0};
    struct secret key = SECRET_EMPTY;
    _cleanup_buf_ struct buf document, health, body;
    buf_init(&document, SIZE_MAX_BODY);
    buf_init(&health, SIZE_MAX_BODY);
    buf_init(&body, SIZE_MAX_BODY);
    const struct guardian *guardians[] = {service};
    check(file_read(&health, certificate, &err) &&
              protector_create(&document, &key, owner, guardians, 1, &err),
          &err);
    roll_request_format(&body, buf_slice(&document), buf_slice(&health),
                        ENCRYPTION_RSA_OAEP_SHA256);
    write_file(folder, "roll", number, "xml", buf_slice(&body));
    secret_done(&key);
}

static int make_rolls(const char *folder, const char *metadata, size_t bodies, char **certificates,
                      size_t count)
{
    struct error err = {0};
    struct clock clock;
    struct guardian service = {0}, owners[OWNERS] = {{0}};
    clock_init(&clock);
    int64_t now = clock_now(&clock);
    read_guardian(&service, metadata, now);
    for (size_t i = 0; i < OWNERS; i++)
        check(guardian_generate(&owners[i], "owner", now, &err), &err);
    for (size_t i = 0; i < bodies; i++)
        make_roll(folder, i, &owners[i % OWNERS], &service, certificates[i % count]);
    for (size_t i = 0; i < OWNERS; i++)
        guardian_done(&owners[i]);
    guardian_done(&service);
    return 0;
}

int main(int count, char **words)
{
    if (count == 5 && strcmp(words[1], "attest") == 0 && atoi(words[3]) > 0)
        return make_attestations(words[2], (size_t)atoi(words[3]), (size_t)atoi(words[4]));
    if (count > 5 && strcmp(words[1], "roll") == 0)
        return make_rolls(words[2], words[3], (size_t)atoi(words[4]), words + 5, (size_t)count - 5);
    fputs("usage: bench-bodies attest FOLDER HOSTS BODIES\n"
          "       bench-bodies roll FOLDER METADATA BODIES CERTIFICATE…\n",
          stderr);
    return 2;
}
