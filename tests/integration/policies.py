# SPDX-License-Identifier: Apache-2.0
"""hgsctl in TPM mode against a real service: roots, hosts, policies, pending boots; roles, audit records, refusals."""
import contextlib
import copy
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import sqlite3
import struct
import subprocess

from fabric import DEADLINE, HGSCTL, Fabric, case, check, equal, finish, run, wait_until
from machine import Machine
from made_boot import boot_of, unified_kernel
from swtpm import SHA256, Authority, Boot

VECTORS = pathlib.Path(os.environ["HGS_VECTORS"])
RECORDED = VECTORS / "boots"
GOOD_LINE = "console=ttyS0 ima_policy=tcb lockdown=integrity nohibernate intel_iommu=on quiet"
KEY_HASH = "5f" * 32


class World:
    """A service in host key mode, where TPM mode is being prepared."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.folder = fabric.folder
        self.authority = Authority(self.folder / "manufacturer")
        self.image = self.file("image.efi", unified_kernel(GOOD_LINE))
        self.boot = boot_of(Boot.load(RECORDED / "secure-boot-uki"), self.image.read_bytes())
        self.log = self.file("good.tcglog", self.boot.log())
        self.off_log = RECORDED / "no-secure-boot-uki" / "bios.bin"
        self.n1 = Machine(fabric, "n1", self.authority, self.boot)
        self.n1.identify()

    def file(self, name, contents):
        path = self.folder / name
        path.write_bytes(contents)
        return path

    def updated_boot(self, image):
        """After an update of the firmware, with this image."""
        boot = copy.deepcopy(self.boot)
        boot.events[1].digests = {SHA256: bytes(31) + b"\2"}
        return boot_of(boot, image)


def last(fabric, event):
    return fabric.events(event)[-1]


def refused(fabric, *arguments):
    """The code of a refusal, whether it is one of usage (2) or another (1)."""
    done = fabric.ctl(*arguments, "--json", status=None)
    check(done.returncode in (1, 2), (arguments, done.returncode, done.stdout))
    return json.loads(done.stderr)["error"]["code"]


def names(shown, member):
    return [item["name"] for item in shown[member]]


def warnings(fabric):
    return {test["name"]: test["detail"] for test in fabric.show("server", "test")["tests"] if test.get("warning")}


def what_is_missing_is_warned_of(world):
    fabric = world.fabric
    equal(warnings(fabric), {})  # nobody wants TPM mode yet
    done = fabric.ctl("server", "set", "--trust", "tpm").stdout.decode()
    check("hgsctl host add NAME --tpm FILE.xml" in done and "hgsctl tpm-root add FILE" in done, done)
    equal(sorted(warnings(fabric)), ["TPM hosts", "TPM roots"])
    fabric.ctl("server", "set", "--trust", "hostkey")


def roots_are_told_by_who_signed_them(world):
    fabric, ca = world.fabric, world.authority
    both = world.file("both.pem", ca.root.read_bytes() + ca.issuer.read_bytes())
    equal(refused(fabric, "tpm-root", "add", ca.root, "--intermediate"), "tpm.root-place")
    equal(refused(fabric, "tpm-root", "add", world.image), "tpm.trust-file")
    equal(refused(fabric, "tpm-root", "add", world.folder / "absent.pem"), "base.file-unreadable")
    fabric.ctl("tpm-root", "add", both, "--dry-run")
    equal(fabric.show("tpm-root", "list")["roots"], [])
    added = fabric.show("tpm-root", "add", both)
    equal([(item["outcome"], item["intermediate"]) for item in added["certificates"]],
          [("added", False), ("added", True)])
    equal(fabric.show("tpm-root", "add", ca.root)["same"], 1)
    listed = fabric.show("tpm-root", "list")["roots"]
    equal({root["intermediate"] for root in listed}, {False, True})
    record = last(fabric, "tpm-root.added")
    equal([item["thumbprint"] for item in record["after"]], [item["thumbprint"] for item in added["certificates"]])
    equal(len(fabric.show("tpm-root", "list", "*root*")["roots"]), 1)
    # makers' roots are signed in ways that nothing else may be
    for name, options in (("sha1", ("rsa:2048", "-sha1")),
                          ("p521", ("ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512"))):
        run(["openssl", "req", "-x509", "-newkey", *options, "-nodes", "-keyout", str(world.folder / "root.key"), "-out",
             str(world.folder / name), "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"])
        added = fabric.show("tpm-root", "add", world.folder / name, "--dry-run")["certificates"]
        equal([(item["outcome"], item["intermediate"]) for item in added], [("added", False)])


def what_cannot_be_trusted_is_listed_and_the_rest_added(world):
    fabric = world.fabric
    leaf = world.folder / "leaf.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         str(world.folder / "leaf.key"), "-out", str(leaf), "-subj", "/CN=leaf", "-addext",
         "basicConstraints=critical,CA:FALSE"])
    equal(refused(fabric, "tpm-root", "add", leaf), "tpm.root-not-authority")
    done = fabric.ctl("tpm-root", "add", leaf, world.folder / "leaf.key", "--json", status=1)
    equal(json.loads(done.stderr)["error"]["object"], str(world.folder / "leaf.key"))
    mixed = world.file("mixed.pem", leaf.read_bytes() + world.authority.root.read_bytes())
    added = fabric.show("tpm-root", "add", mixed)
    equal([item["outcome"] for item in added["certificates"]], ["refused", "same"])
    check(added["certificates"][0]["reason"], added)


def many_roots_come_in_commits_of_128(world):
    fabric, key = world.fabric, world.folder / "many.key"
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)])
    made = b"".join(run(["openssl", "req", "-x509", "-key", str(key), "-subj", f"/CN=Maker {i}", "-addext",
                         "basicConstraints=critical,CA:TRUE"]).stdout for i in range(130))
    before = len(fabric.events("tpm-root.added"))
    equal(fabric.show("tpm-root", "add", world.file("many.pem", made))["added"], 130)
    equal([len(event["after"]) for event in fabric.events("tpm-root.added")[before:]], [128, 2])
    equal(len(fabric.show("tpm-root", "list", "*Maker*")["roots"]), 130)


def roots_are_removed_by_their_thumbprint(world):
    fabric = world.fabric
    maker = fabric.show("tpm-root", "list", "CN=Maker 7")["roots"][0]
    equal(refused(fabric, "tpm-root", "remove", "00" * 32, "--yes"), "admin.not-found")
    equal(refused(fabric, "tpm-root", "remove", "zz", "--yes"), "admin.argument")
    fabric.ctl("tpm-root", "remove", maker["thumbprint"], "--dry-run")
    fabric.ctl("tpm-root", "remove", maker["thumbprint"][:12].upper(), "--yes")
    equal(fabric.show("tpm-root", "list", "CN=Maker 7")["roots"], [])
    equal(last(fabric, "tpm-root.removed")["before"]["subject"], maker["subject"])


def hosts_are_registered_by_their_tpm(world):
    fabric, file = world.fabric, world.n1.identifier
    fabric.ctl("host", "add", "n1", "--tpm", file, "--dry-run")
    equal(refused(fabric, "host", "show", "n1"), "admin.not-found")
    equal(refused(fabric, "host", "add", "n1", "--tpm", file, "--force"), "attestation.force-version")
    equal(refused(fabric, "host", "add", "n1", "--tpm", world.log), "base.text-malformed")
    equal(refused(fabric, "host", "add", "n1", "--key", world.n1.identifier, "--stage"), "admin.argument")
    added = fabric.show("host", "add", "n1", "--tpm", file, "--set", "rack1")
    equal((added["mode"], added["certified"], added["profile"], added["policy_version"]), ("tpm", True, "linux", "v2"))
    equal(refused(fabric, "host", "add", "n1", "--tpm", file), "admin.exists")
    equal(refused(fabric, "host", "add", "n9", "--tpm", file), "admin.exists")
    equal(last(fabric, "host.added")["after"]["name"], "n1")
    listed = fabric.show("host", "list", "n*")["hosts"]
    equal([(host["name"], host["mode"], host["sets"]) for host in listed], [("n1", "tpm", ["rack1"])])
    equal(fabric.show("server", "show")["tpm"]["hosts"], 1)


def a_host_changes_its_sets(world):
    fabric = world.fabric
    fabric.ctl("host", "set", "n1", "--set", "rack2", "--without-set", "rack1")
    equal(fabric.show("host", "show", "n1")["sets"], ["rack2"])
    equal((last(fabric, "host.changed")["before"]["sets"], last(fabric, "host.changed")["after"]["sets"]),
          (["rack1"], ["rack2"]))
    equal(refused(fabric, "host", "set", "n1", "--without-set", "rack1"), "admin.not-found")
    equal(refused(fabric, "host", "set", "n1"), "admin.argument")
    equal(fabric.show("host", "show", "n1")["bank"], "sha256")
    fabric.ctl("host", "set", "n1", "--bank", "sha384")
    equal((last(fabric, "host.changed")["before"]["bank"], last(fabric, "host.changed")["after"]["bank"]),
          ("sha256", "sha384"))
    equal(fabric.show("host", "show", "n1")["sets"], ["rack2"])
    fabric.ctl("host", "set", "n1", "--bank", "sha256")
    other = fabric.host("k1")
    fabric.register(other)
    equal(refused(fabric, "host", "set", "k1", "--set", "rack1"), "admin.argument")
    equal({host["mode"] for host in fabric.show("host", "list")["hosts"]}, {"tpm", "hostkey"})


def policies_are_added(world):
    fabric, boots = world.fabric, VECTORS / "bootimage"
    equal(sorted(warnings(fabric)), ["baseline, linux v2", "ci policy, linux v2"])
    fabric.ctl("policy", "add", "machine", "--baseline", world.log, "--dry-run")
    equal(refused(fabric, "policy", "show", "machine"), "admin.not-found")
    added = fabric.show("policy", "add", "machine", "--baseline", world.log)
    equal((added["type"], added["state"], added["pcrs"]), ("baseline", "enabled", [0, 2, 4, 7]))
    equal(last(fabric, "policy.added")["after"]["name"], "machine")
    equal(fabric.show("policy", "add", "some", "--baseline", world.log, "--pcr", "4,7", "--for", "n1")["for"],
          {"host": "n1"})
    equal(fabric.show("policy", "add", "image", "--ci", world.image)["command_line"], GOOD_LINE)
    fabric.ctl("policy", "add", "rack", "--ci", world.image, "--for", "rack2", "--until", "30d")
    fabric.ctl("policy", "add", "later", "--ci", world.image, "--for", "set:rack9")
    open_kernel = ("--ci-kernel", world.log, "--ci-cmdline", "root=/dev/sda ro")
    said = fabric.ctl("policy", "add", "kernel", *open_kernel).stdout.decode()
    check("Warning: the command line asks for neither lockdown" in said, said)
    check("warning" in fabric.show("policy", "add", "kernel2", *open_kernel, "--dry-run"), "no warning")
    equal(refused(fabric, "policy", "add", "kernel", *open_kernel, "--dry-run"), "admin.exists")
    shown = fabric.ctl("policy", "show", "kernel").stdout.decode()
    check("Warning" in shown and "PCR 9" in shown and re.search(r"Strength +good", shown), shown)
    fabric.ctl("policy", "add", "ima", "--ci-ima", world.file("ima-policy", b"measure func=KEXEC_KERNEL_CHECK\n"))
    fabric.ctl("policy", "add", "windows-ci", "--ci", boots / "policy.cip")
    fabric.ctl("policy", "add", "signed-ci", "--ci", boots / "signed.p7b", "--policy-version", "v1")
    fabric.ctl("policy", "add", "dumps", "--dump-key-hash", KEY_HASH)
    listed = fabric.show("policy", "list", "--type", "ci")["policies"]
    forms = {policy["name"]: policy["form"] for policy in listed}
    equal(forms, {"image": "unified-kernel", "rack": "unified-kernel", "later": "unified-kernel", "kernel": "kernel",
                  "ima": "ima", "windows-ci": "windows", "signed-ci": "windows"})
    equal({policy["form"]: policy["strength"] for policy in listed},
          {"unified-kernel": "strong", "kernel": "good", "ima": "medium", "windows": "strong"})
    equal([policy["name"] for policy in listed if "warning" in policy], ["kernel"])
    equal(fabric.show("policy", "show", "dumps")["policies"][0]["record"]["dump_key"], KEY_HASH)
    equal(warnings(fabric), {})


def bad_policies_are_refused(world):
    fabric = world.fabric
    log, image = world.log, world.image
    blocked = world.file("DriverSiPolicy.p7b", (VECTORS / "bootimage" / "policy.cip").read_bytes())
    text = world.file("text.cip", b"<SiPolicy/>")
    for code, arguments in [
            ("admin.exists", ["machine", "--baseline", log]),
            ("policy.name", ["Hgs_Mine", "--baseline", log]),
            ("policy.baseline-pcrs", ["x", "--baseline", log, "--pcr", "0,2"]),
            ("admin.argument", ["x", "--baseline", log, "--pcr", "4,7,99"]),
            ("policy.baseline-invalid", ["x", "--baseline", world.off_log]),
            ("policy.baseline-invalid", ["x", "--baseline", log, "--profile", "windows"]),
            ("policy.ci-driver-list", ["x", "--ci", blocked]),
            ("bootimage.windows-policy", ["x", "--ci", text]),
            ("bootimage.not-unified", ["x", "--ci", VECTORS / "bootimage" / "pe32plus.efi"]),
            ("admin.argument", ["x", "--ci", image, "--profile", "windows"]),
            ("admin.argument", ["x", "--ci-kernel", log]),
            ("policy.ci-command-line", ["x", "--ci-kernel", log, "--ci-cmdline", "two\nlines"]),
            ("policy.dump-hash", ["x", "--dump-key-hash", "abc"]),
            ("policy.dump-absent", ["x", "--dump", log]),
            ("admin.policy-for", ["x", "--ci", image, "--for", "nobody"]),
            ("admin.policy-for", ["x", "--ci", image, "--for", "host:nobody"]),
            ("admin.argument", ["x", "--ci", image, "--until", "2020-01-01"]),
            ("admin.argument", ["x", "--ci", image, "--until", "soon"])]:
        equal((arguments[1:], refused(fabric, "policy", "add", *arguments)), (arguments[1:], code))
    fabric.ctl("policy", "add", "x", status=2)
    fabric.ctl("policy", "add", "x", "--ci", image, "--dump-key-hash", KEY_HASH, status=2)
    equal(refused(fabric, "policy", "show", "x"), "admin.not-found")
    fabric.ctl("policy", "add", "off", "--baseline", world.off_log, "--skip-validation")
    fabric.ctl("policy", "remove", "off", "--yes")
    equal(last(fabric, "policy.removed")["before"]["name"], "off")


def lists_take_wildcards_types_and_states(world):
    fabric = world.fabric
    equal(names(fabric.show("policy", "list", "mach*"), "policies"), ["machine"])
    equal(names(fabric.show("policy", "list", "--type", "dump"), "policies"), ["dumps"])
    locked = fabric.show("policy", "list", "--state", "locked")["policies"]
    check(all(policy["type"] == "builtin" and policy["strength"] for policy in locked), locked)
    equal({policy["profile"] for policy in locked}, {"linux", "windows"})
    text = fabric.ctl("policy", "list").stdout.decode()
    check("Hgs_Lockdown" in text and "host n1" in text and "set rack2" in text, text)
    shown = fabric.ctl("policy", "show", "machine").stdout.decode()
    check("PCR" in shown and "Secure Boot on" in shown, shown)


def built_in_policies_are_switched(world):
    fabric = world.fabric
    equal(refused(fabric, "policy", "disable", "Hgs_SecureBootEnabled", "--yes"), "policy.locked")
    equal(refused(fabric, "policy", "remove", "Hgs_NoDumps", "--yes"), "admin.builtin")
    equal(refused(fabric, "policy", "disable", "Hgs_Nothing", "--yes"), "policy.builtin-unknown")
    equal(refused(fabric, "policy", "enable", "Hgs_VsmRunning", "--profile", "linux"), "policy.builtin-unknown")
    state = lambda: {policy["profile"]: policy["state"]
                     for policy in fabric.show("policy", "show", "Hgs_NoDumps")["policies"]}
    before = state()
    fabric.ctl("policy", "disable", "hgs_nodumps", "--profile", "linux", "--dry-run")
    equal(state(), before)
    fabric.ctl("policy", "disable", "hgs_nodumps", "--profile", "linux", "--yes")
    equal(state(), {**before, "linux": "disabled"})
    record = last(fabric, "policy.disabled")
    equal((record["before"][0]["state"], record["after"][0]["state"]), (before["linux"], "disabled"))
    fabric.ctl("policy", "enable", "Hgs_NoDumps")
    equal(set(state().values()), {"enabled"})
    fabric.ctl("policy", "enable", "Hgs_SecureBootEnabled")  # it is
    fabric.ctl("policy", "disable", "image", "--yes")
    equal(fabric.show("policy", "show", "image")["policies"][0]["state"], "disabled")
    fabric.ctl("policy", "enable", "image")


def staged_ones_take_part_when_activated(world):
    fabric = world.fabric
    n2 = Machine(fabric, "n2", world.authority, world.boot)
    try:
        n2.identify()
        fabric.ctl("host", "add", "n2", "--tpm", n2.identifier, "--stage")
        fabric.ctl("policy", "add", "next", "--ci", world.image, "--stage")
        equal(refused(fabric, "policy", "enable", "next"), "admin.staged")
        equal(names(fabric.show("policy", "list", "--state", "staged"), "policies"), ["next"])
        counts = fabric.show("server", "show")["tpm"]
        equal((counts["hosts_staged"], counts["policies_staged"]), (1, 1))
        equal(list(warnings(fabric)), ["staged"])
        fabric.ctl("server", "set", "--trust", "tpm")
        equal(n2.attest(status=1)["AttestationStatus"], "UnauthorizedHost")
        equal(fabric.show("policy", "activate", "--dry-run")["hosts"], ["n2"])
        equal(fabric.show("host", "show", "n2")["staged"], True)
        shown = fabric.show("policy", "activate")
        equal((shown["policies"], shown["hosts"]), (["next"], ["n2"]))
        equal(sorted(last(fabric, "policy.activated")["after"]["records"]), ["host n2", "policy next"])
        equal(n2.attest()["AttestationStatus"], "Passed")
        fabric.ctl("policy", "remove", "next", "--yes")
        removed = fabric.show("host", "remove", "n2", "--yes")
        equal(removed["policies_left"], [])
    finally:
        n2.tpm.stop()


def a_log_is_explained_event_by_event(world):
    fabric = world.fabric
    told = fabric.show("policy", "explain", world.log, "--host", "n1")
    equal(told["passed"], True)
    secure_boot = next(policy for policy in told["policies"] if policy["name"] == "Hgs_SecureBootEnabled")
    equal(secure_boot["result"], "Passed")
    check(any("Secure Boot" in event["words"] and event["pcr"] == 7 for event in secure_boot["events"]), secure_boot)
    check(any(policy["name"] == "some" for policy in told["policies"]), "a policy for the host takes part")
    told = fabric.show("policy", "explain", world.log)
    check(not any(policy["name"] == "some" for policy in told["policies"]), "a policy for another host does not")
    done = fabric.ctl("policy", "explain", world.off_log, "--host", "n1", status=1).stdout.decode()
    check("Hgs_SecureBootEnabled: failed" in done and "not evaluated" in done and "would not pass" in done, done)
    equal(refused(fabric, "policy", "explain", world.log, "--host", "nobody"), "admin.not-found")
    done = fabric.ctl("policy", "explain", world.image, "--json", status=1)
    refusal = json.loads(done.stderr)["error"]
    equal(refusal["code"], "eventlog.malformed")
    check(refusal["object"].startswith(str(world.image)), refusal)
    fabric.ctl("host", "set", "n1", "--bank", "sha384")  # which this log does not have
    equal(refused(fabric, "policy", "explain", world.log, "--host", "n1"), "eventlog.bank-missing")
    fabric.ctl("host", "set", "n1", "--bank", "sha256")


def a_kernel_is_replaced_without_failing_its_hosts(world):
    """The baseline was taken from a host that booted the old image; the new one passes while the old one is known."""
    fabric = world.fabric
    old, new = (world.file(f"{name}.efi", unified_kernel(f"{GOOD_LINE} {name}")) for name in ("old", "new"))
    old_log, new_log = (world.file(f"{image.stem}.tcglog", boot_of(world.boot, image.read_bytes()).log())
                        for image in (old, new))
    others = [policy["name"] for policy in
              fabric.show("policy", "list", "--type", "baseline", "--state", "enabled")["policies"]]
    fabric.ctl("policy", "add", "of-old", "--baseline", old_log)
    for name in others:
        fabric.ctl("policy", "disable", name, "--yes")
    for image in (old, new):
        fabric.ctl("policy", "add", image.stem, "--ci", image)
    equal(fabric.show("policy", "explain", new_log)["passed"], True)
    for arguments in (("--yes",), ("--dry-run",)):
        equal(refused(fabric, "policy", "remove", "old", *arguments), "admin.policy-needed")
    fabric.ctl("policy", "disable", "old", "--yes")
    equal(refused(fabric, "policy", "remove", "old", "--yes"), "admin.policy-needed")
    equal(fabric.show("policy", "explain", new_log)["passed"], True)
    fabric.ctl("policy", "explain", old_log, status=1)
    for name in ("of-old", "old", "new"):
        fabric.ctl("policy", "remove", name, "--yes")
    for name in others:
        fabric.ctl("policy", "enable", name)


def two_boots_are_compared_in_words(world):
    fabric = world.fabric
    equal(fabric.show("policy", "diff", world.log, world.log)["differences"], [])
    told = fabric.ctl("policy", "diff", world.log, world.off_log).stdout.decode()
    check("PCR 7: Secure Boot off; was on" in told, told)


def an_approval_is_for_one_host_and_ends(world):
    """An update of firmware and kernel at once: a baseline of what was booted, and the image that was."""
    fabric, n1 = world.fabric, world.n1
    image = world.file("new.efi", unified_kernel(GOOD_LINE + " mitigations=auto"))
    fabric.ctl("server", "set", "--trust", "tpm")
    equal(n1.attest()["AttestationStatus"], "Passed")
    equal(refused(fabric, "pending", "show", "n1"), "attestation.boot-none")
    n1.switch_on(world.updated_boot(image.read_bytes()))
    n1.attest(status=1)
    pending = wait_until(lambda: fabric.show("pending", "list")["pending"], "the boot is pending")
    equal([(boot["host"], boot["has_log"]) for boot in pending], [("n1", True)])
    shown = fabric.show("pending", "show", "n1")
    equal({difference["pcr"] for difference in shown["differences"]}, {0, 4, 9, 11})
    equal(refused(fabric, "pending", "approve", "n1", "--policy", "Hgs_x", "--yes"), "policy.name")
    equal(refused(fabric, "pending", "approve", "n1", "--policy", "machine", "--yes"), "admin.exists")
    fabric.ctl("policy", "add", "taken-ci", "--ci", image)
    done = fabric.ctl("pending", "approve", "n1", "--policy", "taken", "--ci", image, "--yes", "--json", status=1)
    equal(json.loads(done.stderr)["error"]["object"], "taken-ci")
    equal(refused(fabric, "policy", "show", "taken"), "admin.not-found")  # neither of the two
    fabric.ctl("policy", "remove", "taken-ci", "--yes")
    equal(refused(fabric, "pending", "approve", "n1", "--policy", "p", "--until", "2020-01-01"), "admin.argument")
    equal(refused(fabric, "pending", "approve", "nobody", "--policy", "p"), "attestation.boot-none")
    fabric.ctl("pending", "approve", "n1", "--policy", "n1-update", "--ci", image, "--dry-run")
    equal(len(fabric.show("pending", "list")["pending"]), 1)
    done = fabric.show("pending", "approve", "n1", "--policy", "n1-update", "--ci", image, "--until", "1h", "--yes")
    equal([(policy["name"], policy["type"]) for policy in done["policies"]],
          [("n1-update", "baseline"), ("n1-update-ci", "ci")])
    equal([policy["for"] for policy in fabric.show("policy", "list", "n1-*")["policies"]], [{"host": "n1"}] * 2)
    record = last(fabric, "pending.approved")
    equal([policy["name"] for policy in record["after"]], ["n1-update", "n1-update-ci"])
    equal(fabric.show("pending", "list")["pending"], [])
    equal(n1.attest()["AttestationStatus"], "Passed")
    with two_hours_later(fabric, n1):
        equal([policy["expired"] for policy in fabric.show("policy", "list", "n1-*")["policies"]], [True, True])
        words = n1.attest(status=1)["AttestationSubStatus"].split(", ")
        check("SecureBootSettings" in words and "CodeIntegrityPolicy" in words, words)


@contextlib.contextmanager
def two_hours_later(fabric, machine):
    """The service and the host, two hours on."""
    def again():
        fabric.stop()
        fabric.start()
        machine.configure("auto")
    os.environ["HGS_TEST_CLOCK"] = "+7200"
    try:
        again()
        yield
    finally:
        del os.environ["HGS_TEST_CLOCK"]
        again()


def a_boot_that_cannot_be_remembered_is_counted(world):
    """Another process keeps the database for longer than the service waits for it."""
    fabric, n1 = world.fabric, world.n1
    equal(fabric.show("pending", "list")["dropped"], 0)
    equal(fabric.show("server", "show")["tpm"]["dropped"], 0)
    # What is pending since the time that a test called two hours later stays in the place of what is only claimed.
    for boot in fabric.show("pending", "list")["pending"]:
        fabric.ctl("pending", "remove", boot["host"], "--yes")
    n1.switch_on(world.updated_boot(unified_kernel(GOOD_LINE + " forgotten")))
    database = sqlite3.connect(fabric.folder / "state" / "store" / "hgs.db", isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        n1.attest(status=1)
        dropped = wait_until(lambda: fabric.show("pending", "list")["dropped"], "the boot is dropped")
    finally:
        database.execute("ROLLBACK")
        database.close()
    listed = fabric.show("pending", "list")
    equal((dropped, listed["pending"], listed["dropped_host"]), (1, [], "n1"))
    told = fabric.ctl("pending", "list").stdout.decode()
    check("of host n1" in told and "hgs host attest" in told, told)
    check("Boots not remembered" in fabric.ctl("server", "show").stdout.decode())
    warned = {test["name"]: test for test in fabric.show("server", "test")["tests"]}["boots"]
    check(warned["ok"] and warned["warning"] and "hgs host attest" in warned["detail"], warned)
    # What to do helps.
    n1.attest(status=1)
    wait_until(lambda: fabric.show("pending", "list")["pending"], "the boot is pending")
    fabric.ctl("pending", "remove", "n1", "--yes")
    n1.switch_on(world.boot)


def what_no_policy_mends_is_not_approved(world):
    fabric, n1 = world.fabric, world.n1
    line = GOOD_LINE.replace("lockdown=integrity ", "")
    image = world.file("open.efi", unified_kernel(line))
    n1.switch_on(boot_of(world.boot, image.read_bytes()))
    n1.attest(status=1)
    wait_until(lambda: fabric.show("pending", "list")["pending"], "the boot is pending")
    done = fabric.ctl("pending", "approve", "n1", "--policy", "n1-open", "--ci", image, "--yes").stdout.decode()
    check("Hgs_Lockdown failed, too" in done and "passes" not in done and "Warning" in done, done)
    n1.attest(status=1)
    wait_until(lambda: fabric.show("pending", "list")["pending"], "the boot is pending again")
    equal([reason["policy"] for reason in fabric.show("pending", "show", "n1")["reasons"]], ["Hgs_Lockdown"])
    equal(refused(fabric, "pending", "approve", "n1", "--policy", "n1-open2", "--yes"), "admin.pending-remedy")
    fabric.ctl("pending", "remove", "n1", "--dry-run")
    fabric.ctl("pending", "remove", "n1", "--yes")
    equal(refused(fabric, "pending", "remove", "n1", "--yes"), "admin.not-found")
    equal(last(fabric, "pending.removed")["object"], "pending boot of host n1")


def what_is_approved_is_what_was_looked_at(world):
    """The boot that is pending changes between the two requests of hgsctl: the service sees it by the digest."""
    fabric, n1 = world.fabric, world.n1
    n1.switch_on(boot_of(world.boot, unified_kernel(GOOD_LINE + " unknown")))
    n1.attest(status=1)
    wait_until(lambda: fabric.show("pending", "list")["pending"], "the boot is pending")
    equal(raw_call(fabric, "pending.approve", {"host": "n1", "policy": "p", "digest": "00" * 32}), "admin.pending-changed")
    # and no less of it than its baselines look at
    others = [policy["name"] for policy in
              fabric.show("policy", "list", "--type", "baseline", "--state", "enabled")["policies"]]
    fabric.ctl("policy", "add", "wide", "--baseline", world.log, "--pcr", "0,2,4,7,9")
    for name in others:
        fabric.ctl("policy", "disable", name, "--yes")
    fabric.ctl("pending", "approve", "n1", "--policy", "n1-wide", "--yes")
    equal(fabric.show("policy", "show", "n1-wide")["policies"][0]["pcrs"], [0, 2, 4, 7, 9])
    for name in ("wide", "n1-wide"):
        fabric.ctl("policy", "remove", name, "--yes")
    for name in others:
        fabric.ctl("policy", "enable", name)
    n1.switch_on(world.boot)


def raw_call(fabric, operation, arguments):
    """One request on the administration socket, past hgsctl: the code of its refusal, or None."""
    body = json.dumps({"operation": operation, "arguments": arguments, "dry_run": False}).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(fabric.socket))
        connection.sendall(struct.pack("<I", len(body)) + body)
        stream = connection.makefile("rb")
        reply = json.loads(stream.read(struct.unpack("<I", stream.read(4))[0]))
    return None if reply["ok"] else reply["error"]["code"]


def the_service_checks_what_hgsctl_read(world):
    fabric = world.fabric
    good = fabric.show("policy", "show", "machine")["policies"][0]["record"]
    for code, change in [("policy.record-malformed", {"kind": "nonsense"}),
                         ("policy.name", {"name": "Hgs_x"}),
                         ("admin.argument", {"name": "y", "state": "disabled"}),
                         ("admin.argument", {"name": "y", "for": {"host": "n1"}}),
                         ("policy.record-malformed", {"name": "y", "baseline": {**good["baseline"], "pcrs": [0]}}),
                         ("base.json-malformed", {"name": "y", "baseline": 7})]:
        equal((change, raw_call(fabric, "policy.add", {"policy": {**good, **change}})), (change, code))
    equal(raw_call(fabric, "policy.add", {}), "base.json-malformed")
    equal(raw_call(fabric, "tpm-root.add", {"certificates": [{"certificate": "AA==", "intermediate": False}] * 129}),
          "admin.argument")
    equal(raw_call(fabric, "host.add", {"name": "z", "identifier": "AA==", "profile": "amiga"}), "admin.argument")


def reviewers_look_and_change_nothing(world):
    fabric = world.fabric
    fabric.folder.chmod(0o755)
    user = pwd.getpwnam("bin")

    def become():
        os.setgroups(os.getgrouplist("bin", user.pw_gid))
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    def as_reviewer(*arguments):
        done = subprocess.run([shutil.copy(HGSCTL, fabric.folder / "hgsctl"), *map(str, arguments), "--json"], check=False,
                              capture_output=True, timeout=DEADLINE, preexec_fn=become, cwd="/",
                              env={**os.environ, **fabric.env, "ASAN_OPTIONS": "detect_leaks=0"})
        return json.loads(done.stderr)["error"]["code"] if done.returncode else None

    world.log.chmod(0o644)
    for command in [("policy", "list"), ("policy", "show", "machine"), ("policy", "explain", world.log, "--host", "n1"),
                    ("pending", "list"), ("tpm-root", "list"), ("host", "list")]:
        equal((command, as_reviewer(*command)), (command, None))
    for command in [("policy", "add", "r", "--baseline", world.log), ("policy", "enable", "image"),
                    ("policy", "disable", "image", "--yes"), ("policy", "remove", "image", "--yes"), ("policy", "activate"),
                    ("pending", "remove", "n1", "--yes"), ("host", "set", "n1", "--set", "a"),
                    ("tpm-root", "remove", "00" * 32, "--yes")]:
        equal((command, as_reviewer(*command)), (command, "admin.read-only"))


def a_backup_carries_all_of_it(world):
    fabric, password = world.fabric, world.file("password", b"a long password")
    backup = world.folder / "backup"
    fabric.ctl("state", "export", backup, "--password-file", password)
    with Fabric() as second:
        restored = second.show("state", "import", backup, "--password-file", password, "--tpm-mode")
        kinds = {item["kind"] for item in restored["items"]}
        check({"host", "policy", "TPM root"} <= kinds, kinds)
        for listing in (("policy", "list"), ("tpm-root", "list")):
            equal(second.show(*listing), fabric.show(*listing))
        equal(second.show("host", "list")["hosts"],
              [host for host in fabric.show("host", "list")["hosts"] if host["mode"] == "tpm"])
        equal(second.show("server", "show")["mode"], "tpm")
        equal(second.show("host", "show", "n1")["sets"], ["rack2"])
        check(any("policy machine" in event["after"]["records"] for event in second.events("state.imported")))


def main():
    reviewers = grp.getgrgid(pwd.getpwnam("bin").pw_gid).gr_name
    with Fabric(f"[admin]\nreviewers = {reviewers}") as fabric:
        fabric.init()
        world = World(fabric)
        bodies = [what_is_missing_is_warned_of, roots_are_told_by_who_signed_them,
                  what_cannot_be_trusted_is_listed_and_the_rest_added, many_roots_come_in_commits_of_128,
                  roots_are_removed_by_their_thumbprint, hosts_are_registered_by_their_tpm, a_host_changes_its_sets,
                  policies_are_added, bad_policies_are_refused, lists_take_wildcards_types_and_states,
                  built_in_policies_are_switched, staged_ones_take_part_when_activated, a_log_is_explained_event_by_event,
                  a_kernel_is_replaced_without_failing_its_hosts,
                  two_boots_are_compared_in_words, an_approval_is_for_one_host_and_ends,
                  a_boot_that_cannot_be_remembered_is_counted, what_no_policy_mends_is_not_approved, what_is_approved_is_what_was_looked_at,
                  the_service_checks_what_hgsctl_read, a_backup_carries_all_of_it]
        if os.getuid() == 0:
            bodies.append(reviewers_look_and_change_nothing)
        else:
            print("# SKIP reviewers look and change nothing: only root can run hgsctl as other users")
        try:
            for body in bodies:
                case(body.__name__.replace("_", " "), lambda body=body: body(world))
        finally:
            world.n1.tpm.stop()
    finish()


main()
