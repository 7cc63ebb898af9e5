# SPDX-License-Identifier: Apache-2.0
"""Where the attacks of hostile*.py happen: a fabric with a registered host and an owner, and what each attack must lead
to: the error that the protocol names, nothing released, memory bounded, an event.

Every attack comes from an address of its own (127.1.0.0/16), by which it is found in the event list in the end.
"""
import base64
import collections
import http.client
import itertools
import json
import os
import pathlib
import re
import socket
import urllib.parse

import forge
from conformance import make_request
from fabric import DEADLINE, Fabric, Failed, case, check, equal, finish, wait_until

ROLL = "/KeyProtection/service/v2.0/rolltransportkey"
ATTEST = "/Attestation/v2.0/hostkeyattest"
XML, JSON = "application/xml", "application/json"
CORE = ":#Microsoft.Windows.RemoteAttestation.Core"
KPS_LIMIT, ATTESTATION_LIMIT = 1024 * 1024, 4 * 1024 * 1024  # bodies
PROTECTOR, WRAPPING, HEALTH = "InvalidProtectorException", "InvalidWrappingException", "HealthCertificateException"
# KiB that all attacks of a program together may add to the service; a sanitizer keeps what was freed.
MEMORY_MAX, MEMORY_MAX_SANITIZED = 192 * 1024, 640 * 1024

_peers = itertools.count(1)


class Scene:
    """A fabric, a registered host's request and its health certificate, an owner's protector; and what must be in the
    event list in the end: by peer, how many of which (event, code)."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.folder = fabric.folder / "forged"
        self.folder.mkdir()
        self.address = urllib.parse.urlsplit(fabric.url)
        self.expected = collections.defaultdict(collections.Counter)
        host = fabric.host("n1")
        fabric.register(host)
        self.host_key = host.folder / "host.key"
        self.identity = forge.make_key(self.folder / "identity.pem")
        self.attestation = self.attest_request(self.identity)
        status, reply = self.ask(ATTEST, self.attestation, JSON)
        equal(status, 200)
        self.health = base64.b64decode(json.loads(reply)["Content"][0]["m_Item2"])
        self.owner = forge.Guardian(self.folder, "owner")
        self.stranger = forge.Guardian(self.folder, "stranger")
        self.service = forge.Foreign(fabric.http("/KeyProtection/service/metadata/2014-07/metadata.xml")[1])
        self.transport_key = os.urandom(32)
        self.protector = forge.good_protector(self.owner, self.service, self.transport_key)
        self.released = 0
        self.signer = forge.Signer(self.folder, "Other Signer")
        (self.folder / "signer.der").write_bytes(self.signer.certificate)

    def attest_request(self, identity, results=(1,), host_key=None):
        folder = self.folder / "request"
        folder.mkdir(exist_ok=True)
        return make_request(str(folder), str(host_key or self.host_key), list(results), str(identity))[2]

    def connect(self, peer):
        return socket.create_connection((self.address.hostname, self.address.port), DEADLINE, (peer, 0))

    def ask(self, path, body, content_type, peer="127.0.0.1", method="POST", **headers):
        connection = http.client.HTTPConnection(
            self.address.hostname, self.address.port, timeout=DEADLINE, source_address=(peer, 0)
        )
        try:
            if content_type:
                headers["Content-Type"] = content_type
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def expect(self, peer, event, code, count=1):
        self.expected[peer][event, code] += count

    def roll(self, body):
        """A roll that is in order."""
        status, reply = self.ask(ROLL, body, XML)
        check(status == 200 and b"<EncryptedTransportKeys>" in reply, reply)
        self.released += 1

    def refuse_roll(self, name, body, status, error, code, content_type=XML, peer=None):
        """The reply's message."""
        peer = peer or new_peer()
        got, reply = self.ask(ROLL, body, content_type, peer)
        found = re.search(rb"<Error xmlns=\"[^\"]*\"><Code>(\w*)</Code><Message>([^<]*)</Message></Error>", reply)
        check(found and got == status and found[1].decode() == error, f"{name}: {got} {reply[:400]}")
        check(b"<Encrypted" not in reply and b"Egress" not in reply, f"{name}: {reply[:400]}")
        self.expect(peer, "key.refused", code)
        return found[2]

    def refuse_protector(self, name, text, code, error=PROTECTOR, peer=None):
        """The reply's message to a roll of this protector, else in order."""
        return self.refuse_roll(name, forge.roll_request(text, self.health), 400, error, code, peer=peer)

    def refuse_attest(self, name, body, error, code, content_type=JSON, peer=None, path=ATTEST):
        peer = peer or new_peer()
        status, reply = self.ask(path, body, content_type, peer)
        message = json.loads(reply)
        check(
            status == 200
            and next(iter(message)) == "__type"
            and message["__type"] == error + CORE
            and "Content" not in message,
            f"{name}: {status} {reply[:400]}",
        )
        self.expect(peer, "attestation.failed", code)

    def refuse_http(self, name, path, body, status, code, method="POST", **headers):
        peer = new_peer()
        got, reply = self.ask(path, body, None, peer, method, **headers)
        check(got == status, f"{name}: {got} {reply[:400]}")
        self.expect(peer, "http.refused", code)


def new_peer():
    number = next(_peers)
    return f"127.1.{number // 250}.{number % 250 + 1}"


def memory(pid, name):
    """A figure of /proc/PID/status in KiB."""
    return int(re.search(rf"^{name}:\s*(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def memory_stays_bounded(scene):
    service = scene.fabric.children()["service"]
    equal(service, scene.pid)
    sanitized = memory(service, "VmPeak") > 1 << 30  # a sanitizer's shadow is terabytes
    grown = memory(service, "VmHWM") - scene.memory
    check(grown < (MEMORY_MAX_SANITIZED if sanitized else MEMORY_MAX), f"it grew by {grown} KiB")


def nothing_is_released(scene):
    scene.roll(forge.roll_request(scene.protector, scene.health))
    equal(scene.ask(ATTEST, scene.attestation, JSON)[0], 200)
    equal(len(scene.fabric.events("key.released")), scene.released)
    equal(scene.fabric.show("event", "verify")["whole"], True)


def all_is_in_the_event_list(scene):
    def seen():
        found = collections.defaultdict(collections.Counter)
        for event in scene.fabric.events():
            if event.get("peer", "").startswith("127.1."):
                found[event["peer"]][event["event"], event.get("code")] += 1
        return found

    def differing():
        found = seen()
        return [
            f"{peer}: {dict(found[peer])}, expected {dict(scene.expected[peer])}"
            for peer in sorted(found.keys() | scene.expected.keys())
            if found[peer] != scene.expected[peer]
        ]

    try:  # what a connection's end causes may still be on its way
        wait_until(lambda: not differing(), "", 10)
    except Failed:
        raise AssertionError("\n".join(differing())) from None


def perform(*attacks):
    """Runs the attacks as test cases, then looks at what they left."""
    with Fabric("[audit]\nrefusals = 1000000") as fabric:
        fabric.init()
        scene = Scene(fabric)
        scene.roll(forge.roll_request(scene.protector, scene.health))
        scene.pid = fabric.children()["service"]
        scene.memory = memory(scene.pid, "VmRSS")
        for body in (*attacks, memory_stays_bounded, nothing_is_released, all_is_in_the_event_list):
            case(body.__name__.replace("_", " "), lambda body=body: body(scene))
    finish()
