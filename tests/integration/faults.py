# SPDX-License-Identifier: Apache-2.0
"""What a night brings: processes that are killed or hang while requests come in, disks that are full, trails that rotate
or are swapped. Requests fail with an error that says "again", nothing is released that is not written, and all goes on."""
import collections
import http.client
import http.server
import json
import os
import signal
import threading
import urllib.parse
import urllib.request

from fabric import DEADLINE, Fabric, case, check, equal, finish, wait_until

ATTEST, ROLL = "/Attestation/v2.0/hostkeyattest", "/KeyProtection/service/v2.0/rollTransportKey"
SECRET = b"correct horse battery staple"
SHORTEST_RECORD = len('{"seq":1,"time":"2026-11-23T10:00:00Z","event":"audit.recovered","lost":1,"seconds":0,"prev":""}') + 64


class Recorder(http.server.BaseHTTPRequestHandler):
    """Between a host and the service: keeps what the host says, to be said again and again."""

    def do_GET(self):  # the names are the library's
        self.forward(urllib.request.Request(self.server.fabric.url + self.path))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        self.server.said["xml" if "xml" in kind else "json"] = (self.path, body, kind)
        self.forward(urllib.request.Request(self.server.fabric.url + self.path, data=body,
                                            headers={"Content-Type": kind}))

    def forward(self, request):
        with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
            answer = reply.read()
        self.send_response(200)
        self.send_header("Content-Type", reply.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def record(fabric):
    """What host n1 says when it attests and unlocks the VM: {"json": …, "xml": …} of (path, body, content type)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.fabric, server.said = fabric, {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    fabric.n1.hgs("host", "configure", "--attestation-url", url + "/Attestation",
                  "--key-protection-url", url + "/KeyProtection")
    unlock(fabric)
    server.shutdown()
    server.server_close()
    fabric.n1.configure()
    return server.said


def set_up(fabric):
    """A service, a host, and a VM that it may start."""
    fabric.init()
    fabric.n1 = fabric.host("n1")
    fabric.register(fabric.n1)
    fabric.vm = fabric.folder / "vm.hgs"
    (fabric.folder / "secret").write_bytes(SECRET)
    fabric.owner().hgs("vm", "create", fabric.vm, "--owner", "owner", "--guardian", "fabric", "--secret",
                       f"disk={fabric.folder}/secret")
    fabric.said = record(fabric)


def unlock(fabric):
    equal(fabric.n1.hgs("vm", "unlock", fabric.vm, "--secret", "disk").stdout, SECRET)


def outcome_of(kind, status, body):
    """"done" or "again"; anything else is a failure of the test and says what came."""
    if kind == "xml":
        return {200: "done", 503: "again"}.get(status, f"{status} {body[:300]}")
    message = json.loads(body)
    word = message["__type"].split(":")[0]
    if word == "HealthCertificateReply":
        return "done"
    return "again" if word == "UnavailableErrorReply" and message["Retryable"] is True else str(message)


def ask(fabric, kind):
    """The host's recorded words once more."""
    path, body, content_type = fabric.said[kind]
    status, answer, _ = fabric.http(path, body, content_type)
    return outcome_of(kind, status, answer)


class Load:
    """Attestations and releases without a pause, over connections that stay open."""

    def __init__(self, fabric, threads=3):
        self.address = urllib.parse.urlsplit(fabric.url).netloc
        self.said = fabric.said
        self.stopping = threading.Event()
        self.seen = collections.Counter()  # (kind, outcome)
        self.cut = 0  # connections that ended without an answer
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for("done")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(DEADLINE)

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE)
        while not self.stopping.is_set():
            for kind, (path, body, content_type) in self.said.items():
                try:
                    connection.request("POST", path, body, {"Content-Type": content_type})
                    reply = connection.getresponse()
                    self.seen[kind, outcome_of(kind, reply.status, reply.read())] += 1
                except (OSError, http.client.HTTPException):
                    connection.close()
                    self.cut += 1
                    self.stopping.wait(0.01)

    def wait_for(self, outcome):
        """One more of each kind."""
        before = self.seen.copy()
        wait_until(lambda: all(self.seen[kind, outcome] > before[kind, outcome] for kind in self.said), outcome)

    def check(self):
        strange = {key: count for key, count in self.seen.items() if key[1] not in ("done", "again")}
        check(not strange, strange)


def wait_for_another(fabric, name, pid):
    return wait_until(lambda: fabric.children().get(name) not in (None, pid), f"another {name}")


def is_whole(fabric):
    equal(fabric.show("event", "verify")["whole"], True)


def a_killed_keyholder_comes_back_with_its_keys(fabric):
    loaded = fabric.show("server", "show")["keys_loaded"]
    with Load(fabric) as load:
        for _ in range(3):
            pid = fabric.children()["keyholder"]
            os.kill(pid, signal.SIGKILL)
            wait_for_another(fabric, "keyholder", pid)
            load.wait_for("done")
    load.check()
    equal(load.cut, 0)
    check(load.seen["json", "again"] and load.seen["xml", "again"], load.seen)
    check("keyholder ended by signal 9" in fabric.log_text())
    shown = fabric.show("server", "show")
    equal((shown["keyholder_alive"], shown["keys_loaded"], shown["keys_unusable"]), (True, loaded, []))
    unlock(fabric)


def a_stuck_keyholder_is_replaced(fabric):
    with Load(fabric) as load:
        pid = fabric.children()["keyholder"]
        os.kill(pid, signal.SIGSTOP)
        load.wait_for("again")
        wait_for_another(fabric, "keyholder", pid)
        load.wait_for("done")
    load.check()
    check("the keyholder runs and does not answer" in fabric.log_text())
    unlock(fabric)


def a_stuck_keyholder_does_not_outlive_its_service(fabric):
    keyholder, service = fabric.children()["keyholder"], fabric.children()["service"]
    os.kill(keyholder, signal.SIGSTOP)
    os.kill(service, signal.SIGKILL)
    wait_for_another(fabric, "keyholder", keyholder)
    wait_until(fabric.answers, "the service answers")
    fabric.n1.configure()
    wait_until(lambda: ask(fabric, "json") == "done", "it attests")


def a_killed_service_comes_back_and_forgot_no_release(fabric):
    before = len(fabric.events("key.released"))
    with Load(fabric) as load:
        pid = fabric.children()["service"]
        os.kill(pid, signal.SIGKILL)
        wait_for_another(fabric, "service", pid)
    load.check()
    check(load.cut > 0)
    wait_until(fabric.answers, "the service answers")
    check("service ended by signal 9" in fabric.log_text())
    check(len(fabric.events("key.released")) - before >= load.seen["xml", "done"])
    is_whole(fabric)
    fabric.n1.configure()
    wait_until(lambda: ask(fabric, "xml") == "done", "keys are released")
    unlock(fabric)


def a_killed_supervisor_takes_its_children_along(fabric):
    children = fabric.children().values()
    fabric.stop(signal.SIGKILL)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "its children end")
    fabric.start()
    fabric.n1.configure()
    unlock(fabric)
    is_whole(fabric)


class SmallDisk(Fabric):
    """hgsd with a file system of its own, which only it and this test see, at self.disk."""

    def __init__(self, size, config):
        super().__init__()
        disk = self.folder / "disk"
        disk.mkdir()
        self.extra = config.format(disk=disk)
        self.wrapper = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "sh", "-c",
                        f'mount -t tmpfs -o size={size},mode=700 none "$0" && exec "$@"', str(disk)]
        self.path = disk

    @property
    def disk(self):
        return type(self.path)(f"/proc/{self.process.pid}/root{self.path}")

    def fill(self):
        with open(self.disk / "ballast", "wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    pass

    def make_room(self):
        (self.disk / "ballast").unlink()


def a_full_disk_for_the_trail_stops_releases_until_there_is_room():
    with SmallDisk("256k", "[audit]\nfolder = {disk}/audit") as fabric:
        set_up(fabric)
        fabric.fill()
        # What is left of the file's last page takes the shortest records still: until not even audit.recovered fits.
        trail = fabric.disk / "audit" / "audit.log"
        wait_until(lambda: ask(fabric, "xml") == "again" and -trail.stat().st_size % 4096 < SHORTEST_RECORD,
                   "releases are refused")
        released = len(fabric.events("key.released"))
        for _ in range(3):
            equal((ask(fabric, "xml"), ask(fabric, "json")), ("again", "again"))
        equal(len(fabric.events("key.released")), released)
        before = fabric.vm.read_bytes()
        fabric.n1.hgs("host", "attest", status=1)
        equal(fabric.n1.refusal("vm", "unlock", fabric.vm, "--secret", "disk"), "host.release-unavailable")
        equal(fabric.vm.read_bytes(), before)
        equal(fabric.refusal("host", "remove", "n1", "--yes"), "audit.unwritable")
        shown = fabric.show("server", "show")["audit"]
        equal((shown["writable"], shown["error"]["code"]), (False, "audit.unwritable"))
        check(b"NOT WRITABLE: no key is released" in fabric.ctl("server", "show").stdout)
        fabric.ctl("server", "test", status=1)
        wait_until(lambda: "the audit trail takes no records, and no key is released" in fabric.log_text(), "the log")
        check("No space left on device" in fabric.log_text())
        fabric.make_room()
        wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "it is written again")
        check("the audit trail takes records again" in fabric.log_text())
        unlock(fabric)
        check(fabric.events("audit.recovered")[-1]["lost"] > 0)
        equal(fabric.show("server", "test")["ok"], True)
        is_whole(fabric)


def a_full_disk_for_the_database_stops_changes_and_nothing_else():
    with SmallDisk("2m", "[store]\npath = {disk}/store/hgs.db") as fabric:
        set_up(fabric)
        fabric.fill()
        refused = None
        for number in range(100):  # a log that has room inside takes some still
            done = fabric.ctl("server", "set", "--max-offline-unwraps", str(number % 9 + 1), "--json", status=None)
            if done.returncode:
                refused = json.loads(done.stderr)["error"]
                break
        equal(refused["code"], "store.unusable")
        equal(fabric.events("change.failed")[-1]["error"]["code"], "store.unusable")
        equal((ask(fabric, "xml"), ask(fabric, "json")), ("done", "done"))
        unlock(fabric)
        is_whole(fabric)
        fabric.make_room()
        fabric.ctl("server", "set", "--max-offline-unwraps", "7")
        equal(fabric.show("server", "show")["settings"]["key_protection"]["max_offline_unwraps"], 7)
        equal(fabric.show("server", "test")["ok"], True)
        is_whole(fabric)


def closed_files(fabric):
    return sorted(path.name for path in (fabric.folder / "state" / "audit").glob("audit-*.log"))


def rotate_until(fabric, condition):
    def one_more():
        equal(ask(fabric, "json"), "done")
        return condition()
    wait_until(one_more, "files are closed")


def the_trail_rotates_and_old_files_go(fabric):
    first = fabric.events()[0]["seq"]
    rotate_until(fabric, lambda: len(fabric.events("audit.removed")) >= 3)
    check(len(closed_files(fabric)) <= 3, closed_files(fabric))
    removed, events = fabric.events("audit.removed"), fabric.events()
    equal(first, 1)
    check(events[0]["seq"] > removed[0]["last"] and closed_files(fabric)[0] > removed[-1]["file"], removed)
    equal([event["seq"] for event in events], list(range(events[0]["seq"], events[-1]["seq"] + 1)))
    is_whole(fabric)
    fabric.stop()
    fabric.start()
    fabric.n1.configure()
    is_whole(fabric)


def an_older_copy_beside_closed_files_is_told_apart(fabric):
    trail = fabric.folder / "state" / "audit"
    older = (trail / closed_files(fabric)[-1]).read_bytes()
    fabric.stop()
    right = (trail / "audit.log").read_bytes()
    (trail / "audit.log").write_bytes(older)
    fabric.start()
    fabric.n1.configure()
    error = fabric.show("server", "show")["audit"]["error"]
    equal((error["code"], error["object"]), ("audit.damaged", "audit.log"))
    check("does not follow the files before it" in error["message"], error)
    check("hgsctl event acknowledge" in fabric.ctl("explain", "audit.damaged").stdout.decode())
    equal((ask(fabric, "xml"), ask(fabric, "json")), ("again", "again"))
    check("does not follow the files before it" in fabric.log_text())
    check(fabric.refusal("event", "verify") in ("audit.reordered", "audit.altered"))
    # The right file comes back: it goes on by itself.
    (trail / "audit.log").write_bytes(right)
    wait_until(lambda: ask(fabric, "xml") == "done", "keys are released")
    is_whole(fabric)
    # It is lost: an administrator goes on, and the file is kept.
    fabric.stop()
    (trail / "audit.log").write_bytes(older)
    fabric.start()
    fabric.n1.configure()
    equal(ask(fabric, "xml"), "again")
    sequence = fabric.show("event", "acknowledge")["sequence"]
    equal(ask(fabric, "xml"), "done")
    kept = fabric.events("audit.damaged")[-1]["kept"]
    equal((trail / kept).read_bytes(), older)
    equal(fabric.refusal("event", "verify"), "audit.missing")
    equal(fabric.show("event", "verify", "--from", sequence)["whole"], True)
    # When retention has taken what stood around the gap, nothing is missing any more.
    rotate_until(fabric, lambda: fabric.ctl("event", "verify", status=None).returncode == 0)
    check(fabric.events()[0]["seq"] > sequence)


def main():
    with Fabric("[keyholder]\ntimeout = 2s") as fabric:
        set_up(fabric)
        for body in (a_killed_keyholder_comes_back_with_its_keys, a_stuck_keyholder_is_replaced,
                     a_stuck_keyholder_does_not_outlive_its_service, a_killed_service_comes_back_and_forgot_no_release,
                     a_killed_supervisor_takes_its_children_along):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    for body in (a_full_disk_for_the_trail_stops_releases_until_there_is_room,
                 a_full_disk_for_the_database_stops_changes_and_nothing_else):
        case(body.__name__.replace("_", " "), body)
    with Fabric("[audit]\nrotate = 4KiB\nretain = 3\ncheckpoint = 5") as fabric:
        set_up(fabric)
        for body in (the_trail_rotates_and_old_files_go, an_older_copy_beside_closed_files_is_told_apart):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
