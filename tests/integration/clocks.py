# SPDX-License-Identifier: Apache-2.0
"""Clocks that are wrong: a host's, the service's while it runs and when it starts, by an hour, a day, and over a signer's
renewal. Everything is told once, and nothing stops that should go on. Needs a build with -Dtest-clock=true."""
import json
import mmap
import os
import struct
import tempfile

from fabric import Fabric, case, check, equal, finish, wait_until

HOUR, DAY = 3600, 86400
BOUND = 300  # the tolerance, by default
SLACK = 30  # seconds that a busy machine may be late


class TestClock:
    """The clock of every program that this test starts, which can be set while they run."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()  # pylint: disable=consider-using-with
        self.file.write(bytes(8))
        self.file.flush()
        self.map = mmap.mmap(self.file.fileno(), 8)
        os.environ["HGS_TEST_CLOCK_FILE"] = self.file.name

    def set(self, seconds):
        """Ahead of the machine's by so much."""
        self.map[:] = struct.pack("=q", seconds)


CLOCK = TestClock()


def near(actual, wanted):
    check(abs(actual - wanted) <= SLACK, f"{actual} is not about {wanted}")


def shifted(host, seconds):
    """This host's own clock is ahead of the service's."""
    host.env["HGS_TEST_CLOCK"] = str(seconds)


def state_of(fabric, host):
    """What the service knows of a host's clock."""
    listed = [entry for entry in fabric.show("host", "list")["hosts"] if entry["name"] == host.name][0]
    shown = fabric.show("host", "show", host.name)
    equal(listed.get("clock_offset"), shown.get("clock_offset"))
    return listed


def states(fabric):
    """The signers' states, in the order of their times."""
    signers = sorted(fabric.show("signer", "list")["signers"], key=lambda signer: signer["active_at"])
    return [signer["state"] for signer in signers]


def codes(fabric, pattern):
    return [event.get("code") for event in fabric.events(pattern)]


def told(fabric, seconds):
    """Waits until the service has seen that its clock was set."""
    def seen():
        events = fabric.events("clock.node")
        return events and abs(events[-1]["offset"] - seconds) <= SLACK
    wait_until(seen, f"the clock is seen to be {seconds} s off")


def a_host_whose_clock_is_right(fabric):
    host = fabric.host("right")
    fabric.register(host)
    equal(state_of(fabric, host).get("clock_offset"), None)
    near(host.show("host", "attest")["ClockOffset"], 0)
    state = state_of(fabric, host)
    near(state["clock_offset"], 0)
    equal(state["clock_off"], False)
    equal(codes(fabric, "clock.host"), [])
    clocks = fabric.show("server", "show")["host_clocks"]
    equal((clocks["measured"], clocks["off"]), (1, 0))


def a_host_whose_clock_is_wrong(fabric, host, seconds, usable):
    """One that is told of it, can or cannot use its certificate, and is right again."""
    before = len(fabric.events("clock.host"))
    shifted(host, seconds)
    if usable:
        picture = host.show("host", "attest")
        near(picture["ClockOffset"], seconds)
        check("compare the clocks" in picture["NextSteps"], picture)
        check("against the service's" in host.hgs("host", "show").stdout.decode())
    else:
        error = json.loads(host.hgs("host", "attest", "--json", status=1).stderr)["error"]
        equal(error["code"], "host.clock")
        check("against the service's" in error["message"] and "timedatectl" in error["remedy"], error)
    state = state_of(fabric, host)
    near(state["clock_offset"], seconds)
    equal(state["clock_off"], True)
    host.hgs("host", "attest", status=None)
    events = fabric.events("clock.host")[before:]
    equal([(event["host"], event.get("code")) for event in events], [(host.name, "hgsd.host-clock")])
    near(events[0]["offset"], seconds)
    clocks = fabric.show("server", "show")["host_clocks"]
    equal((clocks["off"], clocks["farthest"][0]["host"]), (1, host.name))
    check("OFF" in fabric.ctl("server", "show").stdout.decode())
    check("are off" in fabric.ctl("server", "test").stdout.decode())
    shifted(host, 0)
    host.hgs("host", "attest")
    equal(codes(fabric, "clock.host")[before:], ["hgsd.host-clock", None])
    equal(fabric.show("server", "show")["host_clocks"]["off"], 0)


def hosts_whose_clocks_are_wrong(fabric):
    for number, (seconds, usable) in enumerate([(HOUR, True), (-HOUR, False), (DAY, False), (-DAY, False)]):
        host = fabric.host(f"wrong-{number}")
        fabric.register(host)
        a_host_whose_clock_is_wrong(fabric, host, seconds, usable)


def keys_are_released_to_a_host_whose_clock_is_wrong(fabric):
    """Whose certificate it can use: its clock is measured by the roll, too."""
    owner = fabric.owner()
    host = fabric.host("starts")
    fabric.register(host)
    file = host.folder / "vm.hgs"
    secret = host.folder / "secret"
    secret.write_text("open sesame")
    owner.hgs("vm", "create", file, "--owner", "owner", "--guardian", "fabric", "--secret", f"disk={secret}")
    host.hgs("host", "attest")
    shifted(host, HOUR)
    equal(host.hgs("vm", "unlock", file, "--secret", "disk").stdout, b"open sesame")
    near(state_of(fabric, host)["clock_offset"], HOUR)
    shifted(host, 0)
    equal(host.hgs("vm", "unlock", file, "--secret", "disk").stdout, b"open sesame")
    near(state_of(fabric, host)["clock_offset"], 0)


def the_bound_can_be_set(fabric):
    host = fabric.host("bounded")
    fabric.register(host)
    fabric.ctl("server", "set", "--clock-warning", "2h")
    shown = fabric.show("server", "show")
    equal((shown["clock"]["bound"], shown["clock"]["tolerance"]), (2 * HOUR, BOUND))
    shifted(host, HOUR)
    host.hgs("host", "attest")
    equal(state_of(fabric, host)["clock_off"], False)
    fabric.ctl("server", "set", "--clock-warning", "0s")
    host.hgs("host", "attest")
    equal(state_of(fabric, host)["clock_off"], True)
    equal(fabric.show("server", "show")["clock"]["bound"], BOUND)
    equal(fabric.refusal("server", "set", "--clock-warning", "2d"), "attestation.settings-malformed")
    fabric.ctl("host", "remove", host.name, "--yes")
    equal(fabric.show("server", "show")["host_clocks"]["off"], 0)


def the_services_clock_is_set(fabric):
    """Ahead and back by an hour and a day: hosts whose clocks follow attest, and it is told once."""
    host = fabric.host("follows")
    fabric.register(host)
    for seconds in (HOUR, -HOUR, DAY, -DAY):
        before = len(fabric.events("clock.node"))
        CLOCK.set(seconds)
        told(fabric, seconds)
        shown = fabric.show("server", "show")
        near(shown["clock"]["offset"], seconds)
        near(shown["nodes"][0]["clock_offset"], seconds)
        equal(shown["clock"]["problem"]["code"], "hgsd.clock-set")
        wait_until(lambda: fabric.ctl("server", "test", status=None).returncode == 0, "a signer that is valid")
        check("timedatectl" in fabric.ctl("server", "show").stdout.decode())
        check("it was set" in fabric.ctl("server", "test").stdout.decode())
        host.hgs("host", "attest")
        CLOCK.set(0)
        told(fabric, 0)
        equal(len(fabric.events("clock.node")) - before, 2)
        host.hgs("host", "attest")
        check("problem" not in fabric.show("server", "show")["clock"])
    equal(states(fabric)[0], "active")
    check("this node's clock" in fabric.log_text())


def over_a_renewal(fabric):
    """Signers: published at once, signing after their lead; past the end of all, signing at once and saying so."""
    host = fabric.host("renews")
    fabric.register(host)
    begun = len(states(fabric))
    CLOCK.set(25 * DAY)
    told(fabric, 25 * DAY)
    wait_until(lambda: len(states(fabric)) > begun and "active" in states(fabric), "the next signer is made")
    equal(states(fabric)[-2:], ["active", "published"])
    equal(fabric.show("server", "show")["signer_problems"], [])
    host.hgs("host", "attest")
    equal(fabric.events("signer.made")[-1].get("code"), None)

    CLOCK.set(100 * DAY)
    told(fabric, 100 * DAY)
    wait_until(lambda: states(fabric)[-1] == "active", "a signer that is valid")
    equal(fabric.events("signer.made")[-1]["code"], "attestation.signer-unannounced")
    problems = fabric.show("server", "show")["signer_problems"]
    equal([problem["code"] for problem in problems], ["attestation.signer-unannounced"])
    check("SQL clients" in fabric.ctl("signer", "list").stdout.decode())
    host.hgs("host", "attest")

    CLOCK.set(0)
    told(fabric, 0)
    wait_until(lambda: states(fabric)[0] == "active", "the first signer signs again")
    check(states(fabric).count("future") >= 2, states(fabric))
    host.hgs("host", "attest")
    check("attestation.signer-future" in fabric.ctl("signer", "list").stdout.decode())
    check("what to do" in fabric.ctl("explain", "attestation.signer-future").stdout.decode().lower())
    equal(fabric.show("event", "verify")["whole"], True)


def a_service_that_starts_behind_its_records(fabric):
    fabric.stop()
    CLOCK.set(-DAY)
    fabric.start()
    shown = fabric.show("server", "show")
    equal(shown["clock"]["problem"]["code"], "hgsd.clock-back")
    near(shown["clock"]["offset"], -DAY)
    equal(codes(fabric, "clock.node")[-1], "hgsd.clock-back")
    host = fabric.host("behind")
    fabric.register(host)
    host.hgs("host", "attest")
    CLOCK.set(0)
    told(fabric, 0)
    check("problem" not in fabric.show("server", "show")["clock"])
    host.hgs("host", "attest")
    equal(fabric.ctl("server", "test").returncode, 0)
    fabric.stop()
    fabric.start()
    check("problem" not in fabric.show("server", "show")["clock"])


def main():
    with Fabric() as fabric:
        fabric.init()
        for body in (a_host_whose_clock_is_right, hosts_whose_clocks_are_wrong,
                     keys_are_released_to_a_host_whose_clock_is_wrong, the_bound_can_be_set, the_services_clock_is_set,
                     over_a_renewal, a_service_that_starts_behind_its_records):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
