# SPDX-License-Identifier: Apache-2.0
"""Makes certificates, key protectors and requests byte by byte, right or wrong, as an attacker would: without any code
of this project. Written from docs/protocol.md 2.4 and 3; the standard library and the openssl command line.

Python writes the documents in canonical form already (exclusive c14n), so what is signed is the text itself.
"""
import base64
import datetime
import hashlib
import hmac
import os
import pathlib
import struct
import subprocess

KPS = "http://schemas.microsoft.com/kps/2014/07"
SERVICE = KPS + "/service"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
HMAC_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
OAEP = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
KDF = "http://www.w3.org/2009/xmlenc11#ConcatKDF"
GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
KEY_WRAP = "http://www.w3.org/2001/04/xmlenc#kw-aes256"
LABEL = b"TransportKeySignature"
RSA, WEAK, CURVE = (
    ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
)
DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_CERT_SIGN = 0x80, 0x20, 0x04


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True, capture_output=True).stdout


def encode(data):
    return base64.b64encode(data).decode()


# Keys: PEM files in a folder.


def make_key(path, *options):
    """An RSA key of 2048 bits, or what the options of openssl genpkey say."""
    openssl("genpkey", "-quiet", *(options or RSA), "-out", path)
    return pathlib.Path(path)


def public(key):
    """DER SubjectPublicKeyInfo of a private key's file."""
    return openssl("pkey", "-in", key, "-pubout", "-outform", "der")


def sign(key, data):
    return openssl("dgst", "-sha256", "-sign", key, data=data)


# DER, as little of it as a certificate needs.


def der(tag, *parts):
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def der_oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytearray([40 * first + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return der(0x06, bytes(out))


def der_time(when):
    return der(0x17, when.strftime("%y%m%d%H%M%SZ").encode())


def der_name(common_name):
    return der(0x30, der(0x31, der(0x30, der_oid("2.5.4.3"), der(0x0C, common_name.encode()))))


def extension(oid, value, critical=False):
    return der(0x30, der_oid(oid), der(0x01, b"\xff") if critical else b"", der(0x04, value))


def key_usage(bits):
    unused = (bits & -bits).bit_length() - 1
    return extension("2.5.29.15", der(0x03, bytes([unused, bits])), True)


HEALTH_POLICY = extension("1.3.6.1.4.1.311.21.10", der(0x30, der(0x30, der_oid("1.3.6.1.4.1.311.48.1.2"))))
AUTHORITY = extension("2.5.29.19", der(0x30, der(0x01, b"\xff")), True)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
HOUR = datetime.timedelta(hours=1)


def key_identifier(spki):
    return extension("2.5.29.14", der(0x04, hashlib.sha1(spki).digest()))


def certificate(subject, spki, issuer, issuer_key, extensions, begin=NOW - HOUR, end=NOW + HOUR):
    """A DER certificate, v3, sha256WithRSAEncryption."""
    algorithm = der(0x30, der_oid("1.2.840.113549.1.1.11"), der(0x05))
    serial = der(0x02, b"\x01" + os.urandom(15))
    to_sign = der(
        0x30,
        der(0xA0, der(0x02, b"\x02")),
        serial,
        algorithm,
        der_name(issuer),
        der(0x30, der_time(begin), der_time(end)),
        der_name(subject),
        spki,
        der(0xA3, der(0x30, *extensions)),
    )
    return der(0x30, to_sign, algorithm, der(0x03, b"\x00", sign(issuer_key, to_sign)))


class Signer:
    """An attestation signer of somebody's own."""

    def __init__(self, folder, name, end=NOW + 24 * HOUR):
        self.name, self.key = name, make_key(folder / f"{name}.signer.pem".replace(" ", "_"))
        spki = public(self.key)
        self.certificate = certificate(
            name,
            spki,
            name,
            self.key,
            [AUTHORITY, key_usage(KEY_CERT_SIGN), key_identifier(spki)],
            NOW - 24 * HOUR,
            end,
        )

    def health(self, spki, extensions=None, **times):
        """A health certificate over a key; the extensions of protocol.md 2.4 that matter, unless others are given."""
        return certificate(
            "HOST",
            spki,
            self.name,
            self.key,
            [key_usage(KEY_ENCIPHERMENT), HEALTH_POLICY] if extensions is None else extensions,
            **times,
        )


class Guardian:
    """A guardian with keys of its own: an owner, or one who would like to be."""

    def __init__(self, folder, name, signing_options=(), encryption_options=()):
        self.name = name
        self.signing_key = make_key(folder / f"{name}.signing.pem", *signing_options)
        self.encryption_key = make_key(folder / f"{name}.encryption.pem", *encryption_options)
        self.signing, self.encryption = (
            certificate(name, public(key), name, key, [key_usage(usage)])
            for key, usage in ((self.signing_key, DIGITAL_SIGNATURE), (self.encryption_key, KEY_ENCIPHERMENT))
        )
        self.over_encryption = sign(self.signing_key, self.encryption)


class Foreign:
    """A guardian of whom only the metadata is known: the service."""

    def __init__(self, metadata):
        import xml.etree.ElementTree as ET

        root = ET.fromstring(metadata)

        def value(*path):
            element = root
            for name in path:
                element = element.find(f"{{{KPS}}}{name}")
            return base64.b64decode(element.text)

        self.signing = value("GuardianInformation", "SigningCertificate")
        self.encryption = value("GuardianInformation", "EncryptionCertificate")
        self.over_encryption = value("GuardianInformation", "EncryptionCertificateSignature", "SignatureValue")


def payload(key, version=1):
    return struct.pack("<IIII", 16 + len(key), version, 1, len(key)) + key


def encrypt_to(der_certificate, data):
    """RSA-OAEP with SHA-256 to a certificate's key."""
    pem = os.memfd_create("certificate")
    try:
        os.write(pem, openssl("x509", "-inform", "der", data=der_certificate))
        values = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")
        options = [option for value in values for option in ("-pkeyopt", value)]
        return subprocess.run(
            ["openssl", "pkeyutl", "-encrypt", "-certin", "-inkey", f"/dev/fd/{pem}", *options],
            input=data,
            check=True,
            capture_output=True,
            pass_fds=(pem,),
        ).stdout
    finally:
        os.close(pem)


def signature(value, algorithm=RSA_SHA256):
    return f'<Signature Algorithm="{algorithm}"><SignatureValue>{encode(value)}</SignatureValue></Signature>'


def wrapping(number, guardian, parent, parent_key, cipher, over_signing=None):
    """One Wrapping. parent_key signs the guardian's signing certificate; cipher: the encrypted transport key."""
    over_signing = sign(parent_key, guardian.signing) if over_signing is None else over_signing
    return (
        f"<Wrapping><Id>{number}</Id>"
        f"<SigningCertificate>{encode(guardian.signing)}</SigningCertificate>"
        f'<SigningCertificateSignature ParentWrappingId="{parent}">{signature(over_signing)}'
        "</SigningCertificateSignature>"
        f"<EncryptionCertificate>{encode(guardian.encryption)}</EncryptionCertificate>"
        f"<EncryptionCertificateSignature>{signature(guardian.over_encryption)}</EncryptionCertificateSignature>"
        f'<TransportKey><EncryptedData Algorithm="{OAEP}"><Parameters>'
        f'<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="{SHA256}"></ds:DigestMethod>'
        '<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
        'Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"></xenc11:MGF>'
        f"</Parameters><CipherValue>{encode(cipher)}</CipherValue></EncryptedData></TransportKey></Wrapping>"
    )


def wrappings(*inner):
    return f'<Wrappings xmlns="{KPS}">{"".join(inner)}</Wrappings>'


def mac(transport_key, signed):
    key = hashlib.sha256(b"\0\0\0\1" + transport_key + LABEL).digest()
    return hmac.digest(key, signed, "sha256")


def outer_signatures(signed, transport_key, number, key):
    """TransportKeySignature and GuardianSignature over a Wrappings element's text."""
    signed = signed.encode()
    return (
        f'<TransportKeySignature><KeyDerivationMethod Algorithm="{KDF}"><Parameters>'
        '<xenc11:ConcatKDFParams xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
        f'AlgorithmID="{(chr(0).encode() + LABEL).hex().upper()}" PartyUInfo="00" PartyVInfo="00">'
        f'<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="{SHA256}"></ds:DigestMethod>'
        "</xenc11:ConcatKDFParams></Parameters></KeyDerivationMethod>"
        f"{signature(mac(transport_key, signed), HMAC_SHA256)}</TransportKeySignature>"
        f'<GuardianSignature WrappingId="{number}">{signature(sign(key, signed))}</GuardianSignature>'
    )


def document(*inner):
    root = f'<Protector xmlns="{KPS}" MaxOfflineUnwraps="0">{"".join(inner)}</Protector>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{root}\n'


def protector(inner, transport_key, number, key):
    """A whole protector of these Wrapping elements, signed by wrapping `number`, which has that key."""
    signed = wrappings(*inner)
    return document(signed, outer_signatures(signed, transport_key, number, key))


def good_protector(owner, service, transport_key):
    """What a proper owner makes for the service: wrapping 1 is the owner's, 2 the service's."""
    inner = [
        wrapping(1, owner, 1, owner.signing_key, encrypt_to(owner.encryption, payload(transport_key))),
        wrapping(2, service, 1, owner.signing_key, encrypt_to(service.encryption, payload(transport_key))),
    ]
    return protector(inner, transport_key, 1, owner.signing_key)


def roll_request(ingress, health, transfer=OAEP, wrap=KEY_WRAP, content=GCM):
    """RollTransportKeyRequest; ingress: text or bytes of the protector."""
    ingress = ingress.encode() if isinstance(ingress, str) else ingress
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<RollTransportKeyRequest xmlns="{SERVICE}">'
        f"<IngressProtector>{encode(ingress)}</IngressProtector>"
        f"<HealthCertificate>{encode(health)}</HealthCertificate>"
        f"<TransferKeyEncryptionAlgorithm>{transfer}</TransferKeyEncryptionAlgorithm>"
        f"<WrappingKeyEncryptionAlgorithm>{wrap}</WrappingKeyEncryptionAlgorithm>"
        f"<TransportKeysEncryptionAlgorithm>{content}</TransportKeysEncryptionAlgorithm>"
        "</RollTransportKeyRequest>\n"
    ).encode()
