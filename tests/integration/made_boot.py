# SPDX-License-Identifier: Apache-2.0
"""Boots of images that a test makes: a recorded boot in which the image is another one.

    image = unified_kernel("quiet lockdown=integrity")     # the bytes of an EFI image, for hgsctl policy add --ci
    boot = boot_of(Boot.load(folder), image)               # what a machine like that one measures when it starts this image

The images are whole in form and start nothing. What a machine measures of an image is computed here, apart from src/bootimage.
"""
import copy
import hashlib
import struct

from swtpm import EV_IPL, SHA256, Boot

EV_EFI_BOOT_SERVICES_APPLICATION, EV_EVENT_TAG = 0x80000003, 6
LOAD_OPTIONS, INITRD = 0x8F3B22ED, 0x8F3B22EC
MEASURED = (".linux", ".osrel", ".cmdline", ".initrd")  # of systemd-stub 252, in its order


def efi_image(sections):
    """A PE32+ image for x86-64: [(name, contents)]."""
    headers, at, places = 0x400, 0x400, []
    for _, contents in sections:
        places.append(at)
        at += (len(contents) + 511) // 512 * 512
    image = b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0"
    image += struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 240, 0x22E)
    image += struct.pack("<HBBIIIII", 0x20B, 2, 0, 0x200, 0x200, 0, 0x1000, 0x1000)
    image += struct.pack("<QII", 0x10000, 0x1000, 0x200) + bytes(16)
    image += struct.pack("<IIIHH", 0x1000 * (len(sections) + 1), headers, 0, 10, 0x100)
    image += struct.pack("<QQQQII", 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    for index, (name, contents) in enumerate(sections):
        image += struct.pack("<8sIIII12xI", name.encode(), len(contents), 0x1000 * (index + 1),
                             (len(contents) + 511) // 512 * 512, places[index], 0x60000020)
    image += bytes(headers - len(image))
    for _, contents in sections:
        image += contents + bytes(-len(contents) % 512)
    return image


def unified_kernel(command_line, kernel=b"kernel" * 100, initrd=b"initrd" * 300):
    """A unified kernel image as systemd-stub 252 makes them, unsigned."""
    return efi_image([(".text", b"stub" * 100), (".osrel", b"ID=made\n"), (".cmdline", command_line.encode()),
                      (".initrd", initrd), (".linux", efi_image([(".text", kernel)])),
                      (".sdmagic", b"#### LoaderInfo: systemd-stub 252.39-1 ####\0")])


def sections(image):
    """{name: contents} of an image."""
    header, = struct.unpack_from("<I", image, 0x3C)
    count, size = struct.unpack_from("<H", image, header + 6)[0], struct.unpack_from("<H", image, header + 20)[0]
    found = {}
    for i in range(count):
        name, length, _, _, place = struct.unpack_from("<8sIIII", image, header + 24 + size + 40 * i)
        found[name.rstrip(b"\0").decode()] = image[place:place + length]
    return found


def authenticode(image):
    """SHA-256 of an image without signatures: all but its checksum and the place of its signatures."""
    header, = struct.unpack_from("<I", image, 0x3C)
    checksum, signatures = header + 24 + 64, header + 24 + 112 + 4 * 8
    return hashlib.sha256(image[:checksum] + image[checksum + 4:signatures] + image[signatures + 8:]).digest()


def boot_of(recorded, image):
    """A recorded boot of systemd-stub 252, with this image instead, and IMA's own entry about it."""
    parts = sections(image)
    pairs = [part for name in MEASURED for part in (name.encode() + b"\0", parts[name])]
    boot = Boot(recorded.header, copy.deepcopy(recorded.events))
    for event in boot.events:
        measured = None
        if event.pcr == 4 and event.kind == EV_EFI_BOOT_SERVICES_APPLICATION:
            event.digests = {SHA256: authenticode(image)}
        elif event.pcr == 11 and event.kind == EV_IPL:
            measured = pairs.pop(0)
        elif event.kind == EV_EVENT_TAG and event.data.startswith(struct.pack("<I", LOAD_OPTIONS)):
            measured = parts[".cmdline"].decode().encode("utf-16-le") + b"\0\0"
        elif event.kind == EV_EVENT_TAG and event.data.startswith(struct.pack("<I", INITRD)):
            measured = parts[".initrd"]
        if measured is not None:
            event.digests = {SHA256: hashlib.sha256(measured).digest()}
    if pairs:
        raise ValueError("the recorded boot has fewer sections")
    boot.ima = boot_aggregate(boot)
    return boot


def replay(boot):
    """{pcr: value} of the SHA-256 bank after the firmware's log."""
    values = {pcr: bytes(32) for pcr in range(24)}
    for pcr, digest in boot.extends():
        values[pcr] = hashlib.sha256(values[pcr] + digest).digest()
    return values


def boot_aggregate(boot):
    """The first entry of every IMA list: the digest of PCRs 0 to 9, in the template ima-ng."""
    values = replay(Boot(boot.header, boot.events))
    aggregate = hashlib.sha256(b"".join(values[pcr] for pcr in range(10))).digest()
    return ima_entry(b"sha256:\0" + aggregate, b"boot_aggregate\0")


def ima_entry(digest, name):
    data = struct.pack("<I", len(digest)) + digest + struct.pack("<I", len(name)) + name
    return (struct.pack("<I", 10) + hashlib.sha1(data).digest() + struct.pack("<I", 6) + b"ima-ng"
            + struct.pack("<I", len(data)) + data)
