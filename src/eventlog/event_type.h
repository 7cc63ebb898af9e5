/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What types of events are called (PFP 10.4.1). */

#include <stdint.h>

/* "EV_SEPARATOR"; NULL: a type that we have no name for. */
const char *eventlog_type_name(uint32_t type);
/* What the digest of such an event is of: "a separator"; NULL likewise. */
const char *eventlog_type_words(uint32_t type);
