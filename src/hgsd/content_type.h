/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a body is declared to be what its route takes (RFC 9110 8.3). A body without a
 * Content-Type is taken for what it should be, since there are clients that send none; any other
 * declaration, also a form's, is a mistake, or a browser that somebody lured here.
 */

#include <stdbool.h>

/* value: of the header, or NULL. application/json, text/json, any +json. */
bool content_type_is_json(const char *value);
/* application/xml, text/xml, any +xml. */
bool content_type_is_xml(const char *value);
