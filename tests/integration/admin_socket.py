# SPDX-License-Identifier: Apache-2.0
"""The administration socket, spoken to as no hgsctl would: strangers, dry runs, descriptors."""
import base64
import json
import os
import pathlib
import pwd
import signal
import socket
import struct
import subprocess
import sys
import threading

from fabric import DEADLINE, HGSCTL, HGSD, Fabric, case, check, equal, finish, run, wait_until


class Caller:
    """One connection; every frame of admin/frame.h."""

    def __init__(self, fabric):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(fabric.socket))
        self.socket.settimeout(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the service ended the connection")
            data += more
        return data

    def call(self, operation, arguments=None, files=(), dry_run=False):
        """The reply, parsed; files: descriptors that go with the first byte."""
        text = json.dumps({"operation": operation, "arguments": arguments or {}, "dry_run": dry_run}).encode()
        head = struct.pack("<I", len(text))
        socket.send_fds(self.socket, [head], list(files))
        self.socket.sendall(text)
        size, = struct.unpack("<I", self.receive(4))
        return json.loads(self.receive(size))


def call(fabric, *arguments, **options):
    with Caller(fabric) as caller:
        return caller.call(*arguments, **options)


def as_nobody(fabric, body, meanwhile=None):
    """Runs body in a process of the user nobody, whose assertions count here; meanwhile runs here once body is done,
    while that process still holds what body returned."""
    fabric.folder.chmod(0o755)
    done, go_on = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(done[0])
        os.close(go_on[1])
        try:
            user = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            held = body()
            os.write(done[1], b"+")
            os.read(go_on[0], 1)
            del held
        except BaseException as failure:  # pylint: disable=broad-except
            print("#", repr(failure), file=sys.stderr)
        os._exit(0)
    os.close(done[1])
    os.close(go_on[0])
    try:
        equal(os.read(done[0], 1), b"+")
        if meanwhile:
            meanwhile()
    finally:
        os.close(go_on[1])
        os.waitpid(pid, 0)
        os.close(done[0])


def a_stranger_cannot_spoil_the_trail(fabric):
    def body():
        for word in ("x" * 20000, "\u00e9" * 20000, '"' * 500000, "\\", "\x01" * 9000):
            reply = call(fabric, word)
            equal(reply["error"]["code"], "admin.denied")

    as_nobody(fabric, body)
    equal(fabric.show("event", "verify")["whole"], True)
    refused = fabric.events("admin.refused")
    equal(len(refused), 5)
    for event in refused:
        equal((event["user"], event["code"]), ("nobody", "admin.denied"))
    equal(refused[0]["operation"], "x" * 128)


def a_stranger_cannot_fill_the_disk(_):
    """Anybody on the machine may be refused as often as they like; all are counted, few have a record of their own."""
    many = 100
    with Fabric("[audit]\nrefusals = 1") as fabric:  # a second, and 25 at once of one peer

        def body():
            for _ in range(many):
                equal(call(fabric, "server.show")["error"]["code"], "admin.denied")

        as_nobody(fabric, body)
        suppressed = wait_until(lambda: fabric.events("admin.refused.suppressed"), "the others are counted")
        wait_until(lambda: len(fabric.events("admin.refused")) +
                   sum(event["count"] for event in fabric.events("admin.refused.suppressed")) == many, "all are counted")
        check(len(fabric.events("admin.refused")) < many and suppressed[0]["count"] > 0)


def strangers_do_not_keep_administrators_out(fabric):
    as_nobody(fabric, lambda: [Caller(fabric) for _ in range(64)], lambda: fabric.ctl("server", "show"))


IMPORT, BACKUP = 2, 8  # of keyholder/message.h
PERMIT, KEY, CERTIFICATE, PASSWORD, FILE = 1, 2, 4, 8, 16  # of keyholder/meeting.h


class Meeting:
    """Where the keyholder gets files (keyholder/meeting.h): {which: opened file}; first: what is done before."""

    def __init__(self, operation, files, first=None):
        self.first = first
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.message = bytes([operation, sum(files)])
        self.files = [files[which].fileno() for which in sorted(files)]
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.here.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self.here.close()
        self.there.close()

    def run(self):
        _, lines, _, _ = socket.recv_fds(self.here, 1, 1)
        if self.first:
            self.first()
        for line in lines:
            with socket.socket(fileno=line) as opened:
                socket.send_fds(opened, [self.message], self.files)


def a_dry_run_gives_no_key_away(fabric):
    backup, password = fabric.folder / "dry-backup", fabric.folder / "dry-password"
    backup.write_bytes(b"")
    password.write_text("a long password\n")
    permit = next(pathlib.Path(fabric.folder / "state").rglob("export.permit"))
    with open(permit, "rb") as one, open(password, "rb") as two, open(backup, "r+b") as three:
        with Meeting(BACKUP, {PERMIT: one, PASSWORD: two, FILE: three}) as meeting:
            reply = call(fabric, "state.export", {"meeting_fd": 0}, [meeting.there.fileno()], dry_run=True)
            check(reply["ok"], reply)
        equal((backup.stat().st_size, len(fabric.events("state.exported"))), (0, 0))
        with Meeting(BACKUP, {PERMIT: one, PASSWORD: two, FILE: three}) as meeting:
            reply = call(fabric, "state.export", {"meeting_fd": 0}, [meeting.there.fileno()])
            check(reply["ok"], reply)
    check(backup.stat().st_size > 0)
    equal(len(fabric.events("state.exported")), 1)


def files_are_for_one_operation(fabric):
    """What an administrator gives for an import is no use for a backup, however the service asks."""
    password = fabric.folder / "dry-password"
    backup = fabric.folder / "other-backup"
    with open(password, "rb") as one, open(backup, "w+b") as two:
        with Meeting(IMPORT, {KEY: two, PASSWORD: one}) as meeting:
            reply = call(fabric, "state.export", {"meeting_fd": 0}, [meeting.there.fileno()])
            equal(reply["error"]["code"], "keyholder.meeting")
        with Meeting(BACKUP, {PASSWORD: one, FILE: two}) as meeting:
            reply = call(fabric, "state.export", {"meeting_fd": 0}, [meeting.there.fileno()])
            equal(reply["error"]["code"], "keyholder.permit")
    equal(backup.read_bytes(), b"")


class Impostor:
    """A service in an attacker's hands, which asks for the files in the keyholder's place: by itself, or by a process
    that it has somewhere else."""

    def __init__(self, path, by_child):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.by_child, self.got = by_child, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def ask(self, meeting):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            socket.send_fds(meeting, [b"!"], [theirs.fileno()])
            theirs.close()
            return socket.recv_fds(ours, 100, 10)[:2]

    def ask_as_child(self, meeting):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if self.ask(meeting) == (b"", []) else 1)
        return (b"", []) if os.waitpid(pid, 0)[1] == 0 else (b"something", [])

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            head, fds, _, _ = socket.recv_fds(connection, 4, 10)
            connection.recv(struct.unpack("<I", head)[0])
            with socket.socket(fileno=fds[0]) as meeting:
                self.got = self.ask_as_child(meeting) if self.by_child else self.ask(meeting)
            text = json.dumps({"ok": True, "result": {"thumbprint": "", "primary": False}}).encode()
            connection.sendall(struct.pack("<I", len(text)) + text)


def nobody_but_the_keyholder_gets_files(fabric):
    password = fabric.folder / "dry-password"
    for by_child in (False, True):
        path = fabric.folder / f"impostor-{by_child}"
        impostor = Impostor(path, by_child)
        done = run([HGSCTL, "--socket", str(path), "certificate", "add", "--type", "signing", "--pfx", str(password),
                    "--password-file", str(password), "--json"], status=1)
        impostor.thread.join(DEADLINE)
        equal(json.loads(done.stderr)["error"]["code"], "keyholder.impostor")
        equal(impostor.got, (b"", []))


class Teller:
    """What stands in a service's place, and answers the requests of one connection with these results."""

    def __init__(self, path, *results):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.replies = [json.dumps({"ok": True, "result": result}).encode() for result in results]
        self.asked = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            for reply in self.replies:
                self.asked.append(json.loads(connection.recv(struct.unpack("<I", connection.recv(4))[0])))
                connection.sendall(struct.pack("<I", len(reply)) + reply)
            connection.recv(4)


def all_of_a_long_trail_is_listed(fabric):
    """A trail has more values than a request may have, and more bytes than one answer."""
    def events(first, count):
        return [{"seq": seq, "time": "2026-11-26T00:00:00Z", "event": "x", "a": 1, "b": 2, "c": 3, "d": 4, "prev": "00"}
                for seq in range(first, first + count)]

    path, count = fabric.folder / "long", 15000
    teller = Teller(path, {"events": events(1, count), "truncated": True}, {"events": events(count + 1, 2),
                                                                            "truncated": False})
    done = run([HGSCTL, "--socket", str(path), "event", "list", "--limit", "0", "--json"])
    teller.thread.join(DEADLINE)
    equal([json.loads(line)["seq"] for line in done.stdout.splitlines()], list(range(1, count + 3)))
    equal([asked["arguments"]["after"] for asked in teller.asked], [0, count])
    for options, limit in ((), 100), (("--since", "2026-11-26T00:00:00Z"), 0), (("--limit", "7"), 7):
        path = fabric.folder / f"newest-{limit}"
        teller = Teller(path, {"events": [], "truncated": False})
        run([HGSCTL, "--socket", str(path), "event", "list", *options])
        teller.thread.join(DEADLINE)
        equal(teller.asked[0]["arguments"]["limit"], limit)


def nobody_but_the_keyholder_gets_rights(fabric):
    """certificate permission --grant as the service wants it: for a user who is not the keyholder's."""
    folder, path = fabric.folder / "lied-about", fabric.folder / "liar"
    folder.mkdir()
    key, certificate = pair(fabric, "lied-about", "digitalSignature")
    key.chmod(0o600)
    for file in (key, certificate):
        file.rename(folder / file.name)
    printed = run(["openssl", "x509", "-in", str(folder / certificate.name), "-noout", "-fingerprint", "-sha256"])
    thumbprint = printed.stdout.decode().split("=")[1].strip().replace(":", "").lower()
    teller = Teller(path, {"thumbprint": thumbprint, "added": True, "key_source": "file", "works": False,
                           "folder": str(folder), "user": "nobody"})
    done = run([HGSCTL, "--socket", str(path), "certificate", "permission", thumbprint, "--grant", "--json"], status=1)
    teller.thread.join(DEADLINE)
    equal(json.loads(done.stderr)["error"]["code"], "keyholder.impostor")
    equal((folder / key.name).stat().st_mode & 0o777, 0o600)
    equal([name for name in os.listxattr(folder / key.name) if "acl" in name], [])


def two_names_at_once_for_one_key_are_one_too_many(fabric):
    key, public = fabric.folder / "twice.key", fabric.folder / "twice.pub"
    run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)])
    run(["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER", "-out", str(public)])
    text = base64.b64encode(public.read_bytes()).decode()
    with Caller(fabric) as one, Caller(fabric) as other:
        for attempt in range(20):
            replies = {}
            gate = threading.Barrier(2)

            def add(caller, name, replies=replies, gate=gate):
                gate.wait(DEADLINE)
                replies[name] = caller.call("host.add", {"name": name, "key": text})

            callers = [threading.Thread(target=add, args=(caller, f"{name}{attempt}"))
                       for caller, name in ((one, "one"), (other, "other"))]
            for thread in callers:
                thread.start()
            for thread in callers:
                thread.join(DEADLINE)
            added = [name for name, reply in replies.items() if reply["ok"]]
            equal([reply["error"]["code"] for reply in replies.values() if not reply["ok"]], ["admin.exists"])
            equal(len(added), 1)
            fabric.ctl("host", "remove", added[0], "--yes")


def pair(fabric, name, usage, key=None):
    """A certificate and its key in PEM; with the key of an earlier pair, or one of its own."""
    key_file, certificate = key or fabric.folder / f"{name}.key", fabric.folder / f"{name}.pem"
    if key is None:
        run(["openssl", "genpkey", "-algorithm", "RSA", "-out", str(key_file)])
    run(["openssl", "req", "-x509", "-new", "-key", str(key_file), "-days", "30", "-out", str(certificate), "-subj",
         f"/CN={name}", "-addext", f"keyUsage=critical,{usage}"])
    return key_file, certificate


def a_key_may_serve_two_types(fabric):
    """It is sealed once for each, and stays for the one when the other goes."""
    key, signing = pair(fabric, "signing", "digitalSignature")
    _, again = pair(fabric, "signing-again", "digitalSignature", key)
    _, encryption = pair(fabric, "encryption", "keyEncipherment", key)
    for certificate in (signing, again):
        fabric.ctl("certificate", "add", "--type", "signing", "--file", certificate, "--key-file", key)
    which = fabric.show("certificate", "add", "--type", "encryption", "--file", encryption, "--key-file",
                        key)["thumbprint"]
    fabric.ctl("server", "test")
    others = [item["thumbprint"] for item in fabric.show("certificate", "list")["certificates"]
              if item["subject"] in ("CN=signing", "CN=signing-again")]
    equal(len(others), 2)
    for other in others:
        fabric.ctl("certificate", "remove", other, "--type", "signing", "--yes")
        fabric.ctl("server", "test")
    fabric.ctl("certificate", "add", "--type", "signing", "--file", signing, "--key-file", key)
    fabric.ctl("certificate", "remove", which, "--type", "encryption", "--yes")
    os.kill(fabric.children()["keyholder"], 9)
    wait_until(lambda: fabric.ctl("server", "test", status=None).returncode == 0, "every key works after a restart")


def a_key_that_is_added_meanwhile_stays(fabric):
    """Who comes too late with the same certificate is refused, and the keyholder does not forget the other's key."""
    key, certificate = pair(fabric, "meanwhile", "digitalSignature")
    add = ["certificate", "add", "--type", "signing", "--file", certificate, "--key-file", key]
    with open(key, "rb") as one, open(certificate, "rb") as two:
        with Meeting(IMPORT, {KEY: one, CERTIFICATE: two}, lambda: fabric.ctl(*add)) as meeting:
            reply = call(fabric, "certificate.add", {"type": "signing", "pair": True, "meeting_fd": 0}, [meeting.there.fileno()])
            equal(reply["error"]["code"], "admin.exists")
    fabric.ctl("server", "test")


def a_dry_run_gives_no_pin(fabric):
    del fabric
    section = f"[token none]\nmodule = {HGSCTL}\nuri = pkcs11:token=none"
    with open("/dev/null", "rb") as nothing, Fabric(section) as second:
        arguments = ("token.unlock", {"name": "none", "meeting_fd": 0}, [nothing.fileno()])
        equal(call(second, *arguments, dry_run=True)["ok"], True)
        equal(second.events("token.pin-given"), [])
        equal(call(second, *arguments)["ok"], False)
        equal(len(second.events("token.pin-given")), 1)


def another_service_does_not_take_the_socket(fabric):
    """Two services whose configurations name one socket: the second says so, and administrators keep the first."""
    other = fabric.folder / "other.conf"
    log = fabric.folder / "other.log"
    other.write_text(fabric.config_file.read_text().replace(f"{fabric.folder}/state", f"{fabric.folder}/other"))
    with open(log, "wb") as output:
        second = subprocess.Popen([HGSD, "--config", str(other)], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until(lambda: b"cannot start" in log.read_bytes() or b"ready" in log.read_bytes(), "the second one tries")
        finally:
            second.terminate()
            second.wait(DEADLINE)
    check(b"another service answers there (process.socket)" in log.read_bytes(), log.read_text())
    check(fabric.show("server", "show")["initialized"], "the first one answers no more")


def hgsd_may_be_the_first_process():
    """As in a container: there the supervisor is process 1, and files are given to its keyholder all the same."""
    with Fabric(wrapper=("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")) as fabric:
        parent = fabric.process.pid
        first = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
        try:
            fabric.init()
            password = fabric.folder / "password"
            password.write_text("secret")
            within = ("nsenter", "--target", first, "--pid", "--mount")
            run([*within, HGSCTL, "state", "export", str(fabric.folder / "backup"), "--password-file", str(password)],
                env=fabric.env)
        finally:
            os.kill(int(first), signal.SIGTERM)  # unshare itself takes none


def long_names_fit(fabric):
    """A name of 128 characters is a name (commands.md); what does not fit into a common name is cut."""
    del fabric
    name = "n" * 128
    with Fabric() as second:
        second.ctl("server", "init", "--service-name", name, "--trust", "hostkey", "--generate-certificates")
        equal(second.show("server", "show")["service_name"], name)
        equal(sorted(item["subject"] for item in second.show("certificate", "list")["certificates"]),
              [f"CN={name[:49]} encryption", f"CN={name[:49]} signing"])


def open_descriptors(fabric):
    return len(os.listdir(f"/proc/{fabric.children()['service']}/fd"))


def refused_requests_leave_no_descriptors(fabric):
    with open("/dev/null", "rb") as nothing, Fabric() as second:
        fd = nothing.fileno()

        def refused():
            for service, operation, arguments, code in (
                    (fabric, "certificate.add", {"type": "signing"}, "admin.argument"),
                    (fabric, "certificate.add", {"type": "signing", "meeting_fd": 7}, "admin.argument"),
                    (fabric, "certificate.add", {"type": "signing", "meeting_fd": 0}, "keyholder.meeting"),
                    (second, "server.init", {"service_name": "x", "trust": "hostkey", "signing_meeting_fd": 0},
                     "admin.argument"),
                    (second, "server.init", {"service_name": "x", "trust": "hostkey", "signing_meeting_fd": 0,
                                             "encryption_meeting_fd": 1}, "keyholder.meeting"),
                    (fabric, "state.export", {"meeting_fd": 0}, "keyholder.meeting"),
                    (fabric, "state.import", {}, "admin.argument")):
                reply = call(service, operation, arguments, [fd] * 4)
                equal(reply["error"]["code"], code)

        refused()
        before = open_descriptors(fabric), open_descriptors(second)
        for _ in range(5):
            refused()
        wait_until(lambda: (open_descriptors(fabric), open_descriptors(second)) <= before,
                   "descriptors of refused requests are closed", 5)


def main():
    with Fabric() as fabric:
        fabric.init()
        bodies = [a_dry_run_gives_no_key_away, files_are_for_one_operation, nobody_but_the_keyholder_gets_files,
                  nobody_but_the_keyholder_gets_rights, all_of_a_long_trail_is_listed,
                  two_names_at_once_for_one_key_are_one_too_many,
                  a_key_may_serve_two_types, a_key_that_is_added_meanwhile_stays,
                  a_dry_run_gives_no_pin, another_service_does_not_take_the_socket, long_names_fit,
                  refused_requests_leave_no_descriptors]
        if os.getuid() == 0:
            bodies += [a_stranger_cannot_spoil_the_trail, a_stranger_cannot_fill_the_disk,
                       strangers_do_not_keep_administrators_out]
        else:
            print("# SKIP strangers, first process: only root can be another user, or have namespaces")
        for body in bodies:
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    if os.getuid() == 0 and run(["unshare", "--pid", "--fork", "--mount-proc", "true"], status=None).returncode != 0:
        print("# SKIP first process: this machine's root may make no namespaces")
    elif os.getuid() == 0:
        case("hgsd may be the first process", hgsd_may_be_the_first_process)
    finish()


main()
