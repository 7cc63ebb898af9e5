#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a running attestation service what the two SQL Server drivers ask, and checks what they check
(protocol profile 2.4; MS-HGSA 3.1.5.3 to 3.1.5.5). Standard library and the openssl command line.

usage: conformance.py URL [--host-key KEY.pem] [--signing] [--ca FILE]
  URL         as in a connection string: http://HOST:PORT/Attestation
  --host-key  private key of a host that is registered: attests it too
  --signing   the service may issue signing certificates (allow_unprotected_signing_keys)
  --ca        certificate that an https URL is verified with
Prints "ok" or "not ok" a check; exits 1 when any failed."""
import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import uuid

SUFFIX = ":#Microsoft.Windows.RemoteAttestation.Core"
OID_KEY_USAGE, OID_BASIC, OID_SKI, OID_AKI = "2.5.29.15", "2.5.29.19", "2.5.29.14", "2.5.29.35"
OID_EKU, OID_POLICIES, OID_POLICY = "2.5.29.37", "1.3.6.1.4.1.311.21.10", "1.3.6.1.4.1.311.48.1.2"
OID_RSA, OID_SHA256_RSA = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"
UNDERSTOOD = {OID_KEY_USAGE, OID_BASIC, OID_SKI, OID_AKI, OID_EKU, OID_POLICIES}
DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_CERT_SIGN = 0x80, 0x20, 0x04
NOW = datetime.datetime.now(datetime.timezone.utc)

failures = 0


def check(good, text):
    global failures
    failures += not good
    print(("ok      " if good else "not ok  ") + text)
    return good


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


# DER, as little of it as a certificate needs.

class Der:
    def __init__(self, data, at=0):
        self.tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(data[start:start + count], "big"), start + count
        self.end = start + length
        if self.end > len(data):
            raise ValueError("DER ends early")
        self.raw, self.value = data[at:self.end], data[start:self.end]

    def children(self):
        found, at = [], 0
        while at < len(self.value):
            found.append(Der(self.value, at))
            at = found[-1].end
        return found

    def oid(self):
        numbers, number = [], 0
        for byte in self.value:
            number = number << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(number)
                number = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))

    def time(self):
        text = self.value.decode()
        if self.tag == 0x17:
            text = ("19" if text[0] >= "5" else "20") + text
        return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(
            tzinfo=datetime.timezone.utc)


class Certificate:
    def __init__(self, der):
        self.der = der
        whole = Der(der)
        if whole.end != len(der):
            raise ValueError("bytes behind the certificate")
        tbs, algorithm, signature = whole.children()
        self.tbs, self.signature = tbs.raw, signature.value[1:]
        self.algorithm = algorithm.children()[0].oid()
        parts = tbs.children()
        self.version = parts[0].children()[0].value[0] + 1 if parts[0].tag == 0xA0 else 1
        parts = parts[1:] if parts[0].tag == 0xA0 else parts
        self.serial, self.issuer, self.subject = parts[0].value, parts[2].raw, parts[4].raw
        self.not_before, self.not_after = (t.time() for t in parts[3].children())
        self.spki = parts[5].raw
        self.key_algorithm = parts[5].children()[0].children()[0].oid()
        self.extensions = []  # (oid, critical, value) in order
        for part in parts[6:]:
            if part.tag == 0xA3:
                for extension in part.children()[0].children():
                    inner = extension.children()
                    self.extensions.append((inner[0].oid(), len(inner) == 3, inner[-1].value))

    def extension(self, oid):
        found = [e for e in self.extensions if e[0] == oid]
        return found[0] if len(found) == 1 else None

    def usage(self):
        extension = self.extension(OID_KEY_USAGE)
        return Der(extension[2]).value[1] if extension else 0

    def authority(self):
        extension = self.extension(OID_BASIC)
        inner = Der(extension[2]).children() if extension else []
        return bool(inner) and inner[0].tag == 1 and inner[0].value == b"\xff"

    def ski(self):
        extension = self.extension(OID_SKI)
        return Der(extension[2]).value if extension else None

    def aki(self):
        """tag -> value of the AuthorityKeyIdentifier's members"""
        extension = self.extension(OID_AKI)
        return {d.tag: d.value for d in Der(extension[2]).children()} if extension else {}

    def common_names(self):
        return [attribute.children()[1].value.decode()
                for rdn in Der(self.subject).children() for attribute in rdn.children()]

    def rsa_bits(self):
        if self.key_algorithm != OID_RSA:
            return 0
        modulus = Der(Der(self.spki).children()[1].value[1:]).children()[0].value
        return int.from_bytes(modulus, "big").bit_length()

    def valid_now(self):
        return self.not_before <= NOW <= self.not_after

    def signed_by(self, spki, folder):
        """RSASSA-PKCS1-v1_5 with SHA-256, verified by the openssl command line."""
        names = [os.path.join(folder, n) for n in ("tbs", "signature", "key.der")]
        for name, data in zip(names, (self.tbs, self.signature, spki)):
            with open(name, "wb") as file:
                file.write(data)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", names[2], "-keyform", "der",
                               "-signature", names[1], names[0]], capture_output=True)
        return done.returncode == 0


# HTTP by hand: what arrives with the first read matters to JDBC.

class Reply:
    def __init__(self, data, first_read):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.strip().lower(): v.strip()
                        for k, v in (line.split(":", 1) for line in lines[1:])}
        self.at_once = first_read == len(data)

    def json(self):
        return json.loads(self.body)


class Service:
    def __init__(self, url, ca):
        self.url = urllib.parse.urlsplit(url)
        self.context = ssl.create_default_context(cafile=ca) if self.url.scheme == "https" else None

    def ask(self, path, body=None):
        port = self.url.port or (443 if self.context else 80)
        plain = socket.create_connection((self.url.hostname, port), timeout=30)
        connection = self.context.wrap_socket(plain, server_hostname=self.url.hostname) \
            if self.context else plain
        with connection:
            head = f"{'GET' if body is None else 'POST'} {self.url.path}{path} HTTP/1.1\r\n" \
                f"Host: {self.url.netloc}\r\nConnection: close\r\n"
            if body is not None:
                head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(head.encode() + b"\r\n" + (body or b""))
            data, first = b"", 0
            while True:
                part = connection.recv(1 << 20)
                if not part:
                    return Reply(data, first)
                data += part
                first = first or len(part)


def check_type(reply, name, text):
    """An MS-HGSA reply of that type, `__type` first; its members."""
    try:
        message = reply.json()
        first = next(iter(message))
    except (ValueError, StopIteration, TypeError):
        message, first = {}, None
    check(reply.status == 200 and first == "__type" and message["__type"] == name + SUFFIX,
          f"{text}: {name}, __type first")
    return message


def check_info(service):
    for path in ("/getinfo", "/v1.0/getinfo", "/v2.0/getinfo", "//GetInfo/"):
        info = check_type(service.ask(path), "ServiceInfoReply", path)
    check(isinstance(info.get("FunctionalLevel"), int) and
          info.get("FunctionalLevel") in info.get("SupportedFunctionalLevels", []),
          "the functional level is a supported one")
    check(info.get("OperationMode") == 3, "the mode is host key")


def check_list_form(reply, path):
    body = reply.body.decode("latin-1")
    check(reply.status == 200, f"{path}: 200")
    check(reply.headers.get("content-length") == str(len(reply.body)) and
          "transfer-encoding" not in reply.headers and "content-encoding" not in reply.headers,
          f"{path}: Content-Length, neither chunked nor compressed")
    check(reply.at_once, f"{path}: headers and body arrive with one read")
    form = re.fullmatch(r"\[(0|[1-9][0-9]{0,2})(,(0|[1-9][0-9]{0,2}))*\]", body)
    check(form is not None, f"{path}: [48,130,…] and nothing else")
    check(len(body) < 8192, f"{path}: {len(body)} bytes, short enough for one read")
    numbers = json.loads(body) if form else []
    check(bool(numbers) and max(numbers) <= 255, f"{path}: bytes")
    return bytes(numbers) if numbers and max(numbers) <= 255 else None


def parse_list(der):
    """The certificates of a PKCS#7 in their order."""
    whole = Der(der)
    check(whole.end == len(der), "nothing behind the PKCS#7")
    oid, content = whole.children()
    check(oid.oid() == "1.2.840.113549.1.7.2", "it is a SignedData")
    parts = content.children()[0].children()
    certificates = [Certificate(c.raw) for p in parts if p.tag == 0xA0 for c in p.children()]
    check(parts[-1].tag == 0x31 and not parts[-1].value, "without signers")
    text = openssl("pkcs7", "-inform", "der", "-print_certs", data=der)
    check(text.count(b"BEGIN CERTIFICATE") == len(certificates) > 0,
          f"openssl finds the same {len(certificates)} certificate(s) in it")
    return certificates


def check_signer(certificate, folder):
    name = " ".join(certificate.common_names())
    check(bool(name), f"signer {name}: has a name")
    check(certificate.subject == certificate.issuer and
          (certificate.key_algorithm != OID_RSA or
           certificate.signed_by(certificate.spki, folder)), f"signer {name}: self-signed")
    check(certificate.authority() and certificate.usage() & KEY_CERT_SIGN,
          f"signer {name}: CA:TRUE, keyCertSign")
    check(certificate.ski() is not None, f"signer {name}: has a subjectKeyIdentifier")
    check(certificate.valid_now(), f"signer {name}: valid now")
    check(all(oid in UNDERSTOOD for oid, critical, _ in certificate.extensions if critical),
          f"signer {name}: no critical extension that nobody knows")


def jdbc_find(certificates, wanted):
    """As JDBC walks the list: expired ones are skipped; one not valid yet, or not RSA, ends it."""
    for certificate in certificates:
        if certificate.not_after < NOW:
            continue
        if certificate.not_before > NOW or certificate.key_algorithm != OID_RSA:
            return None
        if certificate.subject == wanted.issuer and certificate.ski() == wanted.aki().get(0x80):
            return certificate
    return None


def make_request(folder, host_key, results, identity_path):
    identity = openssl("pkey", "-in", identity_path, "-pubout", "-outform", "der")
    host = openssl("pkey", "-in", host_key, "-pubout", "-outform", "der")
    message = os.path.join(folder, "message")
    with open(message, "wb") as file:
        file.write(host + identity)
    text = openssl("pkey", "-in", host_key, "-noout", "-text").decode("latin-1")
    digest = "sha384" if "secp384r1" in text else "sha256"
    signature = openssl("dgst", "-" + digest, "-sign", host_key, message)

    def encode(data):
        return base64.b64encode(data).decode()
    items = [(1, identity), (8, host), (9, signature)]
    return host, identity, json.dumps({
        "SessionId": encode(uuid.uuid4().bytes_le), "RequestedContent": results,
        "ProvidedContent": [{"m_Item1": t, "m_Item2": encode(v)} for t, v in items]}).encode()


def check_health(certificate, signers, host, identity, usage, folder):
    check(certificate.version == 3 and certificate.algorithm == OID_SHA256_RSA,
          "X.509 v3, sha256WithRSAEncryption")
    check(len(certificate.serial) <= 16 and certificate.serial[0] < 0x80 and any(certificate.serial),
          "the serial is positive, 16 bytes at most")
    check(certificate.common_names() == [hashlib.sha256(host).hexdigest().upper()],
          "the subject is the host's SHA-256 in upper-case hex")
    check(certificate.spki == identity and certificate.rsa_bits() >= 2048,
          "it certifies the identity key, RSA of 2048 bits or more")
    signer = jdbc_find(signers, certificate)
    if not check(signer is not None, "JDBC's walk finds its signer by name and key identifier"):
        return
    check(certificate.issuer == signer.subject, "issuer and signer's subject are the same bytes")
    check(certificate.signed_by(signer.spki, folder), "the signature verifies")
    check(certificate.valid_now() and certificate.not_after <= signer.not_after,
          "valid now, no longer than its signer")
    check([oid for oid, _, _ in certificate.extensions] ==
          [OID_KEY_USAGE, OID_POLICIES, OID_SKI, OID_AKI], "the extensions, in order, and no others")
    check(certificate.extension(OID_KEY_USAGE)[1] and certificate.usage() == usage,
          "keyUsage is critical and the one that was asked for")
    policies = Der(certificate.extension(OID_POLICIES)[2]).children()
    check([p.children()[0].oid() for p in policies] == [OID_POLICY],
          "application policies hold " + OID_POLICY)
    check(sorted(certificate.aki()) == [0x80, 0x82, 0xA1] and
          certificate.aki()[0x82] == signer.serial,
          "authorityKeyIdentifier has keyid, issuer and serial")


def check_report(certificate, identity_path, folder):
    """Both drivers verify an enclave's report by the certified key: PSS, SHA-256, salt 32."""
    report, signature, key = (os.path.join(folder, n) for n in ("report", "pss", "pss.der"))
    with open(report, "wb") as file:
        file.write(b"an enclave's report")
    options = [o for p in ("rsa_padding_mode:pss", "rsa_pss_saltlen:32", "rsa_mgf1_md:sha256")
               for o in ("-sigopt", p)]
    openssl("dgst", "-sha256", *options, "-sign", identity_path, "-out", signature, report)
    with open(key, "wb") as file:
        file.write(certificate.spki)
    done = subprocess.run(["openssl", "dgst", "-sha256", *options, "-verify", key, "-keyform", "der",
                           "-signature", signature, report], capture_output=True)
    check(done.returncode == 0, "a report signed by the identity key verifies")


def check_attestation(service, signers, arguments, folder):
    identity_path = os.path.join(folder, "identity.pem")
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
            identity_path)
    results = [1, 2] if arguments.signing else [1]
    usages = {1: KEY_ENCIPHERMENT, 2: DIGITAL_SIGNATURE}
    host, identity, body = make_request(folder, arguments.host_key, results, identity_path)
    reply = service.ask("/v2.0/hostkeyattest", body)
    message = check_type(reply, "HealthCertificateReply", "a registered host")
    content = message.get("Content", [])
    check([c["m_Item1"] for c in content] == results, f"certificates of the types {results}")
    for item in content:
        certificate = Certificate(base64.b64decode(item["m_Item2"], validate=True))
        print(f"        certificate of type {item['m_Item1']}:")
        check_health(certificate, signers, host, identity, usages[item["m_Item1"]], folder)
        if item["m_Item1"] == 2:
            check_report(certificate, identity_path, folder)
    if not arguments.signing:
        _, _, body = make_request(folder, arguments.host_key, [2], identity_path)
        check_type(service.ask("/v2.0/hostkeyattest", body), "PayloadErrorReply",
                   "a signing certificate for an unprotected key")
    altered = json.loads(body)
    altered["RequestedContent"] = [1]
    altered["ProvidedContent"][0]["m_Item2"] = altered["ProvidedContent"][1]["m_Item2"]
    check_type(service.ask("/v2.0/hostkeyattest", json.dumps(altered).encode()),
               "UnauthorizedErrorReply", "another identity key under the same signature")


def check_refusals(service, folder):
    for path in ("/v1.0/attest", "/v2.0/attest", "/v1.0/domainattest"):
        message = check_type(service.ask(path, b"{}"), "OperationModeErrorReply", path)
        check(message.get("Retryable") is True and message.get("ExpectedOperationMode") == 3,
              f"{path}: names the right mode, retryable")
    for body in (b"", b"{", b"{}", b"[]", b'{"SessionId":"AAAAAAAAAAAAAAAAAAAAAA=="}'):
        check_type(service.ask("/v2.0/hostkeyattest", body), "PayloadErrorReply",
                   f"hostkeyattest of {body.decode()!r}")
    stranger, identity = (os.path.join(folder, n) for n in ("stranger.pem", "own.pem"))
    for path in (stranger, identity):
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    _, _, body = make_request(folder, stranger, [1], identity)
    message = check_type(service.ask("/v2.0/hostkeyattest", body), "UnauthorizedErrorReply",
                         "a host that is not registered")
    check("Content" not in message and message.get("Retryable") is False, "and gets nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("url")
    parser.add_argument("--host-key")
    parser.add_argument("--signing", action="store_true")
    parser.add_argument("--ca")
    arguments = parser.parse_args()
    service = Service(arguments.url, arguments.ca)
    with tempfile.TemporaryDirectory() as folder:
        check_info(service)
        lists = set()
        for path in ("/v2.0/signingCertificates", "/attestationservice.svc/v2.0/signingCertificates/",
                     "//attestationservice.svc/v2.0/signingCertificates/"):
            lists.add(check_list_form(service.ask(path), path))
        if check(len(lists) == 1 and None not in lists, "the same list at each path"):
            signers = parse_list(lists.pop())
            for signer in signers:
                check_signer(signer, folder)
            if arguments.host_key:
                check_attestation(service, signers, arguments, folder)
        check_refusals(service, folder)
    print(f"{failures} failed" if failures else "all good")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
