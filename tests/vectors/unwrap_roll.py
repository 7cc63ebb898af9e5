#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unwraps a RollTransportKeyResponse as a host does, without any code of this project.

usage: unwrap_roll.py HEALTH_KEY.pem INGRESS.xml RESPONSE.xml

Checks everything that protocol.md section 3 lets a client check and prints both transport keys in
hexadecimal, ingress then egress. Written from the specifications: MS-KPS, RFC 3394 (key wrap), NIST
SP 800-38D (GCM), XML Encryption 1.1 (ConcatKDF), XML-DSig algorithm names. Python's standard library
gives hashes and XML parsing, the openssl command RSA and AES blocks, xmllint canonical XML.
"""
import base64
import hashlib
import hmac
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

KPS = "{http://schemas.microsoft.com/kps/2014/07}"
SERVICE = "{http://schemas.microsoft.com/kps/2014/07/service}"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
HMAC_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


def run(command, data=b""):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def check(truth, what):
    if not truth:
        sys.exit("unwrap_roll: " + what)


def unbase64(element):
    return base64.b64decode("".join(element.text.split()), validate=True)


def aes_block(key, block, decrypt=False):
    return run(["openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex()]
               + (["-d"] if decrypt else []), block)


def key_unwrap(key, wrapped):
    """RFC 3394 2.2.2."""
    n = len(wrapped) // 8 - 1
    a, r = wrapped[:8], [wrapped[8 * i:8 * i + 8] for i in range(1, n + 1)]
    for j in range(5, -1, -1):
        for i in range(n, 0, -1):
            t = struct.pack(">Q", int.from_bytes(a, "big") ^ (n * j + i))
            b = aes_block(key, t + r[i - 1], decrypt=True)
            a, r[i - 1] = b[:8], b[8:]
    check(a == b"\xa6" * 8, "the wrapping key's integrity check fails")
    return b"".join(r)


def gf_multiply(x, y):
    z = 0
    for i in range(127, -1, -1):
        if (x >> i) & 1:
            z ^= y
        y = (y >> 1) ^ (0xE1 << 120 if y & 1 else 0)
    return z


def gcm_open(key, sealed):
    """SP 800-38D 7.2, no additional data: 12-byte IV, ciphertext, 16-byte tag."""
    iv, ciphertext, tag = sealed[:12], sealed[12:-16], sealed[-16:]
    h = int.from_bytes(aes_block(key, bytes(16)), "big")
    s = 0
    padded = ciphertext + bytes(-len(ciphertext) % 16)
    for i in range(0, len(padded), 16):
        s = gf_multiply(s ^ int.from_bytes(padded[i:i + 16], "big"), h)
    s = gf_multiply(s ^ (len(ciphertext) * 8), h)
    first = aes_block(key, iv + struct.pack(">I", 1))
    expected = bytes(a ^ b for a, b in zip(s.to_bytes(16, "big"), first))
    check(hmac.compare_digest(expected, tag), "the GCM tag is wrong")
    plain = b""
    for i in range(0, len(ciphertext), 16):
        stream = aes_block(key, iv + struct.pack(">I", 2 + i // 16))
        plain += bytes(a ^ b for a, b in zip(ciphertext[i:i + 16], stream))
    return plain


def read_payload(payload):
    """MS-KPS 2.2.3.10.1 and 2.2.3.10.2."""
    size, version, count, length = struct.unpack("<IIII", payload[:16])
    check(size == len(payload) and version in (1, 2) and (count, length) == (2, 32), "payload")
    check(payload[80:] == (b"" if version == 1 else bytes(4)), "payload's end")
    return payload[16:48], payload[48:80]


def canonical(document):
    """The Wrappings element's own text, put in exclusive-canonical form by xmllint."""
    start, end = document.index(b"<Wrappings"), document.index(b"</Wrappings>")
    with tempfile.NamedTemporaryFile() as file:
        file.write(document[start:end + len(b"</Wrappings>")])
        file.flush()
        return run(["xmllint", "--nonet", "--exc-c14n", file.name])


def check_transport_key(document, key, what):
    signature = ET.fromstring(document).find(KPS + "TransportKeySignature/" + KPS + "Signature")
    check(signature.get("Algorithm") == HMAC_SHA256, what + " algorithm")
    derived = hashlib.sha256(struct.pack(">I", 1) + key + b"TransportKeySignature").digest()
    expected = hmac.new(derived, canonical(document), hashlib.sha256).digest()
    check(hmac.compare_digest(expected, unbase64(signature.find(KPS + "SignatureValue"))), what)


def verify(certificate, signature, message, what):
    check(signature.get("Algorithm") == RSA_SHA256, what + " algorithm")
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as value:
        key.write(run(["openssl", "x509", "-inform", "der", "-noout", "-pubkey"], certificate))
        value.write(unbase64(signature.find(KPS + "SignatureValue")))
        key.flush()
        value.flush()
        run(["openssl", "dgst", "-sha256", "-verify", key.name, "-signature", value.name], message)


def check_signatures(document):
    """The guardian signature, and both certificate signatures of every wrapping."""
    root = ET.fromstring(document)
    wrappings = {w.findtext(KPS + "Id"): w for w in root.iter(KPS + "Wrapping")}

    def signing(number):
        return unbase64(wrappings[number].find(KPS + "SigningCertificate"))

    for number, wrapping in wrappings.items():
        outer = wrapping.find(KPS + "SigningCertificateSignature")
        verify(signing(outer.get("ParentWrappingId")), outer.find(KPS + "Signature"),
               signing(number), "SigningCertificateSignature")
        verify(signing(number),
               wrapping.find(KPS + "EncryptionCertificateSignature/" + KPS + "Signature"),
               unbase64(wrapping.find(KPS + "EncryptionCertificate")),
               "EncryptionCertificateSignature")
    guardian = root.find(KPS + "GuardianSignature")
    verify(signing(guardian.get("WrappingId")), guardian.find(KPS + "Signature"),
           canonical(document), "GuardianSignature")


def main(health_key, ingress_path, response_path):
    with open(ingress_path, "rb") as file:
        ingress = file.read()
    response = ET.parse(response_path).getroot()
    check(response.tag == SERVICE + "RollTransportKeyResponse", "not a response")
    names = ["EgressProtector", "EncryptedTransferKey", "EncryptedWrappingKey",
             "EncryptedTransportKeys"]
    check([child.tag for child in response] == [SERVICE + name for name in names], "elements")
    egress, transfer, wrapped, sealed = (unbase64(child) for child in response)
    transfer_key = run(["openssl", "pkeyutl", "-decrypt", "-inkey", health_key,
                        "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256",
                        "-pkeyopt", "rsa_mgf1_md:sha256"], transfer)
    wrapping_key = key_unwrap(transfer_key, wrapped)
    check((len(transfer_key), len(wrapping_key)) == (32, 32), "key sizes")
    first, second = read_payload(gcm_open(wrapping_key, sealed))
    check_transport_key(ingress, first, "the ingress transport key signature")
    check_transport_key(egress, second, "the egress transport key signature")
    check_signatures(egress)
    print(first.hex())
    print(second.hex())


if __name__ == "__main__":
    main(*sys.argv[1:])
