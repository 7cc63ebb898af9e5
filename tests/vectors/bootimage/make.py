#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small EFI images and signed policies, and has other programs say what their digests are.

usage: tests/vectors/bootimage/make.py     (needs osslsigncode, sbsigntool, openssl)

digests.txt: FILE WHAT DIGEST, one a line. WHAT is sha256, sha384 or sha512 for the Authenticode digest
that osslsigncode calculates of the file, content for the SHA-256 of what a signed policy holds,
pcr11 for what systemd-stub leaves in PCR 11 of the SHA-256 bank (computed here).
"""

import hashlib
import os
import re
import struct
import subprocess
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))


def image(sections, wide=True, trailer=b"", shuffle=False):
    """An EFI image; sections: [(name, contents)]. shuffle: the last section comes first in the file."""
    optional = 240 if wide else 224
    headers = 0x400
    places, at = {}, headers
    for name, contents in (sections[-1:] + sections[:-1] if shuffle else sections):
        places[name] = at
        at += (len(contents) + 511) // 512 * 512
    out = bytearray(b"MZ" + bytes(58) + struct.pack("<I", 0x80))
    out += bytes(0x80 - len(out)) + b"PE\0\0"
    out += struct.pack("<HHIIIHH", 0x8664 if wide else 0x14c, len(sections), 0, 0, 0, optional, 0x22e)
    out += struct.pack("<HBBIIIII", 0x20b if wide else 0x10b, 2, 0, 0x200, 0x200, 0, 0x1000, 0x1000)
    if wide:
        out += struct.pack("<QII", 0x10000, 0x1000, 0x200)
    else:
        out += struct.pack("<IIII", 0x2000, 0x10000, 0x1000, 0x200)
    out += struct.pack("<HHHHHHI", 0, 0, 0, 0, 0, 0, 0)
    out += struct.pack("<IIIHH", 0x1000 * (len(sections) + 1), headers, 0, 10, 0x100)
    out += struct.pack("<QQQQII" if wide else "<IIIIII", 0, 0, 0, 0, 0, 16)
    out += bytes(16 * 8)
    for index, (name, contents) in enumerate(sections):
        raw = (len(contents) + 511) // 512 * 512
        out += struct.pack("<8sIIII12xI", name.encode(), len(contents), 0x1000 * (index + 1), raw,
                           places[name], 0x60000020)
    out += bytes(headers - len(out))
    for name, contents in sorted(sections, key=lambda section: places[section[0]]):
        assert len(out) == places[name]
        out += contents + bytes(-len(contents) % 512)
    return bytes(out) + trailer


def write(name, data):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def sign(tool, source, target, algorithm, keys):
    source, target = os.path.join(FOLDER, source), os.path.join(FOLDER, target)
    if os.path.exists(target):
        os.remove(target)
    if tool == "sbsign":
        run("sbsign", "--key", keys + "/key", "--cert", keys + "/certificate", "--output", target, source)
    else:
        run("osslsigncode", "sign", "-certs", keys + "/certificate", "-key", keys + "/key", "-h", algorithm,
            "-in", source, "-out", target)
    shown = subprocess.run(["osslsigncode", "verify", "-in", target], capture_output=True, text=True)
    return re.search(r"Calculated message digest *: *([0-9A-F]+)", shown.stdout).group(1).lower()


def extend(value, data):
    return hashlib.sha256(value + hashlib.sha256(data).digest()).digest()


def pcr11(sections, order):
    value = bytes(32)
    for name in order:
        value = extend(extend(value, name.encode() + b"\0"), dict(sections)[name])
    return value.hex()


def main():
    lines = []
    code = bytes(range(256)) * 3
    plain = [(".text", code), (".data", b"data" * 200), (".reloc", bytes(12))]
    write("pe32plus.efi", image(plain))
    write("pe32.efi", image(plain, wide=False))
    write("shuffled.efi", image(plain, shuffle=True))
    write("trailer.efi", image(plain, trailer=b"symbols!" * 21))
    with tempfile.TemporaryDirectory() as keys:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Vector", "-days", "36500",
            "-keyout", keys + "/key", "-out", keys + "/certificate")
        for tool, source, algorithm in [
                ("osslsigncode", "pe32plus", "sha256"), ("osslsigncode", "pe32plus", "sha384"),
                ("osslsigncode", "pe32plus", "sha512"), ("osslsigncode", "pe32", "sha256"),
                ("osslsigncode", "shuffled", "sha256"), ("osslsigncode", "trailer", "sha256"),
                ("sbsign", "trailer", "sha256")]:
            target = f"{source}-{tool}-{algorithm}.efi"
            lines.append(f"{target} {algorithm} {sign(tool, source + '.efi', target, algorithm, keys)}")
        policies(lines, keys)
    kernels(lines)
    write("digests.txt", "".join(line + "\n" for line in lines).encode())


def kernels(lines):
    kernel = image([(".text", b"kernel" * 100)])
    sections = [
        (".text", b"stub" * 100), (".osrel", b"ID=vector\n"), (".uname", b"6.1.0"), (".sbat", b"sbat,1\n"),
        (".cmdline", b"quiet lockdown=integrity\n"), (".initrd", b"initrd" * 300), (".pcrsig", b"{}"),
        (".pcrpkey", b"key"), (".linux", kernel), (".sdmagic", b"#### LoaderInfo: systemd-stub 252.39-1 ####\0")]
    write("stub-252.efi", image(sections))
    lines.append("stub-252.efi pcr11 "
                 + pcr11(sections, [".linux", ".osrel", ".cmdline", ".initrd", ".pcrpkey"]))
    sections[-1] = (".sdmagic", b"#### LoaderInfo: systemd-stub 257.3-1 ####\0")
    write("stub-257.efi", image(sections))
    lines.append("stub-257.efi pcr11 " + pcr11(sections, [
        ".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat", ".pcrpkey"]))
    write("quiet.addon.efi", image([(".sbat", b"sbat,1\n"), (".cmdline", "splash name=Zo\u00eb\U0001f600\n".encode())]))
    measured = "splash name=Zo\u00eb\U0001f600\0".encode("utf-16-le")
    lines.append("quiet.addon.efi measured " + hashlib.sha256(measured).hexdigest())


def policies(lines, keys):
    binary = struct.pack("<I", 7) + bytes(range(32)) + struct.pack("<I", 0x80000004) + b"rules" * 40
    write("policy.cip", binary)
    configuration = keys + "/oids"
    with open(configuration, "w", encoding="ascii") as file:
        file.write("openssl_conf = i\n[i]\noid_section = o\n[o]\nciPolicy = 1.3.6.1.4.1.311.79.1\n")
    environment = dict(os.environ, OPENSSL_CONF=configuration)
    for name, kind in [("signed.p7b", "ciPolicy"), ("signed-other.p7b", "pkcs7-data")]:
        subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-noattr", "-econtent_type", kind,
                        "-in", FOLDER + "/policy.cip", "-signer", keys + "/certificate", "-inkey", keys + "/key",
                        "-outform", "DER", "-out", FOLDER + "/" + name], check=True, env=environment)
    lines.append("signed.p7b content " + hashlib.sha256(binary).hexdigest())


main()
