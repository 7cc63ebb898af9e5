/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether the service can use the private key of a guardian certificate: it has the keyholder sign,
 * or decrypt, and compares. */

#include "keyholder/keyholder.h"
#include "keyprotection/certificate.h"

/* The key must be loaded. Errors of keyholder/; crypto.signature-wrong or admin.unhealthy when the
 * key is another than the certificate's. */
bool certificate_proof(const struct keyprotection_certificate *certificate,
                       struct keyholder *keyholder, struct error *err);
