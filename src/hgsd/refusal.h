/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Requests that no service ever saw, because HTTP itself or the route table refused them, in the
 * audit trail: the event "http.refused". */

#include "audit/audit.h"
#include "http/server.h"

/* Never waits; limited as audit_append_limited says. */
void refusal_record(struct audit *audit, const struct http_refusal *refusal);
