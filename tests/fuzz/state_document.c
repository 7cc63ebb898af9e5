/* SPDX-License-Identifier: Apache-2.0 */

/* The store's import: the document that a keyholder took out of a backup, then each of its records
 * as the rooms read them when they are in the store. */

#include "admin/document.h"
#include "attestation/host.h"
#include "attestation/settings.h"
#include "attestation/signer.h"
#include "base/file.h"
#include "keyprotection/certificate.h"
#include "store/key.h"

#include <sys/mman.h>
#include <unistd.h>

#include "require.h"

static void read_host(struct slice value)
{
    struct error err = {0};
    struct attestation_host host, again;
    _cleanup_buf_ struct buf text;
    buf_init(&text, STORE_VALUE_MAX);
    if (!attestation_host_parse(&host, value, &err)) {
        require(err.code != NULL);
        return;
    }
    attestation_host_format(&text, &host);
    if (host.mode == ATTESTATION_MODE_HOST_KEY) {
        require(attestation_host_parse(&again, buf_slice(&text), NULL));
        require(strcmp(again.name, host.name) == 0 && again.added == host.added);
        attestation_host_done(&again);
    }
    attestation_host_done(&host);
}

static void read_certificate(const char *key, struct slice value)
{
    struct error err = {0};
    struct keyprotection_certificate certificate = {0};
    if (keyprotection_certificate_parse(&certificate, key, value, &err))
        keyprotection_certificate_done(&certificate);
    else
        require(err.code != NULL);
}

static void read_signer(const char *key, struct slice value)
{
    struct error err = {0};
    struct attestation_signer signer = {0};
    if (attestation_signer_parse(&signer, key, value, 1, &err))
        attestation_signer_done(&signer);
    else
        require(err.code != NULL);
}

static void read_settings(struct slice value)
{
    struct attestation_settings settings;
    struct error err = {0};
    attestation_settings_init(&settings);
    attestation_settings_parse_service(&settings, value, &err);
    if (attestation_settings_parse(&settings, value, &err))
        require(settings.health_certificate_seconds >= 300 &&
                settings.health_certificate_seconds <= 604800);
}

static void read_record(const struct document_item *item)
{
    struct error err = {0};
    require(item->key != NULL);
    store_key_check(item->key, &err);
    /* Whatever its kind: it is read as what somebody who made the backup wants it to be. */
    read_host(item->value);
    read_certificate(item->key, item->value);
    read_signer(item->key, item->value);
    read_settings(item->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct document document;
    _cleanup_fd_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && file_write_fd(fd, slice_of(data, size), "fuzz", NULL));
    require(lseek(fd, 0, SEEK_SET) == 0);
    if (document_read(&document, fd, &err)) {
        document_set_mode(&document, "hostkey", &err);
        for (size_t i = 0; i < document.count; i++)
            read_record(&document.items[i]);
    } else {
        require(err.code != NULL);
    }
    document_done(&document);
    return 0;
}
