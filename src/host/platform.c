/* SPDX-License-Identifier: Apache-2.0 */
#include "host/platform.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/file.h"
#include "base/memory.h"
#include "tpm/endorsement_certificate.h"

#define NETWORK "/sys/class/net"
#define DMI "/sys/class/dmi/id/"

/* The first line of a small file of the kernel's, as far as it is printable; "" where there is
 * none. */
static void read_line(char *out, size_t size, const char *path)
{
    struct buf text;
    buf_init(&text, 4096);
    out[0] = '\0';
    if (file_read(&text, path, NULL)) {
        const char *line = buf_text(&text);
        size_t used = 0;
        while (used + 1 < size && isprint((unsigned char)line[used])) {
            out[used] = line[used];
            used++;
        }
        while (used > 0 && out[used - 1] == ' ')
            used--;
        out[used] = '\0';
    }
    buf_done(&text);
}

/* Cards have a device behind them; bridges and tunnels have not. */
static int is_card(const struct dirent *entry)
{
    _cleanup_free_ char *path = memory_format(NETWORK "/%s/device", entry->d_name);
    return entry->d_name[0] != '.' && access(path, F_OK) == 0;
}

static void read_macs(struct platform_identifier *out)
{
    struct dirent **entries = NULL;
    int count = scandir(NETWORK, &entries, is_card, alphasort);
    for (int i = 0; i < count; i++) {
        _cleanup_free_ char *path = memory_format(NETWORK "/%s/address", entries[i]->d_name);
        if (out->mac_address_count < PLATFORM_IDENTIFIER_MACS_MAX) {
            char *mac = out->mac_addresses[out->mac_address_count];
            read_line(mac, sizeof out->mac_addresses[0], path);
            out->mac_address_count += mac[0] != '\0';
        }
        free(entries[i]);
    }
    free(entries);
}

/* Four characters in a word, the first one highest. */
static void append_characters(char *out, size_t size, uint32_t word)
{
    size_t used = strlen(out);
    for (int shift = 24; shift >= 0 && used + 1 < size; shift -= 8) {
        char c = (char)(word >> shift & 0xff);
        if (isprint((unsigned char)c))
            out[used++] = c;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

static void read_tpm(struct platform_identifier *out, struct host_tpm_device *device)
{
    uint32_t word = 0, first = 0, second = 0;
    if (host_tpm_device_property(device, TPM2_PT_MANUFACTURER, &word))
        append_characters(out->tpm_manufacturer, sizeof out->tpm_manufacturer, word);
    if (host_tpm_device_property(device, TPM2_PT_FIRMWARE_VERSION_1, &first) &&
        host_tpm_device_property(device, TPM2_PT_FIRMWARE_VERSION_2, &second))
        snprintf(out->tpm_firmware_version, sizeof out->tpm_firmware_version, "%u.%u.%u.%u",
                 first >> 16, first & 0xffff, second >> 16, second & 0xffff);
}

bool host_platform_read(struct platform_identifier *out,
                        const struct host_tpm_endorsement *endorsement, const char *name,
                        struct error *err)
{
    struct slice nv = buf_slice(&endorsement->certificate), certificate = SLICE_EMPTY;
    if (nv.size > 0 && !tpm_endorsement_certificate_cut(&certificate, nv, err))
        return false;
    platform_identifier_init(out);
    snprintf(out->name, sizeof out->name, "%s", name);
    buf_append(&out->endorsement_key, buf_slice(&endorsement->public_area));
    buf_append(&out->certificate, certificate);
    buf_append(&out->chain, buf_slice(&endorsement->chain));
    read_line(out->system_uuid, sizeof out->system_uuid, DMI "product_uuid");
    read_line(out->serial_number, sizeof out->serial_number, DMI "product_serial");
    read_macs(out);
    read_tpm(out, endorsement->device);
    return true;
}
