# SPDX-License-Identifier: Apache-2.0
"""A whole fabric in a temporary folder, for the integration tests: hgsd on a free loopback port, hosts, owners.

    with Fabric() as fabric:
        fabric.init()
        host = fabric.host("n1")
        fabric.register(host)
        host.hgs("host", "attest")

Everything runs from the build folder (HGS_BUILD), under one folder, and is ended by its pid. Test programs print TAP lines
through `case` and end with `finish()`.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ.get("HGS_BUILD", "build-check")).resolve()
HGSD, HGSCTL, HGS = (str(BUILD / "src" / name / name) for name in ("hgsd", "hgsctl", "hgs"))
DEADLINE = 60  # seconds that anything here may take at most


class Failed(Exception):
    """A command did not end as it should; the message shows what it said."""


def run(arguments, status=0, env=None, stdin=None, **options):
    """Runs a command, demands its exit status (None: any), gives the CompletedProcess with bytes."""
    done = subprocess.run(arguments, capture_output=True, timeout=DEADLINE, input=stdin,
                          env={**os.environ, **(env or {})}, check=False, **options)
    if status is not None and done.returncode != status:
        raise Failed(f"{' '.join(map(str, arguments))}: status {done.returncode}, wanted {status}\n"
                     f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done


def wait_until(condition, what, seconds=DEADLINE):
    """Polls until condition() is true; its last value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failed(f"did not happen within {seconds} s: {what}")


class Fabric:
    """One service and everything around it."""

    def __init__(self, config="", wrapper=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hgs-"))
        self.socket = self.folder / "run" / "admin.sock"
        self.process = None
        self.log = None
        self.extra = config
        self.wrapper = list(wrapper)
        self.env = {"HGS_SOCKET": str(self.socket), "HGS_GUARDIANS": str(self.folder / "guardians")}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        finally:
            if kind is not None and self.log is not None:
                sys.stderr.write((self.folder / "hgsd.log").read_text(errors="replace")[-4000:])
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def config_file(self):
        return self.folder / "hgsd.conf"

    def write_config(self):
        """Sections of self.extra are added to, or come after, the usual ones."""
        sections = {"service": ["node = test", f"state = {self.folder}/state"],
                    "listen": ["http = 127.0.0.1:0"],
                    "admin": [f"socket = {self.socket}"]}
        section = None
        for line in self.extra.strip().splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line.strip("[]")
            elif line:
                key = line.split("=")[0].strip()
                lines = sections.setdefault(section, [])
                lines[:] = [kept for kept in lines if kept.split("=")[0].strip() != key] + [line]
        self.config_file.write_text("".join(
            f"[{name}]\n" + "".join(line + "\n" for line in lines) for name, lines in sections.items()))

    def start(self):
        """Starts hgsd and waits until it answers its administrators."""
        self.write_config()
        self.log = open(self.folder / "hgsd.log", "ab")
        self.process = subprocess.Popen([*self.wrapper, HGSD, "--config", str(self.config_file)],
                                        stderr=self.log, stdout=self.log, stdin=subprocess.DEVNULL)
        wait_until(self.answers, "hgsd answers")

    def answers(self):
        if self.process.poll() is not None:
            raise Failed("hgsd ended:\n" + self.log_text())
        return self.ctl("server", "show", status=None).returncode == 0

    def log_text(self):
        return (self.folder / "hgsd.log").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        """Ends hgsd by its pid and gives its status."""
        if self.process is None:
            return None
        self.process.send_signal(how)
        status = self.process.wait(DEADLINE)
        self.process = None
        self.log.close()
        return status

    def children(self):
        """{"service": pid, "keyholder": pid} of those that run."""
        found = {}
        task = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in task.read_text().split():
            try:
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            if b"--child" in command:
                found[command[command.index(b"--child") + 1].decode()] = int(pid)
        return found

    def ctl(self, *arguments, status=0, **options):
        """Runs hgsctl."""
        return run([HGSCTL, *map(str, arguments)], status=status, env=self.env, **options)

    def show(self, *arguments):
        """Runs hgsctl with --json and gives what it printed, parsed."""
        return json.loads(self.ctl(*arguments, "--json").stdout)

    def refusal(self, *arguments, status=1):
        """Runs hgsctl with --json, which must fail, and gives the error's code."""
        done = self.ctl(*arguments, "--json", status=status)
        return json.loads(done.stderr)["error"]["code"]

    def refusal_or_none(self, *arguments):
        """The error's code; None when it succeeds."""
        done = self.ctl(*arguments, "--json", status=None)
        return json.loads(done.stderr)["error"]["code"] if done.returncode != 0 else None

    def init(self):
        self.ctl("server", "init", "--service-name", "fabric", "--trust", "hostkey", "--generate-certificates")

    @property
    def url(self):
        return self.show("server", "show")["urls"][0]

    def events(self, pattern="*"):
        """The audit trail's records whose event matches."""
        lines = self.ctl("event", "list", "--event", pattern, "--limit", "0", "--json").stdout
        return [json.loads(line) for line in lines.splitlines()]

    def http(self, path, body=None, content_type=None, method=None):
        """One request; (status, body, headers)."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if content_type:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
                return reply.status, reply.read(), dict(reply.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def host(self, name):
        return Host(self, name)

    def register(self, host):
        self.ctl("host", "add", host.name, "--key", host.public_key)

    def owner(self, name="owner", service="fabric"):
        """An owner's guardian, and the service's imported."""
        hgs = self.host("owner-" + name)
        hgs.hgs("guardian", "create", name)
        hgs.hgs("guardian", "import", service,
                self.url + "/KeyProtection/service/metadata/2014-07/metadata.xml", "--allow-untrusted-root")
        return hgs


class Host:
    """A guarded host (or an owner's machine): a folder with host.conf and state of its own."""

    def __init__(self, fabric, name):
        self.fabric, self.name = fabric, name
        self.folder = fabric.folder / name
        self.folder.mkdir()
        (self.folder / "host.conf").write_text(f"[host]\nkey = host.key\nstate = {self.folder}/state\n")
        self.env = {**fabric.env, "HGS_HOST_CONFIG": str(self.folder / "host.conf")}
        self.public_key = self.folder / "host.pub"
        self.configure()
        self.hgs("host", "key", "--generate", "--out", self.public_key)

    def configure(self):
        """Tells the host where the service is; a service that was started again has another port."""
        url = self.fabric.url
        self.hgs("host", "configure", "--attestation-url", url + "/Attestation",
                 "--key-protection-url", url + "/KeyProtection")

    def hgs(self, *arguments, status=0, **options):
        """Runs hgs as this host."""
        return run([HGS, *map(str, arguments)], status=status, env=self.env, **options)

    def show(self, *arguments, status=0):
        return json.loads(self.hgs(*arguments, "--json", status=status).stdout)

    def refusal(self, *arguments, status=1):
        done = self.hgs(*arguments, "--json", status=status)
        return json.loads(done.stderr)["error"]["code"]


_number = 0
_failed = False


def case(name, body):
    """Runs one test and prints its TAP line; a failure is shown and remembered."""
    global _number, _failed
    _number += 1
    try:
        body()
        print(f"ok {_number} - {name}", flush=True)
    except Exception:  # pylint: disable=broad-except
        _failed = True
        print(f"not ok {_number} - {name}", flush=True)
        print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)


def check(condition, message="not as expected"):
    """assert that python -O keeps."""
    if not condition:
        raise AssertionError(message)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def finish():
    print(f"1..{_number}")
    sys.exit(1 if _failed else 0)
