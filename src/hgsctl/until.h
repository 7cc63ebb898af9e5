/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ends of policies as administrators say them. */

#include "hgsctl/call.h"

/* Option "until", as argument of the call: a time (2026-11-30, 2026-11-30T10:00:00Z) or how long
 * from now (36h, 30d). Not given: nothing. False with call->err set. */
bool until_add(struct call *call);
