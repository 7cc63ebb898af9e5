/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hosts are registered one after the other: between looking whether a key is known and having it in
 * the map where it is looked for, nobody else may register it under another name. */

void registering_begin(void);
void registering_end(void);
