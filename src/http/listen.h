/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Listening sockets from addresses as people write them: "127.0.0.1:8080", "[::1]:0", "*:80".
 *
 * "*" is both families on one socket; "[::]" is IPv6 only, as "0.0.0.0" is IPv4 only. Names such as
 * "localhost" are refused: a name can stand for several addresses or change, and what a service
 * listens on should be read off its configuration.
 */

#include "base/error.h"

/* Whether the address is of this form; http.address-unusable. */
bool listen_check(const char *address, struct error *err);

/*
 * Binds and listens (non-blocking, close-on-exec). *port: the one that was bound, for port 0.
 * http.address-unusable, about the address: not of this form, in use, no permission, not on this
 * machine.
 */
bool listen_open(int *fd, unsigned *port, const char *address, struct error *err);
