#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes transport_key.txt: payloads and transport key signatures (protocol.md 3).

Provenance: Python's standard library only (hashlib, hmac, struct), written from MS-KPS 2.2.3.10 and
XML Encryption 1.1 section 5.4.1; no code of this project takes part.
"""
import hashlib
import hmac
import struct

key1 = bytes(range(32))
key2 = bytes(range(100, 132))
wrappings = b'<Wrappings xmlns="http://schemas.microsoft.com/kps/2014/07"></Wrappings>'


def payload(version, keys):
    body = struct.pack("<III", version, len(keys), 32) + b"".join(keys)
    if version == 2:
        body += struct.pack("<I", 0)
    return struct.pack("<I", len(body) + 4) + body


derived = hashlib.sha256(struct.pack(">I", 1) + key1 + b"TransportKeySignature").digest()
rows = {
    "key1": key1,
    "key2": key2,
    "payload_v1_one": payload(1, [key1]),
    "payload_v1_two": payload(1, [key1, key2]),
    "payload_v2_two": payload(2, [key1, key2]),
    "payload_v2_policy": (lambda p: struct.pack("<I", len(p) + 4) + p)(
        struct.pack("<III", 2, 1, 32) + key1 + struct.pack("<IIII", 1, 1, 6, 3) + b"abc"),
    "wrappings": wrappings,
    "mac_sha256": hmac.new(derived, wrappings, hashlib.sha256).digest(),
    "mac_sha384": hmac.new(derived, wrappings, hashlib.sha384).digest(),
    "mac_sha512": hmac.new(derived, wrappings, hashlib.sha512).digest(),
}
with open(__file__.replace(".py", ".txt"), "w") as out:
    out.write("# Made by transport_key.py (Python's standard library); protocol.md 3.\n")
    for name, value in rows.items():
        out.write(f"{name} {value.hex()}\n")
