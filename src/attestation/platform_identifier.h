/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The platform identifier (protocol.md 2.3): the file by which a host with a TPM is registered.
 * `hgs host identify` writes it, `hgsctl host add --tpm` reads it:
 *
 *   <PlatformIdentifier xmlns="urn:hgs:platform-identifier" Name="…" Version="1">
 *     <EndorsementKey>base64 of a TPM2B_PUBLIC</EndorsementKey>
 *     <EndorsementKeyCertificate>base64 of DER</EndorsementKeyCertificate>   if the TPM has one
 *     <EndorsementKeyCertificateChain/>   base64 of DER, one behind the other, if the TPM holds it
 *     <SystemUuid/> <SerialNumber/> <MacAddress/>… <TpmManufacturer/> <TpmFirmwareVersion/>
 *   </PlatformIdentifier>
 *
 * Other files are read too, that of Windows' Get-PlatformIdentifier above all, of which no public
 * description is known: whatever the root and the names, elements without children whose text is
 * base64 of an endorsement key or its certificate count, and all of them must be about one key.
 */

#include "base/buf.h"
#include "base/error.h"
#include "crypto/certificate.h"

#define PLATFORM_IDENTIFIER_SIZE_MAX (256 * 1024)
#define PLATFORM_IDENTIFIER_TEXT_SIZE 129
#define PLATFORM_IDENTIFIER_MACS_MAX 16

#define PLATFORM_IDENTIFIER_CHAIN_MAX 16384

struct platform_identifier {
    char name[PLATFORM_IDENTIFIER_TEXT_SIZE]; /* empty: the file names none */
    struct buf endorsement_key; /* TPM2B_PUBLIC or TPMT_PUBLIC; empty: only its key is known */
    struct buf key;             /* its DER SubjectPublicKeyInfo; not needed for writing */
    struct buf
        chain; /* of the certificate, without the root: DER, one behind the other; or empty */
    struct buf certificate; /* DER; empty: there is none */
    /* For people; empty when not known. */
    char system_uuid[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char serial_number[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char mac_addresses[PLATFORM_IDENTIFIER_MACS_MAX][24];
    size_t mac_address_count;
    char tpm_manufacturer[PLATFORM_IDENTIFIER_TEXT_SIZE];
    char tpm_firmware_version[PLATFORM_IDENTIFIER_TEXT_SIZE];
};

/* Empty, with the limits of its buffers set. */
void platform_identifier_init(struct platform_identifier *identifier);
void platform_identifier_done(struct platform_identifier *identifier);
#define _cleanup_platform_identifier_ __attribute__((cleanup(platform_identifier_done)))

/* Appends the document, with an XML declaration and a newline at the end. */
void platform_identifier_format(struct buf *out, const struct platform_identifier *identifier);
/*
 * Reads a file: UTF-8 or UTF-16 with a byte order mark. Freed with platform_identifier_done.
 * attestation.identifier-malformed; attestation.identifier-no-key (also what is wrong with a key
 * that nearly is one); attestation.identifier-several-keys; base.xml-*, base.text-malformed.
 */
bool platform_identifier_parse(struct platform_identifier *out, struct slice file,
                               struct error *err);
