#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the vectors of host key attestation (MS-HGSA 3.1.5.3, protocol profile 2.1) with the openssl
command line and the standard library only: keys, signatures over item 8 || item 1, whole requests.

usage: make-attestation.py > MS-HGSA_3.1.5.3_host_key.json
Private keys are thrown away; running it again gives other, equally good vectors."""
import base64, hashlib, json, subprocess, tempfile, os, struct, sys


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def b64(b):
    return base64.b64encode(b).decode()


class Key:
    def __init__(self, folder, name, *genpkey):
        self.path = os.path.join(folder, name + ".pem")
        openssl("genpkey", *genpkey, "-out", self.path)
        self.spki = openssl("pkey", "-in", self.path, "-pubout", "-outform", "der")
        self.folder = folder

    def sign(self, message, digest, *options):
        path = os.path.join(self.folder, "message")
        with open(path, "wb") as f:
            f.write(message)
        return openssl("dgst", "-" + digest, "-sign", self.path,
                       *[a for o in options for a in ("-sigopt", o)], path)

    def certificate(self):
        return openssl("req", "-x509", "-new", "-key", self.path, "-subj", "/CN=host", "-days",
                       "3650", "-outform", "der")

    def rsa1(self):
        """BCRYPT_RSAKEY_BLOB: magic, bits, sizes of exponent, modulus and primes; big-endian."""
        text = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(text.split("=")[1])
        return struct.pack("<4sIIIII", b"RSA1", 8 * len(modulus), 3, len(modulus), 0, 0) + \
            b"\x01\x00\x01" + modulus


def rsa(folder, name, bits):
    return Key(folder, name, "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


def ec(folder, name, curve):
    return Key(folder, name, "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}",
               "-pkeyopt", "ec_param_enc:named_curve")


PSS = ("rsa_padding_mode:pss", "rsa_pss_saltlen:32", "rsa_mgf1_md:sha256")
SESSION = bytes.fromhex("e10e466aea626f41ae6c04e29634506d")


def case(key, host, identity, digest, *options, requested=(1,)):
    signature = key.sign(host + identity, digest, *options)
    request = {
        "SessionId": b64(SESSION),
        "RequestedContent": list(requested),
        "ProvidedContent": [{"m_Item1": 1, "m_Item2": b64(identity)},
                            {"m_Item1": 8, "m_Item2": b64(host)},
                            {"m_Item1": 9, "m_Item2": b64(signature)}],
    }
    return {"host_key": b64(host), "identity_key": b64(identity), "signature": b64(signature),
            "key_id": hashlib.sha256(key.spki).hexdigest(), "spki": b64(key.spki),
            "request": json.dumps(request, separators=(",", ":"))}


def main():
    with tempfile.TemporaryDirectory() as folder:
        identity = rsa(folder, "identity", 2048)
        host, p256, p384 = rsa(folder, "host", 2048), ec(folder, "p256", "P-256"), \
            ec(folder, "p384", "P-384")
        weak, p521 = rsa(folder, "weak", 1024), ec(folder, "p521", "P-521")
        i = identity.spki
        vectors = {
            "rsa-pkcs1": case(host, host.spki, i, "sha256"),
            "rsa-pss": case(host, host.spki, i, "sha256", *PSS),
            "rsa-pkcs1-sha1": case(host, host.spki, i, "sha1"),
            "rsa-certificate": case(host, host.certificate(), identity.certificate(), "sha256"),
            "rsa-blob": case(host, host.rsa1(), identity.rsa1(), "sha256"),
            "p256": case(p256, p256.spki, i, "sha256"),
            "p384": case(p384, p384.spki, i, "sha384"),
            "p384-sha256": case(p384, p384.spki, i, "sha256"),
            "weak-host": case(weak, weak.spki, i, "sha256"),
            "p521-host": case(p521, p521.spki, i, "sha512"),
            "weak-identity": case(host, host.spki, weak.spki, "sha256"),
            "ec-identity": case(host, host.spki, p256.spki, "sha256"),
            "garbage-identity": case(host, host.spki, b"no key", "sha256"),
            "garbage-host": case(host, b"no key", i, "sha256"),
            "trailing-identity": case(host, host.spki, i + b"\x00", "sha256"),
            "trailing-host": case(host, host.spki + b"\x00", i, "sha256"),
            "wants-signing": case(host, host.spki, i, "sha256", requested=(2,)),
            "wants-both": case(host, host.spki, i, "sha256", requested=(1, 2)),
            "wants-ca": case(host, host.spki, i, "sha256", requested=(3,)),
        }
        json.dump(vectors, sys.stdout, indent=1)
        print()


main()
