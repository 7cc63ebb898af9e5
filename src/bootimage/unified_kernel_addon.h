/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Add-ons of unified kernel images (systemd-stub(7), NAME.addon.efi): signed EFI images that the
 * stub finds beside an image and whose command line it appends, after measuring it into PCR 12.
 */

#include "bootimage/digests.h"

struct unified_kernel_addon {
    struct buf command_line; /* UTF-8, as the stub appends it */
    struct digests measured; /* of its UTF-16LE form with a NUL: the event in PCR 12 */
    struct digests image;    /* Authenticode: firmware measures the file into PCR 4 */
};

/* Reads an add-on with a command line and nothing else. Of several add-ons beside one image the
 * stub measures the joined text, which none of them gives. bootimage.not-addon,
 * bootimage.command-line and the errors of pe_parse. Freed with unified_kernel_addon_done. */
bool unified_kernel_addon_parse(struct unified_kernel_addon *out, struct slice bytes,
                                struct error *err);
void unified_kernel_addon_done(struct unified_kernel_addon *addon);
#define _cleanup_unified_kernel_addon_ __attribute__((cleanup(unified_kernel_addon_done)))
