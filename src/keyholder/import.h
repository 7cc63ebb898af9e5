/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Keys from outside: a PFX file, or a PEM private key with its certificate (PEM or DER), read from
 * descriptors that the service passed on unread. This process parses them because it may hold
 * private keys and has nothing else to lose.
 */

#include "keyholder/keyholder.h"

#define IMPORT_FILE_MAX (1u << 20)

/*
 * certificate_fd < 0: key_fd is a PFX. password_fd < 0: no password. The certificate's DER is
 * appended to certificate. Errors of crypto/ (crypto.pkcs12-*, crypto.password-wrong,
 * crypto.key-mismatch, crypto.key-unsupported when the key cannot serve the purpose…), base.file-*.
 */
bool import_read(struct private_key **key, struct buf *certificate, enum key_purpose purpose,
                 int key_fd, int certificate_fd, int password_fd, struct error *err);
