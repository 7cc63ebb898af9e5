# SPDX-License-Identifier: Apache-2.0
"""TPM mode over real processes: software TPMs with recorded boots attest, unlock, are refused, and get approved."""
import copy
import json
import os
import pathlib

from fabric import Fabric, case, check, equal, finish, wait_until
from machine import Machine
from made_boot import boot_of, unified_kernel
from swtpm import EV_EFI_ACTION, SHA256, Authority, Boot, Event

RECORDED = pathlib.Path(os.environ["HGS_VECTORS"]) / "boots"
COMMAND_LINE = "console=ttyS0 ima_policy=tcb lockdown=integrity nohibernate intel_iommu=on quiet"
SECRET = b"correct horse battery staple"


class World:
    def __init__(self, fabric):
        self.fabric = fabric
        self.image = unified_kernel(COMMAND_LINE)
        self.boot = boot_of(Boot.load(RECORDED / "secure-boot-uki"), self.image)
        self.authority = Authority(fabric.folder / "manufacturer")
        self.n1 = Machine(fabric, "n1", self.authority, self.boot)
        self.vm = fabric.folder / "vm.hgs"
        self.image_file = fabric.folder / "image.efi"
        self.image_file.write_bytes(self.image)

    def changed(self, change):
        """The boot with something else in it."""
        boot = copy.deepcopy(self.boot)
        change(boot.events)
        return boot


def nobody_is_known_at_first(world):
    equal(world.n1.attest(status=1)["AttestationStatus"], "UnauthorizedHost")
    equal(world.n1.refusal("host", "attest"), "host.unauthorized")
    done = world.n1.hgs("host", "attest", "--what-if", "tpm", status=1)
    check(b"does not know this host's TPM" in done.stderr, done.stderr)
    check(world.n1.is_empty(), "something is left in the TPM")


def a_host_is_registered_by_its_tpm(world):
    fabric, n1 = world.fabric, world.n1
    found = n1.identify()
    equal(found["endorsement_key"], "rsa-2048")
    equal(found["has_certificate"], True)
    check("doubt" not in found, found)
    equal(fabric.refusal("host", "add", "n1", "--tpm", n1.identifier), "tpm.issuer-missing")
    fabric.ctl("tpm-root", "add", world.authority.issuer, "--intermediate")
    equal(fabric.refusal("host", "add", "n1", "--tpm", n1.identifier), "tpm.root-missing")
    fabric.ctl("tpm-root", "add", world.authority.root)
    fabric.ctl("host", "add", "n1", "--tpm", n1.identifier)


def a_start_becomes_a_baseline(world):
    fabric, n1 = world.fabric, world.n1
    log = fabric.folder / "n1.tcglog"
    equal(n1.attest(status=1)["AttestationStatus"], "InsecureHostConfiguration")
    n1.hgs("host", "baseline", log)
    equal(log.read_bytes(), world.boot.log())
    fabric.ctl("policy", "add", "machine", "--baseline", log)
    fabric.ctl("policy", "add", "image", "--ci", world.image_file)


def the_host_passes(world):
    shown = world.n1.attest()
    equal(shown["AttestationStatus"], "Passed")
    equal(shown["AttestationOperationMode"], "Tpm")
    check(world.n1.is_empty(), "something is left in the TPM")
    check(any(event["host"] == "n1" for event in world.fabric.events("attestation.passed")))


def the_key_of_a_vm_is_released_to_its_tpm(world):
    owner = world.fabric.owner()
    passphrase = world.fabric.folder / "passphrase"
    passphrase.write_bytes(SECRET)
    owner.hgs("vm", "create", world.vm, "--owner", "owner", "--guardian", "fabric", "--secret", f"disk={passphrase}")
    equal(world.n1.hgs("vm", "unlock", world.vm, "--secret", "disk").stdout, SECRET)
    check(world.n1.is_empty(), "something is left in the TPM")


def the_key_ends_with_the_start(world):
    world.n1.switch_on(world.boot)
    done = world.n1.hgs("vm", "unlock", world.vm, "--secret", "disk")
    equal(done.stdout, SECRET)
    check(b"host.tpm-key-gone" in done.stderr, done.stderr)


def the_key_ends_when_a_pcr_changes(world):
    world.n1.tpm.extend([(4, bytes(31) + b"\1")])
    done = world.n1.hgs("vm", "unlock", world.vm, "--secret", "disk", status=1)
    equal(done.stdout, b"")
    check(b"host.tpm-key-locked" in done.stderr, done.stderr)
    equal(world.n1.attest(status=1)["AttestationStatus"], "InsecureHostConfiguration")
    world.n1.switch_on(world.boot)
    world.n1.attest()


def another_log_is_refused(world):
    """The log says what the TPM does not."""
    other = boot_of(Boot.load(RECORDED / "secure-boot-uki"), unified_kernel(COMMAND_LINE + " init=/bin/sh"))
    other.save(world.n1.folder)
    shown = world.n1.attest(status=1)
    equal(shown["AttestationStatus"], "InsecureHostConfiguration")
    equal(shown["AttestationSubStatus"], "TcgLogVerification")
    world.boot.save(world.n1.folder)


def another_command_line_is_refused(world):
    world.n1.switch_on(boot_of(Boot.load(RECORDED / "secure-boot-uki"), unified_kernel(COMMAND_LINE + " init=/bin/sh")))
    shown = world.n1.attest(status=1)
    equal(shown["AttestationStatus"], "InsecureHostConfiguration")
    check("CodeIntegrityPolicy" in shown["AttestationSubStatus"], shown)
    check("hgsctl policy add --ci" in shown["NextSteps"], shown)


def secure_boot_off_is_refused(world):
    off = Boot.load(RECORDED / "no-secure-boot-uki")
    world.n1.switch_on(off)
    shown = world.n1.attest(status=1)
    equal(shown["AttestationStatus"], "InsecureHostConfiguration")
    words = shown["AttestationSubStatus"].split(", ")
    check("SecureBoot" in words and "SecureBootSettings" in words, words)
    equal(world.n1.refusal("host", "baseline", world.fabric.folder / "off.tcglog"), "host.baseline-invalid")
    world.n1.hgs("host", "baseline", world.fabric.folder / "off.tcglog", "--skip-validation")


def debugging_firmware_is_refused(world):
    """An event in PCR 7 that changes one policy and no other."""
    world.n1.switch_on(world.changed(
        lambda events: events.insert(3, Event.proven(7, EV_EFI_ACTION, b"UEFI Debug Mode"))))
    words = world.n1.attest(status=1)["AttestationSubStatus"].split(", ")
    check("DebugModeUefi" in words, words)


def updated(world):
    """After an update of the firmware: another volume in PCR 0."""
    def change(events):
        events[1].digests = {SHA256: bytes(31) + b"\2"}
    boot = world.changed(change)
    return boot_of(boot, world.image)


def an_update_is_approved(world):
    fabric, n1 = world.fabric, world.n1
    fabric.ctl("pending", "remove", "n1", "--yes")  # of what only a client claims, one in ten seconds is kept
    n1.switch_on(updated(world))
    equal(n1.attest(status=1)["AttestationSubStatus"], "SecureBootSettings")
    wait_until(lambda: "n1" in fabric.ctl("pending", "list").stdout.decode(), "n1 is pending")
    check("PCR 0" in fabric.ctl("pending", "show", "n1").stdout.decode())
    fabric.ctl("pending", "approve", "n1", "--policy", "n1-after-update")
    equal(n1.attest()["AttestationStatus"], "Passed")
    wait_until(lambda: "n1" not in fabric.ctl("pending", "list").stdout.decode(), "n1 is not pending")
    n1.switch_on(world.boot)
    equal(n1.attest()["AttestationStatus"], "Passed")


def what_if_issues_nothing(world):
    fabric, n1 = world.fabric, world.n1
    fabric.ctl("server", "set", "--trust", "hostkey")
    before = len(fabric.events("attestation.passed"))
    told = json.loads(n1.hgs("host", "attest", "--what-if", "tpm", "--json").stdout)
    equal(told["Result"], True)
    check(all(policy["Result"] == "Passed" for policy in told["Policies"] if policy["Name"].startswith("Hgs_")), told)
    n1.switch_on(Boot.load(RECORDED / "no-secure-boot-uki"))
    told = json.loads(n1.hgs("host", "attest", "--what-if", "tpm", "--json", status=1).stdout)
    equal(told["Result"], False)
    failed = {policy["Name"]: policy["Text"] for policy in told["Policies"] if policy["Result"] == "Failed"}
    check("Hgs_SecureBootEnabled" in failed, told)
    equal(len(fabric.events("attestation.passed")), before)
    fabric.ctl("server", "set", "--trust", "tpm")
    n1.switch_on(world.boot)
    equal(n1.attest()["AttestationStatus"], "Passed")


def an_elliptic_endorsement_key_does_as_well(world):
    n2 = Machine(world.fabric, "n2", world.authority, world.boot, "high-p-384")
    try:
        equal(n2.identify()["endorsement_key"], "high-p-384")
        world.fabric.ctl("host", "add", "n2", "--tpm", n2.identifier)
        equal(n2.attest()["AttestationStatus"], "Passed")
    finally:
        n2.tpm.stop()


def a_tpm_without_certificate_needs_force(world):
    n3 = Machine(world.fabric, "n3", None, world.boot)
    try:
        found = n3.identify()
        equal(found["has_certificate"], False)
        check("--force" in found["note"], found)
        equal(world.fabric.refusal("host", "add", "n3", "--tpm", n3.identifier), "attestation.certificate-missing")
        world.fabric.ctl("host", "add", "n3", "--tpm", n3.identifier, "--force", "--policy-version", "v1")
    finally:
        n3.tpm.stop()


def a_removed_host_is_refused(world):
    world.fabric.ctl("host", "remove", "n1", "--yes")
    equal(world.n1.attest(status=1)["AttestationStatus"], "UnauthorizedHost")


def main():
    with Fabric() as fabric:
        fabric.ctl("server", "init", "--service-name", "fabric", "--trust", "tpm", "--generate-certificates")
        world = World(fabric)
        try:
            for body in (nobody_is_known_at_first, a_host_is_registered_by_its_tpm, a_start_becomes_a_baseline, the_host_passes,
                         the_key_of_a_vm_is_released_to_its_tpm, the_key_ends_with_the_start, the_key_ends_when_a_pcr_changes,
                         another_log_is_refused, another_command_line_is_refused, secure_boot_off_is_refused,
                         debugging_firmware_is_refused, an_update_is_approved, what_if_issues_nothing,
                         an_elliptic_endorsement_key_does_as_well, a_tpm_without_certificate_needs_force,
                         a_removed_host_is_refused):
                case(body.__name__.replace("_", " "), lambda body=body: body(world))
        finally:
            world.n1.tpm.stop()
    finish()


main()
