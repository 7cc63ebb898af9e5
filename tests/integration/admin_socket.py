# SPDX-License-Identifier: Apache-2.0
"""The administration socket, spoken to as no hgsctl would: strangers, dry runs, descriptors."""
import json
import os
import pathlib
import pwd
import socket
import struct
import sys

from fabric import DEADLINE, Fabric, case, check, equal, finish, run, wait_until


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


def strangers_do_not_keep_administrators_out(fabric):
    as_nobody(fabric, lambda: [Caller(fabric) for _ in range(64)], lambda: fabric.ctl("server", "show"))


def a_dry_run_gives_no_key_away(fabric):
    backup, password = fabric.folder / "dry-backup", fabric.folder / "dry-password"
    backup.write_bytes(b"")
    password.write_text("a long password\n")
    permit = next(pathlib.Path(fabric.folder / "state").rglob("export.permit"))
    with open(permit, "rb") as one, open(password, "rb") as two, open(backup, "r+b") as three:
        files = [one.fileno(), two.fileno(), three.fileno()]
        names = {"permit_fd": 0, "password_fd": 1, "backup_fd": 2}
        reply = call(fabric, "state.export", names, files, dry_run=True)
        check(reply["ok"], reply)
        equal((backup.stat().st_size, len(fabric.events("state.exported"))), (0, 0))
        check(call(fabric, "state.export", names, files)["ok"], reply)
    check(backup.stat().st_size > 0)
    equal(len(fabric.events("state.exported")), 1)


def pair(fabric, name, usage, key=None):
    """A certificate and its key in PEM; with the key of an earlier pair, or one of its own."""
    key_file, certificate = key or fabric.folder / f"{name}.key", fabric.folder / f"{name}.pem"
    if key is None:
        run(["openssl", "genpkey", "-algorithm", "RSA", "-out", str(key_file)])
    run(["openssl", "req", "-x509", "-new", "-key", str(key_file), "-days", "30", "-out", str(certificate), "-subj",
         f"/CN={name}", "-addext", f"keyUsage=critical,{usage}"])
    return key_file, certificate


def a_key_serves_one_type(fabric):
    """It is sealed with its purpose: under a second one it would no longer do what the first needs."""
    key, signing = pair(fabric, "signing", "digitalSignature")
    _, again = pair(fabric, "signing-again", "digitalSignature", key)
    _, encryption = pair(fabric, "encryption", "keyEncipherment", key)
    for certificate in (signing, again):
        fabric.ctl("certificate", "add", "--type", "signing", "--file", certificate, "--key-file", key)
    equal(fabric.refusal("certificate", "add", "--type", "encryption", "--file", encryption, "--key-file", key),
          "admin.certificate-rule")
    os.kill(fabric.children()["keyholder"], 9)
    wait_until(lambda: fabric.ctl("server", "test", status=None).returncode == 0, "every key works after a restart")


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
                    (fabric, "certificate.add", {"type": "signing", "certificate_fd": 0, "password_fd": 1},
                     "admin.argument"),
                    (fabric, "certificate.add", {"type": "signing", "certificate_fd": 0, "key_fd": 7}, "admin.argument"),
                    (second, "server.init", {"service_name": "x", "trust": "hostkey", "signing_fd": 0,
                                             "password_fd": 1}, "admin.argument"),
                    (second, "server.init", {"service_name": "x", "trust": "hostkey", "signing_fd": 0,
                                             "encryption_fd": 1, "password_fd": 2, "password_again_fd": 3},
                     "crypto.pkcs12-malformed"),
                    (fabric, "state.export", {"permit_fd": 0, "password_fd": 1}, "admin.argument")):
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
        bodies = [a_dry_run_gives_no_key_away, a_key_serves_one_type, long_names_fit, refused_requests_leave_no_descriptors]
        if os.getuid() == 0:
            bodies += [a_stranger_cannot_spoil_the_trail, strangers_do_not_keep_administrators_out]
        else:
            print("# SKIP strangers: only root can be another user")
        for body in bodies:
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
