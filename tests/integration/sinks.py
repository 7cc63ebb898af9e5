# SPDX-License-Identifier: Apache-2.0
"""The audit trail's other places: the systemd journal (a socket of the test's own, in a mount namespace) and the Linux audit system,
with and without the privilege. Only root can make either."""
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys

from fabric import DEADLINE, HGSD, Fabric, case, check, equal, finish, wait_until

JOURNAL = "/run/systemd/journal"
AUDIT_TRUSTED_APP = 1121
AUDIT_GET, AUDIT_SET = 1000, 1001
NETLINK_AUDIT = 9
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2


class WithJournal(Fabric):
    """A service that sees the test's folder where the journal's is."""

    def __init__(self, config):
        super().__init__(config)
        self.journal_folder = self.folder / "journal"
        self.journal_folder.mkdir()
        script = f'mkdir -p {JOURNAL} && mount --bind "$1" {JOURNAL} && shift && exec "$@"'
        # /run of its own: the folder need not be there.
        self.wrapper = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && " + script, "sh",
                        str(self.journal_folder)]
        self.receiver = None

    def listen(self):
        self.receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.receiver.bind(str(self.journal_folder / "socket"))
        os.chmod(self.journal_folder / "socket", 0o666)

    def deafen(self):
        self.receiver.close()
        (self.journal_folder / "socket").unlink()

    def entries(self):
        """What the journal got until now, as dictionaries."""
        found = []
        while select.select([self.receiver], [], [], 0)[0]:
            found.append(entry_of(self.receiver.recv(1 << 20)))
        return found


def entry_of(packet):
    """The journal's native protocol: NAME=value lines; a value with newlines has its size before it."""
    fields = {}
    while packet:
        line, _, rest = packet.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = struct.unpack("<Q", rest[:8])[0]
            value, rest = rest[8:8 + size], rest[9 + size:]
        fields[name.decode()] = value.decode()
        packet = rest
    return fields


def journal_gets_every_record():
    with WithJournal("[audit]\njournal = yes") as fabric:
        fabric.listen()
        wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "the journal is found")
        fabric.init()
        host = fabric.host("n1")
        fabric.register(host)
        host.hgs("host", "attest")
        events = fabric.events()
        got = []

        def arrived():
            got.extend(fabric.entries())
            return got and got[-1]["HGS_SEQ"] == str(events[-1]["seq"])
        wait_until(arrived, "the last record is in the journal")
        by_sequence = {int(entry["HGS_SEQ"]): entry for entry in got}
        for event in events:
            entry = by_sequence[event["seq"]]
            equal(json.loads(entry["HGS_RECORD"]), event)
            equal(entry["HGS_EVENT"], event["event"])
            equal(entry["SYSLOG_IDENTIFIER"], "hgs-audit")
        passed = [entry for entry in got if entry["HGS_EVENT"] == "attestation.passed"][-1]
        equal(passed["HGS_HOST"], "n1")
        check(passed["MESSAGE"].startswith("attestation.passed ") and "host=n1" in passed["MESSAGE"], passed["MESSAGE"])

        fabric.deafen()
        equal(fabric.refusal("host", "remove", "n1", "--yes"), "audit.sink-missing")
        equal(host.refusal("host", "attest"), "host.unavailable")
        shown = fabric.show("server", "show")["audit"]
        equal((shown["writable"], shown["error"]["code"]), (False, "audit.sink-missing"))
        fabric.listen()
        wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "the journal is there again")
        host.hgs("host", "attest")


def without_a_journal_the_service_says_so():
    with WithJournal("[audit]\njournal = yes") as fabric:
        check("the systemd journal cannot be reached" in fabric.log_text(), fabric.log_text())
        equal(fabric.refusal("server", "init", "--service-name", "x", "--trust", "hostkey", "--generate-certificates"),
              "audit.sink-missing")


def without(capability):
    return ["setpriv", "--bounding-set", "-" + capability, "--inh-caps", "-" + capability]


def check_config(fabric, wrapper=()):
    done = subprocess.run([*wrapper, HGSD, "--config", str(fabric.config_file), "--check-config"], check=False,
                          capture_output=True, timeout=DEADLINE, text=True)
    return done.returncode, done.stderr


def ask_kernel(kind, payload=b""):
    """One request to the kernel's audit system; the payloads of what it answers."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT) as asking:
        asking.settimeout(DEADLINE)
        asking.bind((0, 0))
        asking.send(struct.pack("=IHHII", 16 + len(payload), kind, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + payload)
        while True:
            packet = asking.recv(1 << 16)
            answered = struct.unpack("=IH", packet[:6])[1]
            if answered == kind or (answered == NLMSG_ERROR and payload):
                return packet[16:]


class KernelAudit:
    """Messages of the kernel's audit system, as readers get them; switched on meanwhile where it is off."""

    def __enter__(self):
        self.was_on = struct.unpack("=II", ask_kernel(AUDIT_GET)[:8])[1] != 0
        self.listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.listener.bind((0, 1))  # AUDIT_NLGRP_READLOG
        self.listener.settimeout(DEADLINE)
        self.switch(True)
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.switch(self.was_on)

    @staticmethod
    def switch(value):
        ask_kernel(AUDIT_SET, struct.pack("=11I", 1, 1 if value else 0, *[0] * 9))

    def next(self):
        """The next message of a trusted application."""
        while True:
            packet = self.listener.recv(1 << 16)
            if struct.unpack("=IH", packet[:6])[1] == AUDIT_TRUSTED_APP:
                return packet[16:].decode(errors="replace")


def linux_audit_gets_every_record():
    with KernelAudit() as kernel, Fabric("[audit]\nlinux-audit = yes") as fabric:
        equal(check_config(fabric)[0], 0)
        fabric.init()
        wanted = {event["seq"]: event["event"] for event in fabric.events()}
        while wanted:
            found = re.search(r"op=(\S+) seq=(\d+) .*hash=[0-9a-f]{64}", kernel.next())
            if found and wanted.get(int(found[2])) == found[1]:
                del wanted[int(found[2])]


def a_kernel_that_would_drop_them_is_not_enough():
    with KernelAudit() as kernel:
        kernel.switch(False)
        with Fabric("[audit]\nlinux-audit = yes") as fabric:
            equal(fabric.show("server", "show")["audit"]["error"]["code"], "audit.sink-missing")
            check("switched off" in check_config(fabric)[1])
            equal(fabric.refusal("server", "init", "--service-name", "x", "--trust", "hostkey", "--generate-certificates"),
                  "audit.sink-missing")
            kernel.switch(True)
            wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "the kernel takes records again")
            fabric.init()
            wanted = fabric.events("server.initialized")[-1]["seq"]
            while not re.search(rf"op=server.initialized seq={wanted} ", kernel.next()):
                pass
            kernel.switch(False)
            wait_until(lambda: fabric.refusal_or_none("signer", "renew") == "audit.sink-missing", "it is off again")
            kernel.switch(True)
            wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "it is on again")
            equal(fabric.show("event", "verify")["whole"], True)
            watchers = watchers_of(fabric)
            equal(len(watchers), 1)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in watchers), "it ends with its service")


def watchers_of(fabric):
    """Children of the service: the process that asks the kernel."""
    pid = fabric.children()["service"]
    return [int(child) for task in os.listdir(f"/proc/{pid}/task")
            for child in open(f"/proc/{pid}/task/{task}/children", encoding="ascii").read().split()]


def without_the_capability_the_service_says_so():
    with KernelAudit(), Fabric("[audit]\nlinux-audit = yes", wrapper=without("audit_write")) as fabric:
        shown = fabric.show("server", "show")["audit"]
        equal((shown["writable"], shown["error"]["code"]), (False, "audit.sink-privilege"))
        check("CAP_AUDIT_WRITE" in shown["error"]["message"] and "CapabilityBoundingSet" in shown["error"]["remedy"])
        check("CAP_AUDIT_WRITE" in fabric.log_text(), fabric.log_text())
        equal(fabric.refusal("server", "init", "--service-name", "x", "--trust", "hostkey", "--generate-certificates"),
              "audit.sink-privilege")
        status, said = check_config(fabric, without("audit_write"))
        equal(status, 1)
        check("audit.sink-privilege" in said and "CAP_AUDIT_WRITE" in said, said)


def main():
    if os.getuid() != 0:
        print("1..0 # SKIP only root can stand in for the journal and use the Linux audit system")
        sys.exit(1 if os.environ.get("CI") else 0)
    cases = [journal_gets_every_record, without_a_journal_the_service_says_so, linux_audit_gets_every_record,
             a_kernel_that_would_drop_them_is_not_enough, without_the_capability_the_service_says_so]
    for body in cases:
        case(body.__name__.replace("_", " "), body)
    finish()


main()
