# SPDX-License-Identifier: Apache-2.0
"""A service that runs and does nothing is noticed and started again, by the supervisor alone; and systemd is told, as long as
all is well."""
import concurrent.futures
import os
import select
import signal
import socket
import tempfile

from fabric import Fabric, case, check, equal, finish, wait_until

CONFIG = """
[limits]
watchdog = 2s
[keyholder]
timeout = 500ms
"""


class Systemd:
    """The end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(folder + "/notify")
        os.environ["NOTIFY_SOCKET"] = folder + "/notify"
        self.seen = []

    def wait_for(self, word):
        """Waits for it among what came since the last call."""
        def came():
            while select.select([self.socket], [], [], 0)[0]:
                self.seen += self.socket.recv(4096).decode().split("\n")
            return word in self.seen
        wait_until(came, word)

    def forget(self):
        self.wait_for("READY=1")
        self.seen.clear()


def a_service_that_hangs_is_started_again(fabric):
    host = fabric.host("n1")
    fabric.register(host)
    host.hgs("host", "attest")
    passed = 1
    for _ in range(2):
        # Nobody waits for the record of an attestation: a service that is killed at once may not have written it.
        wait_until(lambda passed=passed: len(fabric.events("attestation.passed")) == passed, "the record is there")
        passed += 1
        pid = fabric.children()["service"]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda pid=pid: fabric.children().get("service") not in (None, pid), "another service")
        wait_until(fabric.answers, "the service answers")
        host.configure()
        wait_until(lambda: host.hgs("host", "attest", status=None).returncode == 0, "the host attests")
    log = fabric.log_text()
    check("has not got on with its work for 2 s" in log and "service ended by signal 9" in log, log)
    wait_until(lambda: len(fabric.events("attestation.passed")) == passed, "the last record is there")
    equal(fabric.show("event", "verify")["whole"], True)


def a_stuck_keyholder_is_not_the_services_fault(fabric):
    """The service has a signer to make, an administrator wants another: both wait for the keyholder, and nobody for them."""
    before = fabric.children()
    os.kill(before["keyholder"], signal.SIGSTOP)
    fabric.ctl("server", "set", "--allow-unprotected-signing-keys", "yes")
    code = fabric.refusal("signer", "renew")
    check(code in ("keyholder.stuck", "keyholder.away"), code)
    wait_until(lambda: fabric.children().get("keyholder") not in (None, before["keyholder"]), "another keyholder")

    def has_a_signer_for_them():
        return any(signer["use"] == "unprotected" for signer in fabric.show("signer", "list")["signers"])
    wait_until(has_a_signer_for_them, "the signer is made")
    fabric.ctl("signer", "renew")
    equal(fabric.children()["service"], before["service"])
    check("the keyholder runs and does not answer" in fabric.log_text())


def a_service_that_is_stopped_waits_for_no_stuck_keyholder():
    """Whoever still waits for it is told so, and the service ends as one that was asked to."""
    with Fabric("[limits]\nshutdown = 0s\n[keyholder]\ntimeout = 60s") as fabric:
        fabric.init()
        os.kill(fabric.children()["keyholder"], signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            renewal = pool.submit(fabric.refusal, "signer", "renew")
            wait_until(lambda: fabric.events("signer.renewed"), "the administrator waits")
            equal(fabric.stop(), 0)
            equal(renewal.result(), "keyholder.away")
        check("service ended with status 0" in fabric.log_text(), fabric.log_text())


def systemd_is_told(fabric):
    fabric.systemd.wait_for("WATCHDOG=1")
    fabric.systemd.forget()


def a_service_that_is_well_is_left_alone(fabric):
    """Also one that nobody asks anything; systemd is told every ten seconds."""
    pid = fabric.children()["service"]
    fabric.systemd.forget()
    fabric.systemd.wait_for("WATCHDOG=1")
    equal(fabric.children()["service"], pid)


def main():
    with tempfile.TemporaryDirectory() as folder:
        run(folder)
    case("a service that is stopped waits for no stuck keyholder", a_service_that_is_stopped_waits_for_no_stuck_keyholder)
    finish()


def run(folder):
    systemd = Systemd(folder)
    with Fabric(CONFIG) as fabric:
        fabric.systemd = systemd
        fabric.init()
        for body in (systemd_is_told, a_stuck_keyholder_is_not_the_services_fault, a_service_that_hangs_is_started_again,
                     a_service_that_is_well_is_left_alone):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))


main()
