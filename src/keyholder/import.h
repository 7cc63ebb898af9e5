/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Keys from outside: a PFX file, or a PEM private key with its certificate (PEM or DER), as an
 * administrator gave them (meeting.h). This process parses them because it may hold
 * private keys and has nothing else to lose.
 */

#include "keyholder/meeting.h"

#define IMPORT_FILE_MAX (1u << 20)

/*
 * Without MEETING_CERTIFICATE, MEETING_KEY is a PFX; without MEETING_PASSWORD there is none. The
 * certificate's DER is appended to certificate. Errors of crypto/ (crypto.pkcs12-*,
 * crypto.password-wrong, crypto.key-mismatch, crypto.key-unsupported when the key cannot serve the
 * purpose…), base.file-*.
 */
bool import_read(struct private_key **key, struct buf *certificate, enum key_purpose purpose,
                 const struct meeting *files, struct error *err);
