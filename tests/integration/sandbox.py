# SPDX-License-Identifier: Apache-2.0
"""A process of hgsd is in an attacker's hands (attack_library.c): what it gets of the others, of files and of the
network. Nothing, and without the sandboxes everything."""
import errno
import mmap
import os
import pathlib
import signal
import socket
import struct
import tempfile

from fabric import Fabric, case, check, equal, finish, wait_until

LIBRARY = os.environ["HGS_ATTACK_LIBRARY"]
SIGNAL = signal.SIGRTMIN + 7
ROLES = ("supervisor", "service", "keyholder", "token")
# struct block of attack_library.c
VICTIM = struct.Struct("=iiQ32s")
COMMAND = struct.Struct("=Iii32s256sii64s")
AT = len(ROLES) * VICTIM.size
ASKED, DONE = 1, 2
# A killed process is started again, but each time later: before it takes long, all of hgsd starts anew.
KILLS = 4


# The module of a token is code of its maker: nothing is believed of it. This one has no token to show.
TOKEN = "\n[token attacked]\nmodule = /usr/lib/softhsm/libsofthsm2.so\nuri = pkcs11:token=attacked\n"


class Attacker:
    """hgsd with the attacker's library in each of its processes."""

    def __init__(self, config="", is_open=False):
        self.fabric = Fabric(config + TOKEN)
        self.fabric.folder.chmod(0o755)
        file = self.fabric.folder / "attack"
        file.write_bytes(bytes(4096))
        file.chmod(0o666)
        with open(file, "r+b") as opened:
            self.block = mmap.mmap(opened.fileno(), 4096)
        environment = {"LD_PRELOAD": LIBRARY, "HGS_ATTACK_FILE": file,
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        if is_open:
            environment["HGS_ATTACK_OPEN"] = "1"
        self.fabric.wrapper = ["env", *(f"{name}={value}" for name, value in environment.items())]
        self.kills = 0
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.fabric.folder / "listener"))
        self.unix.listen()
        (self.fabric.folder / "listener").chmod(0o777)
        self.outside = self.fabric.folder / "outside"
        self.outside.mkdir()
        self.outside.chmod(0o777)

    def __enter__(self):
        self.fabric.__enter__()
        self.fabric.init()
        self.fabric.n1 = self.fabric.host("n1")
        self.fabric.register(self.fabric.n1)
        return self

    def __exit__(self, *failure):
        self.tcp.close()
        self.unix.close()
        self.fabric.__exit__(*failure)

    def works(self):
        """It attests, so service and keyholder are there with their keys."""
        self.fabric.n1.configure()
        wait_until(lambda: self.fabric.n1.hgs("host", "attest", status=None).returncode == 0, "it works again")

    def victim(self, role):
        pid, _, _, secret = VICTIM.unpack_from(self.block, ROLES.index(role) * VICTIM.size)
        return pid, secret

    def pid_of(self, role):
        """The process that has set itself up as a victim, and is the one that runs now."""
        running = {"supervisor": self.fabric.process.pid, **self.fabric.children()}
        pid = running.get(role)
        return pid if pid == self.victim(role)[0] else None

    def attack(self, by, name, on, path):
        """What came of it: "succeeded", the name of an errno, or "killed"; and what it got."""
        if self.kills == KILLS:
            self.fabric.stop()
            self.fabric.start()
            self.kills = 0
        pid, _ = (wait_until(lambda role=role: self.pid_of(role), role + " runs") for role in (by, on))
        COMMAND.pack_into(self.block, AT, ASKED, ROLES.index(on), self.tcp.getsockname()[1], name.encode(),
                          str(path).encode(), 0, 0, b"")
        os.kill(pid, SIGNAL)
        wait_until(lambda: self.command()[0] == DONE or self.has_ended(by, pid), name)
        state, number, got = self.command()
        if state == DONE:
            return errno.errorcode[number] if number else "succeeded", got
        self.kills += 1
        return "killed", got

    def has_ended(self, role, pid):
        if role == "supervisor":
            return self.fabric.process.poll() is not None
        return self.fabric.children().get(role) != pid

    def command(self):
        state, _, _, _, _, number, size, got = COMMAND.unpack_from(self.block, AT)
        return state, number, got[:size]


def attacks_of(by):
    """(attack, victim, path, what the sandbox makes of it)."""
    service, token = by == "service", by == "token"
    other = "service" if by == "keyholder" else "keyholder"
    state = pathlib.Path("state")
    # Service and token have libraries that try things: what is no attack by its nature is refused. All else kills.
    refused, unlisted = ("EPERM", "ENOSYS") if service or token else ("killed", "killed")
    for victim in (other, "supervisor", *(("service",) if token else ())):
        yield "memory by file", victim, "", "EACCES"
        yield "memory by call", victim, "", "killed"
        yield "memory by trace", victim, "", "killed"
        yield "descriptor by file", victim, "", "EACCES"
        yield "descriptor by call", victim, "", refused
        yield "send signal", victim, "", refused
    yield "read file", other, state / "keyholder" / "cluster.key", "EACCES"
    yield "read file", other, state / "keyholder" / "export.permit", "EACCES"
    yield "list folder", other, state / "keyholder", "EACCES"
    yield "read file", other, "/etc/shadow", "EACCES"
    yield "write file", other, "outside/written", "EACCES"
    yield "write file", other, state / "keyholder" / "cluster.key", "EACCES"
    yield "execute", other, "outside/executed", "killed"
    yield "make process", other, "", refused
    yield "make code", other, "", refused
    yield "become dumpable", other, "", unlisted
    if not service:
        yield "read file", other, state / "store" / "hgs.db", "EACCES"
        yield "read file", other, state / "audit" / "audit.log", "EACCES"
    if token:
        yield "connect tcp", other, "", "ENOSYS"
        if os.getuid() == 0:
            yield "connect unix", other, "listener", {"one user": "EPERM", "own users": "succeeded"}
    elif not service:
        yield "connect tcp", other, "", "killed"
        yield "connect unix", other, "listener", "killed"
    elif os.getuid() == 0:  # sockets whose mode lets everybody in are no secret; only for root they do much
        yield "connect tcp", other, "", {"one user": "EPERM", "own users": "EACCES"}
        yield "connect unix", other, "listener", {"one user": "EPERM", "own users": "succeeded"}
    else:
        yield "connect tcp", other, "", "EACCES"


def has_run(path):
    return path.exists() and path.read_text() == "taken\n"


def goes_as(attacker, by, name, on, path, wanted):
    path = attacker.fabric.folder / path if path else ""
    for made in attacker.outside.iterdir():
        made.unlink()
    before = path.read_bytes() if path and path.is_file() else None
    outcome, got = attacker.attack(by, name, on, path)
    if wanted == "succeeded":
        if name == "execute":
            wait_until(lambda: has_run(path), "the shell has run")
            return
        equal(outcome, "succeeded")
        if name.startswith(("memory", "descriptor")):
            equal(got, attacker.victim(on)[1])
        if name == "read file":
            equal(got, before[:len(got)])
        return
    equal(outcome, wanted)
    equal(got, b"")
    equal(list(attacker.outside.iterdir()), [])
    check(before is None or path.read_bytes() == before or "keyholder" not in path.parts, path)
    if outcome == "killed":
        name = "token attacked" if by == "token" else by
        wait_until(lambda: f"{name} ended by signal {int(signal.SIGSYS)}" in attacker.fabric.log_text(), "the log says so")


def run_all(title, setting, config=""):
    with Attacker(config, setting == "open") as attacker:
        for by in ("service", "keyholder", "token"):
            for name, on, path, wanted in attacks_of(by):
                wanted = "succeeded" if setting == "open" else wanted
                if isinstance(wanted, dict):
                    wanted = wanted[setting]
                if setting == "open" and (name, pathlib.Path(path).name) == ("write file", "cluster.key"):
                    continue  # it would succeed, and the keys would be lost to the rest of the test
                if str(path) == "/etc/shadow" and os.getuid() != 0:
                    continue
                what = " ".join(filter(None, (name, str(path))))
                case(f"{title}: {what}, by the {by} on the {on}: {wanted}",
                     lambda by=by, name=name, on=on, path=path, wanted=wanted:
                     goes_as(attacker, by, name, on, path, wanted))
        case(f"{title}: it works still", attacker.works)


def keys_lie_beside_the_configuration():
    """As they do by default: the service may read the folder with hgsd.conf, and key-folder lies in it."""
    attacker = Attacker()
    keys = attacker.fabric.folder / "keys"
    keys.mkdir()
    (keys / "node.key").write_bytes(os.urandom(64))
    with tempfile.TemporaryDirectory(prefix="hgs-") as elsewhere:
        attacker.fabric.extra += f"\n[keyholder]\nfolder = {elsewhere}/keyholder\nkey-folder = {keys}"
        with attacker:
            equal(attacker.attack("service", "read file", "keyholder", keys / "node.key"), ("EACCES", b""))
            equal(attacker.attack("service", "list folder", "keyholder", keys), ("EACCES", b""))


def the_socket_lies_beside_the_state():
    """As in a service under one folder: what the service needs of the socket's folder is not what else is in it."""
    attacker = Attacker()
    fabric = attacker.fabric
    fabric.socket = fabric.folder / "admin.sock"
    fabric.env["HGS_SOCKET"] = str(fabric.socket)
    with attacker:
        key = fabric.folder / "state" / "keyholder" / "cluster.key"
        before = key.read_bytes()
        for name, path in (("read file", key), ("write file", key), ("list folder", key.parent)):
            equal(attacker.attack("service", name, "keyholder", path), ("EACCES", b""))
        equal(key.read_bytes(), before)
        attacker.works()
        # The log says what that means for a configuration that an editor puts in the place of the former.
        new = fabric.folder / "new.conf"
        new.write_text(fabric.config_file.read_text())
        new.replace(fabric.config_file)
        fabric.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "write into the file instead" in fabric.log_text(), "the log says what to do")
        fabric.stop()
        fabric.start()
        attacker.works()


def main():
    run_all("without sandboxes", "open")
    run_all("as one user", "one user")
    case("keys lie beside the configuration", keys_lie_beside_the_configuration)
    case("the socket lies beside the state", the_socket_lies_beside_the_state)
    if os.getuid() == 0:
        run_all("as users of their own", "own users", "[service]\nuser = daemon\n[keyholder]\nuser = bin")
    else:
        print("# SKIP processes as users of their own: only root can give them one")
    finish()


main()
