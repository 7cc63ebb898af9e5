/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files of certificates as authorities, vendors and other services hand them out: a DER
 * certificate, a DER PKCS#7 (CMS SignedData), or PEM with any number of CERTIFICATE and PKCS7
 * blocks (RFC 7468 sections 5 and 8).
 */

#include "crypto/certificate.h"

/* Called with the DER of each certificate, in the file's order. False stops, having set err. */
typedef bool certificate_file_each(void *context, struct slice der, struct error *err);

/*
 * Finds the certificates of a file and hands on each, not parsed yet. A file without any is
 * crypto.certificate-malformed, and so is PEM with a damaged block; crypto.cms-malformed for what
 * begins as PKCS#7 and is none. At most PEM_FILE_SIZE_MAX bytes.
 */
bool certificate_file_read(struct slice bytes, certificate_file_each *each, void *context,
                           struct error *err);
