#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make-cabinet.py IN OUT

Makes of a cabinet one that looks signed, as Microsoft's TrustedTpm.cab does (eventlog-facts.md 7.6): a reserve in the header that says
where the signature is, and the signature (here: some bytes) behind the cabinet.
"""
import struct
import sys

cabinet = bytearray(open(sys.argv[1], "rb").read())
signature = b"\x30\x03signature"
size, files, folders, flags = (struct.unpack_from("<I", cabinet, 8)[0], struct.unpack_from("<I", cabinet, 16)[0],
                               struct.unpack_from("<H", cabinet, 26)[0], struct.unpack_from("<H", cabinet, 30)[0])
assert cabinet[:4] == b"MSCF" and flags == 0
grown = 4 + 20
struct.pack_into("<I", cabinet, 8, size + grown)
struct.pack_into("<I", cabinet, 16, files + grown)
struct.pack_into("<H", cabinet, 30, 4)
for folder in range(folders):
    at = 36 + 8 * folder
    struct.pack_into("<I", cabinet, at, struct.unpack_from("<I", cabinet, at)[0] + grown)
reserve = struct.pack("<HBB", 20, 0, 0) + struct.pack("<III", 0x00100000, size + grown, len(signature)) + bytes(8)
open(sys.argv[2], "wb").write(bytes(cabinet[:36]) + reserve + bytes(cabinet[36:]) + signature)
