# SPDX-License-Identifier: Apache-2.0
"""Software TPMs with recorded boots, for the integration tests and the quickstart.

    authority = Authority(folder)                  # a private manufacturer: root and issuer certificates
    with SoftwareTpm(folder / "n1", authority) as tpm:
        boot = Boot.load("tests/vectors/boots/secure-boot-uki")
        tpm.replay(boot)                           # now its PCRs are what that machine's TPM held
        run([HGS, "host", "attest", "--tcti", tpm.tcti, …])

A TPM serves one connection at a time; nobody here keeps one open between calls.
"""
import contextlib
import hashlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

SHA256 = 0x000B
EV_NO_ACTION, EV_SEPARATOR, EV_EFI_ACTION, EV_IPL = 3, 4, 0x80000007, 0x0D
SIZES = {0x0004: 20, SHA256: 32, 0x000C: 48, 0x000D: 64}
HASHES = {0x0004: hashlib.sha1, SHA256: hashlib.sha256, 0x000C: hashlib.sha384, 0x000D: hashlib.sha512}
DEADLINE = 60


class Event:
    """One event of a crypto-agile log: digests by algorithm."""

    def __init__(self, pcr, kind, digests, data):
        self.pcr, self.kind, self.digests, self.data = pcr, kind, digests, data

    @classmethod
    def proven(cls, pcr, kind, data, algorithms=(SHA256,)):
        """An event whose digests cover its data."""
        return cls(pcr, kind, {a: HASHES[a](data).digest() for a in algorithms}, data)

    def format(self):
        body = struct.pack("<III", self.pcr, self.kind, len(self.digests))
        for algorithm, digest in self.digests.items():
            body += struct.pack("<H", algorithm) + digest
        return body + struct.pack("<I", len(self.data)) + self.data


class Boot:
    """What a machine measured: the firmware's log as events, and the IMA list as bytes."""

    def __init__(self, header, events, ima=b""):
        self.header, self.events, self.ima = header, events, ima

    @classmethod
    def load(cls, folder):
        folder = pathlib.Path(folder)
        ima = folder / "ima.bin"
        return cls.parse((folder / "bios.bin").read_bytes(), ima.read_bytes() if ima.exists() else b"")

    @classmethod
    def parse(cls, log, ima=b""):
        """The header is the first event, in the layout of TPM 1.2."""
        size, = struct.unpack_from("<I", log, 28)
        at, events = 32 + size, []
        header = log[:at]
        while at < len(log):
            pcr, kind, count = struct.unpack_from("<III", log, at)
            at, digests = at + 12, {}
            for _ in range(count):
                algorithm, = struct.unpack_from("<H", log, at)
                digests[algorithm] = log[at + 2:at + 2 + SIZES[algorithm]]
                at += 2 + SIZES[algorithm]
            size, = struct.unpack_from("<I", log, at)
            events.append(Event(pcr, kind, digests, log[at + 4:at + 4 + size]))
            at += 4 + size
        return cls(header, events, ima)

    def log(self):
        return self.header + b"".join(event.format() for event in self.events)

    def save(self, folder):
        """Writes bios.bin and ima.bin, and gives the options that name them."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bios.bin").write_bytes(self.log())
        (folder / "ima.bin").write_bytes(self.ima)
        return ["--bios-log", str(folder / "bios.bin"), "--ima-log", str(folder / "ima.bin")]

    def extends(self):
        """(pcr, SHA-256 digest) of everything that was extended, in order."""
        for event in self.events:
            if event.kind != EV_NO_ACTION:
                yield event.pcr, event.digests[SHA256]
        yield from ima_extends(self.ima)


def ima_extends(data):
    """(pcr, SHA-256 digest) of each entry of an IMA list, as kernels since 5.8 extend them."""
    at = 0
    while at < len(data):
        pcr, = struct.unpack_from("<I", data, at)
        name, = struct.unpack_from("<I", data, at + 24)
        at += 28 + name
        size, = struct.unpack_from("<I", data, at)
        yield pcr, hashlib.sha256(data[at + 4:at + 4 + size]).digest()
        at += 4 + size


class Authority:
    """A manufacturer of TPMs, who certifies their endorsement keys: swtpm_localca in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        ca = self.folder / "ca"
        ca.mkdir()
        (self.folder / "localca.conf").write_text(
            f"statedir = {ca}\nsigningkey = {ca}/key.pem\nissuercert = {ca}/issuer.pem\ncertserial = {ca}/serial\n")
        (self.folder / "localca.options").write_text(
            "--platform-manufacturer Test\n--platform-version 1\n--platform-model HGS\n")
        self.config = self.folder / "setup.conf"
        self.config.write_text(
            f"create_certs_tool = {shutil.which('swtpm_localca') or '/usr/bin/swtpm_localca'}\n"
            f"create_certs_tool_config = {self.folder}/localca.conf\n"
            f"create_certs_tool_options = {self.folder}/localca.options\n")
        self.root = ca / "swtpm-localca-rootca-cert.pem"
        self.issuer = ca / "issuer.pem"


class SoftwareTpm:
    """swtpm on UNIX sockets in a folder; authority None: one without an endorsement certificate."""

    def __init__(self, folder, authority=None, banks="sha256"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.state = self.folder / "tpm"
        self.state.mkdir()
        self.path = self.folder / "t"
        self.process = None
        certificate = ["--config", str(authority.config), "--create-ek-cert"] if authority else []
        self.run(["swtpm_setup", "--tpm2", "--tpmstate", str(self.state), *certificate, "--lock-nvram", "--overwrite",
                  "--pcr-banks", banks, "--runas", str(os.geteuid())])

    @classmethod
    def kept(cls, folder):
        """One that was made before, and is switched off."""
        tpm = cls.__new__(cls)
        tpm.folder = pathlib.Path(folder)
        tpm.state, tpm.path, tpm.process = tpm.folder / "tpm", tpm.folder / "t", None
        for path in (tpm.path, pathlib.Path(f"{tpm.path}.ctrl")):
            path.unlink(missing_ok=True)
        return tpm

    def run(self, command):
        done = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False, cwd=self.folder)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: status {done.returncode}\n{(done.stdout + done.stderr).decode()}")
        return done

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def tcti(self):
        return f"swtpm:path={self.path}"

    def start(self):
        """As switching the machine on: every PCR starts anew, and every key that was loaded is gone."""
        log = open(self.folder / "swtpm.log", "ab")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}", "--server", f"type=unixio,path={self.path}",
             "--ctrl", f"type=unixio,path={self.path}.ctrl", "--flags", "not-need-init,startup-clear"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        log.close()
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("swtpm does not start:\n" + (self.folder / "swtpm.log").read_text()) from None
                time.sleep(0.005)

    @contextlib.contextmanager
    def for_machine(self, control):
        """The TPM as QEMU's emulator device wants it: only the control socket; the firmware starts it."""
        self.stop()
        log = open(self.folder / "swtpm.log", "ab")  # pylint: disable=consider-using-with
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}", "--ctrl", f"type=unixio,path={control}",
             "--terminate"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        try:
            end = time.monotonic() + DEADLINE
            while not control.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("swtpm does not start:\n" + (self.folder / "swtpm.log").read_text())
                time.sleep(0.005)
            yield control
        finally:
            process.terminate()
            process.wait(DEADLINE)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.process = None
        for path in (self.path, pathlib.Path(f"{self.path}.ctrl")):
            path.unlink(missing_ok=True)

    def restart(self):
        self.stop()
        self.start()

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(DEADLINE)
        connection.connect(str(self.path))
        return connection

    def command(self, connection, command):
        connection.sendall(command)
        response = b""
        while len(response) < 10 or len(response) < struct.unpack_from(">I", response, 2)[0]:
            part = connection.recv(4096)
            if not part:
                raise RuntimeError("swtpm closed the connection")
            response += part
        return response

    def extend(self, extends):
        """Extends PCRs of the SHA-256 bank: [(pcr, digest)]."""
        with self.connect() as connection:
            for pcr, digest in extends:
                password = struct.pack(">IHBH", 0x40000009, 0, 1, 0)
                body = struct.pack(">II", pcr, len(password)) + password + struct.pack(">IH", 1, SHA256) + digest
                response = self.command(connection, struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
                if response[6:10] != bytes(4):
                    raise RuntimeError(f"PCR_Extend of PCR {pcr}: {response.hex()}")

    def replay(self, boot):
        """A fresh TPM holds afterwards what the recorded machine's TPM held."""
        self.extend(boot.extends())

    def pcrs(self):
        """The SHA-256 bank: {pcr: value}."""
        values = {}
        with self.connect() as connection:
            for pcr in range(24):
                body = struct.pack(">IHB", 1, SHA256, 3) + (1 << pcr).to_bytes(3, "little")
                response = self.command(connection, struct.pack(">HII", 0x8001, 10 + len(body), 0x17E) + body)
                values[pcr] = response[-32:]
        return values
