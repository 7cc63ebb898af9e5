/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For processes that give up their files after start (design.md, Processes and trust). */

/* Has OpenSSL read its configuration, fetch what this room uses and seed its generator, so that no
 * call into this room opens a file afterwards. Further calls do nothing. */
void library_prepare(void);
