#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make-endorsement.py FOLDER

Writes certificates of endorsement keys and their authorities, tidy and untidy in the ways that eventlog-facts.md 7.5 and 7.6 describe,
as FOLDER/NAME.der. The DER is written here, byte for byte; openssl makes the keys and the signatures.
"""
import os
import subprocess
import sys

FOLDER = sys.argv[1]


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], cwd=FOLDER, input=data, check=True, capture_output=True).stdout


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*parts):
    return tlv(0x30, *parts)


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = bytes()
    for arc in [40 * arcs[0] + arcs[1], *arcs[2:]]:
        part = [arc & 0x7F]
        while arc := arc >> 7:
            part.append(0x80 | arc & 0x7F)
        out += bytes(reversed(part))
    return tlv(6, out)


def number(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def attribute(kind, text):
    return sequence(oid(kind), tlv(0x0C, text.encode()))


def name(*parts):
    """Each part is one attribute (kind, text), or a list of them in one part, in the order given."""
    parts = [p if isinstance(p, list) else [p] for p in parts]
    return sequence(*(tlv(0x31, *(attribute(*a) for a in p)) for p in parts))


def cn(text):
    return name(("2.5.4.3", text))


def when(text):
    return tlv(0x18, (text + "000000Z").encode()) if text >= "2050" else tlv(0x17, (text[2:] + "000000Z").encode())


def extension(kind, value, critical=None):
    flag = b"" if critical is None else tlv(1, b"\xff" if critical else b"\0")
    return sequence(oid(kind), flag, tlv(4, value))


MAKER = [("2.23.133.2.1", "id:49465800"), ("2.23.133.2.2", "SLB 9670"), ("2.23.133.2.3", "id:0007003F")]
EK, AIK, AIK_MICROSOFT, ANY = "2.23.133.8.1", "2.23.133.8.3", "1.3.6.1.4.1.311.21.36", "2.5.29.37.0"


def san(*parts, critical=True):
    return extension("2.5.29.17", sequence(tlv(0xA4, name(*parts))), critical)


def eku(*kinds, critical=None):
    return extension("2.5.29.37", sequence(*map(oid, kinds)), critical)


def usage(bits, unused):
    return extension("2.5.29.15", tlv(3, bytes([unused, bits])), True)


def constraints(authority, path=None, explicit=False):
    flag = tlv(1, b"\xff") if authority else tlv(1, b"\0") if explicit else b""
    return extension("2.5.29.19", sequence(flag, b"" if path is None else number(path)), True)


def place(uri):
    return extension("1.3.6.1.5.5.7.1.1", sequence(sequence(oid("1.3.6.1.5.5.7.48.2"), tlv(0x86, uri.encode()))))


ENCIPHER, AGREE, SIGN = usage(0x20, 5), usage(0x08, 3), usage(0x80, 7)
AUTHORITY = [constraints(True), usage(0x04, 2)]
ENDORSEMENT = [san(*MAKER), constraints(False), ENCIPHER, eku(EK)]

NULL = tlv(5)
ALGORITHMS = {
    "sha1": (sequence(oid("1.2.840.113549.1.1.5"), NULL), "-sha1"),
    "sha256": (sequence(oid("1.2.840.113549.1.1.11"), NULL), "-sha256"),
    "ecdsa-sha384": (sequence(oid("1.2.840.10045.4.3.3")), "-sha384"),
    "ecdsa-sha512": (sequence(oid("1.2.840.10045.4.3.4")), "-sha512"),
}


class Key:
    def __init__(self, file, *how):
        self.file = file + ".key"
        openssl("genpkey", "-out", self.file, *how)
        self.spki = openssl("pkey", "-in", self.file, "-pubout", "-outform", "der")


RSA, EC = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), ("-algorithm", "EC", "-pkeyopt")
root_key, inter_key, rival_key, ek_key = (Key(n, *RSA) for n in ("root", "inter", "rival", "ek"))
p256, p384, p521 = (Key(n, *EC, "ec_paramgen_curve:" + c) for n, c in (("p256", "P-256"), ("p384", "P-384"), ("p521", "P-521")))
serial = 0x1000


def issue(file, subject, key, issuer, issuer_key, extensions, algorithm="sha256", begin="20200101", end="20491231", spki=None,
          serial_der=None):
    global serial
    serial += 1
    identifier, digest = ALGORITHMS[algorithm]
    # Without extensions, one of the first version.
    version = b"\xa0\x03\x02\x01\x02" if extensions else b""
    tbs = sequence(version, serial_der or number(serial), identifier, issuer, sequence(when(begin), when(end)), subject, spki or key.spki,
                   *([tlv(0xA3, sequence(*extensions))] if extensions else []))
    signature = openssl("dgst", digest, "-sign", issuer_key.file, data=tbs)
    with open(os.path.join(FOLDER, file + ".der"), "wb") as out:
        out.write(sequence(tbs, identifier, tlv(3, b"\0", signature)))


NOBODY = name()
ROOT, INTER = cn("Maker Root"), cn("Maker Intermediate")
issue("root", ROOT, root_key, ROOT, root_key, AUTHORITY)
issue("inter", INTER, inter_key, ROOT, root_key, AUTHORITY)


def ek(file, extensions=ENDORSEMENT, subject=NOBODY, key=ek_key, issuer=INTER, issuer_key=inter_key, **more):
    issue(file, subject, key, issuer, issuer_key, extensions, **more)


# Tidy ones.
ek("ek")
ek("ek-place", ENDORSEMENT + [place("http://maker.example/issuer.crt")])
ek("ek-p256", [san(*MAKER), constraints(False), AGREE, eku(EK)], key=p256)
ek("ek-p384", [san(*MAKER), constraints(False), AGREE, eku(EK)], key=p384)
# Untidy, but known: all attributes in one part, not in DER's order; so in the issuer's name.
MULTI = name([("2.5.4.10", "Nuvoton"), ("2.5.4.3", "NTC TPM EK Root"), ("2.5.4.6", "TW")])
issue("multi-root", MULTI, root_key, MULTI, root_key, AUTHORITY)
ek("ek-multi", [san([MAKER[2], MAKER[0], MAKER[1]]), constraints(False), ENCIPHER, eku(EK)], issuer=MULTI, issuer_key=root_key)
# Explicit default values, and no end.
ek("ek-default", [san(*MAKER), constraints(False, explicit=True), ENCIPHER, extension("2.5.29.37", sequence(oid(EK)), False)], end="99991231")
# Keys called RSAES-OAEP, with and without parameters.
OAEP = "1.2.840.113549.1.1.7"
bits = ek_key.spki[ek_key.spki.index(b"\x03\x82"):]
ek("ek-oaep", spki=sequence(sequence(oid(OAEP), sequence(tlv(0xA2, sequence(oid("1.2.840.113549.1.1.9"), tlv(4, b"TCPA"))))), bits))
ek("ek-oaep-null", spki=sequence(sequence(oid(OAEP), NULL), bits))
# Critical extensions of the closed list: subjectDirectoryAttributes, policies, a usage, Google's.
ek("ek-critical", [san(*MAKER), constraints(False), ENCIPHER, eku(EK, critical=True),
                   extension("2.5.29.9", sequence(sequence(oid("2.23.133.2.16"), tlv(0x31, sequence(tlv(0x0C, b"2.0"), number(0), number(138))))), True),
                   extension("2.5.29.32", sequence(sequence(oid("1.2.3"))), True),
                   extension("1.3.6.1.4.1.11129.2.1.21", sequence(), True)])
ek("ek-critical-unknown", ENDORSEMENT + [extension("1.2.3.4", NULL, True)])
# SHA-1 where it is the administrator's choice, and where it is not.
issue("sha1-root", cn("Old Root"), root_key, cn("Old Root"), root_key, AUTHORITY, algorithm="sha1")
issue("sha1-inter", cn("Old Intermediate"), inter_key, cn("Old Root"), root_key, AUTHORITY, algorithm="sha1")
ek("ek-old", issuer=cn("Old Intermediate"))
ek("ek-sha1", algorithm="sha1")
# P-521 and SHA-512 above, P-384 between.
issue("p521-root", cn("P-521 Root"), p521, cn("P-521 Root"), p521, AUTHORITY, algorithm="ecdsa-sha512")
issue("p521-inter", cn("P-521 Intermediate"), p384, cn("P-521 Root"), p521, AUTHORITY, algorithm="ecdsa-sha512")
ek("ek-ecc", [san(*MAKER), constraints(False), AGREE, eku(EK)], key=p256, issuer=cn("P-521 Intermediate"), issuer_key=p384, algorithm="ecdsa-sha384")
ek("ek-p521", [san(*MAKER), constraints(False), AGREE, eku(EK)], key=p521)
# What the maker's own authorities are like: not self-signed as a root, expired, of the first version.
issue("partial", cn("Partial Intermediate"), inter_key, cn("Nobody's Root"), root_key, AUTHORITY)
ek("ek-partial", issuer=cn("Partial Intermediate"))
issue("expired-root", cn("Expired Root"), root_key, cn("Expired Root"), root_key, AUTHORITY, end="20210101")
ek("ek-expired-root", issuer=cn("Expired Root"), issuer_key=root_key)
issue("v1-root", cn("First Version"), root_key, cn("First Version"), root_key, [])
ek("ek-v1-root", issuer=cn("First Version"), issuer_key=root_key)
# Not good.
ek("ek-expired", end="20210101")
ek("ek-early", begin="20480101")
issue("expired-inter", cn("Expired Intermediate"), inter_key, ROOT, root_key, AUTHORITY, end="20210101")
ek("ek-expired-inter", issuer=cn("Expired Intermediate"))
ek("ek-no-usage", [san(*MAKER), constraints(False), ENCIPHER])
ek("ek-other-usage", [san(*MAKER), constraints(False), ENCIPHER, eku("1.3.6.1.5.5.7.3.2")])
ek("ek-any-usage", [san(*MAKER), constraints(False), ENCIPHER, eku(ANY)])
ek("ek-bad-usage", [san(*MAKER), constraints(False), ENCIPHER, extension("2.5.29.37", sequence(NULL))])
ek("aik", [san(*MAKER), constraints(False), SIGN, eku(AIK)])
ek("aik-microsoft", [san(*MAKER), constraints(False), SIGN, eku(AIK_MICROSOFT)])
ek("aik-both", [san(*MAKER), constraints(False), ENCIPHER, eku(EK, AIK)])
ek("ek-sign", [san(*MAKER), constraints(False), SIGN, eku(EK)])
ek("ek-authority", [san(*MAKER), *AUTHORITY, eku(EK)])
issue("aik-inter", cn("AIK Intermediate"), inter_key, ROOT, root_key, AUTHORITY + [eku(AIK, AIK_MICROSOFT)])
ek("ek-by-aik", issuer=cn("AIK Intermediate"))
issue("both-inter", cn("Both Intermediate"), inter_key, ROOT, root_key, AUTHORITY + [eku(EK, AIK)])
ek("ek-by-both", issuer=cn("Both Intermediate"))
issue("foreign-inter", cn("Foreign Intermediate"), inter_key, ROOT, root_key, AUTHORITY + [eku("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")])
ek("ek-by-foreign", issuer=cn("Foreign Intermediate"))
issue("any-inter", cn("Any Intermediate"), inter_key, ROOT, root_key, AUTHORITY + [eku("1.3.6.1.5.5.7.3.1", ANY)])
ek("ek-by-any", issuer=cn("Any Intermediate"))
# What critical extensions are not needed for: nobody here looks whether a name is among those.
issue("some-names", cn("Some Names"), inter_key, ROOT, root_key, AUTHORITY + [extension("2.5.29.30", sequence())])
ek("ek-by-some-names", issuer=cn("Some Names"))
issue("rival", INTER, rival_key, ROOT, root_key, AUTHORITY)
issue("no-authority", cn("No Authority"), inter_key, ROOT, root_key, [constraints(False)])
ek("ek-no-authority", issuer=cn("No Authority"))
issue("no-sign", cn("No Sign"), inter_key, ROOT, root_key, [constraints(True), usage(0x02, 1)])
ek("ek-no-sign", issuer=cn("No Sign"))
issue("limited-names", cn("Limited Names"), inter_key, ROOT, root_key, AUTHORITY + [extension("2.5.29.30", sequence(), True)])
ek("ek-limited-names", issuer=cn("Limited Names"))
issue("short", cn("Short"), rival_key, ROOT, root_key, [constraints(True, 0), usage(0x04, 2)])
issue("below-short", cn("Below Short"), inter_key, cn("Short"), rival_key, AUTHORITY)
ek("ek-short", issuer=cn("Below Short"))
ek("ek-by-short", issuer=cn("Short"), issuer_key=rival_key)
# One authority after the other: level 1 is issued by the root, level 9 by level 8.
for level in range(1, 10):
    above = ROOT if level == 1 else cn(f"Level {level - 1}")
    issue(f"level{level}", cn(f"Level {level}"), root_key, above, root_key, AUTHORITY)
ek("ek-level7", issuer=cn("Level 7"), issuer_key=root_key)
ek("ek-level8", issuer=cn("Level 8"), issuer_key=root_key)
# A serial number with a zero too many, as that of six of STMicroelectronics' intermediates: nobody reads it.
issue("padded-serial", cn("Padded Serial"), inter_key, ROOT, root_key, AUTHORITY, serial_der=tlv(2, b"\0\0\1"))
# Two that issued each other.
issue("loop-a", cn("Loop A"), root_key, cn("Loop B"), root_key, AUTHORITY)
issue("loop-b", cn("Loop B"), root_key, cn("Loop A"), root_key, AUTHORITY)
ek("ek-loop", issuer=cn("Loop A"), issuer_key=root_key)
