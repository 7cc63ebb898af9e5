# SPDX-License-Identifier: Apache-2.0
"""A real measured boot, end to end: a signed unified kernel image in QEMU with OVMF, Secure Boot and a software TPM attests from
inside the guest at the service outside, and opens a LUKS volume with the released key; with an altered command line it is refused, and
an unsigned image does not even start.

Opt-in, since it needs QEMU and takes minutes: tools/install-packages boot, tools/fetch-boot-kernel FOLDER, and
meson configure BUILD -Dboot-kernel=FOLDER (HGS_BOOT_KERNEL here). HGS_BOOT_KEEP=FOLDER keeps consoles and what guests said.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from fabric import HGS, Fabric, case, check, equal, finish, run
from measured_boot_image import Kernel, archive_disk, boot_disk, initramfs, unified_kernel
from swtpm import Authority, SoftwareTpm

BOOT_DEADLINE = 300  # seconds that a guest may take under software emulation; 30 to 60 are usual
COMMAND_LINE = "console=ttyS0 ima_policy=tcb ima_hash=sha256 lockdown=integrity nohibernate intel_iommu=on quiet"
OVMF = pathlib.Path("/usr/share/OVMF")
# PCR 0 depends on these: one machine for all boots.
MACHINE = ["-machine", "q35,smm=on,accel=tcg", "-cpu", "max", "-m", "1024", "-smp", "1", "-nodefaults", "-display", "none",
           "-no-reboot", "-global", "driver=cfi.pflash01,property=secure,value=on"]


class Guest:
    """What a boot said."""

    def __init__(self, console, dump):
        self.console = console
        self.said = {name: base64.b64decode(body)
                     for name, body in re.findall(r"=== (\S+)\n(.*?)=== END\n", dump, re.S)}

    def text(self, name):
        return self.said.get(name, b"").decode(errors="replace")

    def status(self, name):
        return int(self.text(f"{name}.status") or -1)

    def demand(self, name):
        if self.status(name) != 0:
            raise AssertionError(f"{name} in the guest: {self.status(name)}\n{self.text(name + '.out')}"
                                 f"{self.text(name + '.err')}\n{self.console[-2000:]}")


class Machine:
    """A virtual machine with firmware, Secure Boot and a TPM of its own."""

    def __init__(self, folder, authority):
        self.folder = pathlib.Path(folder)
        self.tpm = SoftwareTpm(self.folder, authority)
        self.count = 0
        shutil.copy(OVMF / "OVMF_VARS_4M.snakeoil.fd", self.folder / "variables.fd")
        self.luks = self.folder / "luks.img"

    def boot(self, disk, files, until=None):
        """Starts it with an EFI disk and the files of the second disk, until it switches itself off, or says `until`."""
        self.count += 1
        logs = self.folder / f"boot-{self.count}"
        logs.mkdir()
        archive_disk(logs / "files.img", files)
        shutil.copy(self.folder / "variables.fd", logs / "variables.fd")
        with self.tpm.for_machine(logs / "control") as control:
            process = subprocess.Popen(
                ["qemu-system-x86_64", *MACHINE,
                 "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.secboot.fd",
                 "-drive", f"if=pflash,format=raw,unit=1,file={logs}/variables.fd",
                 "-chardev", f"socket,id=c,path={control}", "-tpmdev", "emulator,id=t,chardev=c", "-device", "tpm-crb,tpmdev=t",
                 "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile=",
                 "-drive", f"file={disk},format=raw,if=virtio,snapshot=on",
                 "-drive", f"file={logs}/files.img,format=raw,if=virtio,snapshot=on",
                 "-drive", f"file={self.luks},format=raw,if=virtio,snapshot=on",
                 "-serial", f"file:{logs}/console", "-serial", f"file:{logs}/dump"],
                stdout=subprocess.DEVNULL, stderr=open(logs / "qemu", "wb"), stdin=subprocess.DEVNULL)
            try:
                self.wait(process, logs, until)
            finally:
                process.kill()
                process.wait()
        return Guest(self.read(logs / "console"), self.read(logs / "dump"))

    @staticmethod
    def read(path):
        return path.read_bytes().decode(errors="replace").replace("\r", "") if path.exists() else ""

    def wait(self, process, logs, until):
        end = time.monotonic() + BOOT_DEADLINE
        while process.poll() is None:
            if until and until in self.read(logs / "console"):
                return
            if time.monotonic() > end:
                raise AssertionError(f"the guest did not end within {BOOT_DEADLINE} s:\n{self.read(logs / 'console')[-3000:]}")
            time.sleep(0.1)
        if process.returncode != 0:
            raise AssertionError(f"qemu: {self.read(logs / 'qemu')}")


class World:
    """The service, its owner's VM file, the images and the machine."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.folder = fabric.folder
        self.kernel = Kernel(os.environ["HGS_BOOT_KERNEL"])
        self.authority = Authority(self.folder / "manufacturer")
        self.machine = Machine(self.folder / "guest", self.authority)
        self.images, self.disks = {}, {}
        initrd = self.folder / "initrd"
        tcti = next(pathlib.Path("/usr/lib").rglob("libtss2-tcti-device.so.0"))
        initramfs(initrd, self.kernel, [HGS, shutil.which("cryptsetup", path="/usr/sbin:/sbin:/usr/bin")], [tcti])
        for name, line, signed in (("good", COMMAND_LINE, True), ("altered", COMMAND_LINE + " init=/bin/sh", True),
                                   ("unsigned", COMMAND_LINE, False)):
            self.images[name] = self.folder / f"{name}.efi"
            self.disks[name] = self.folder / f"{name}.img"
            unified_kernel(self.images[name], self.kernel, initrd, line, signed)
            boot_disk(self.disks[name], self.images[name])
        self.make_vm()

    def make_vm(self):
        owner = self.fabric.owner()
        passphrase = self.folder / "passphrase"
        passphrase.write_bytes(base64.b64encode(os.urandom(32)))
        self.vm = self.folder / "vm.hgs"
        owner.hgs("vm", "create", self.vm, "--owner", "owner", "--guardian", "fabric", "--secret", f"disk={passphrase}")
        with open(self.machine.luks, "wb") as volume:
            volume.truncate(32 << 20)
        run(["cryptsetup", "luksFormat", "--disable-locks", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2",
             "--pbkdf-force-iterations", "1000", str(self.machine.luks), str(passphrase)])

    def files(self, stage):
        url = re.sub(r"//[^:]*:", "//10.0.2.2:", self.fabric.url)
        return {"stage": stage.encode(), "vm.hgs": self.vm.read_bytes(), "host.conf": (
            f"[attestation]\nurl = {url}/Attestation\n[key-protection]\nurl = {url}/KeyProtection\n"
            "[host]\nstate = /run/hgs-host\n").encode()}

    def boot(self, image, stage, until=None):
        return self.machine.boot(self.disks[image], self.files(stage), until)


def a_guest_is_enrolled(world):
    guest = world.boot("good", "enrol")
    guest.demand("identify")
    guest.demand("baseline")
    for name in ("guest.xml", "guest.tcglog"):
        (world.folder / name).write_bytes(guest.said[name])
    ctl = world.fabric.ctl
    ctl("tpm-root", "add", world.authority.root)
    ctl("tpm-root", "add", world.authority.issuer, "--intermediate")
    ctl("host", "add", "guest", "--tpm", world.folder / "guest.xml")
    ctl("policy", "add", "machine", "--baseline", world.folder / "guest.tcglog")
    ctl("policy", "add", "image", "--ci", world.images["good"])


def the_guest_passes_and_opens_its_volume(world):
    guest = world.boot("good", "attest")
    guest.demand("attest")
    equal(json.loads(guest.text("attest.out"))["AttestationStatus"], "Passed")
    guest.demand("unlock")
    check("volume" in guest.text("unlock.out") or "crypt" in guest.text("unlock.out"), guest.text("unlock.out"))
    passed = [event for event in world.fabric.events("attestation.passed") if event["host"] == "guest"]
    check(passed, "the guest's attestation is not in the trail")
    names = ("guest", passed[-1]["key_id"].upper())  # a release names the host as its health certificate does
    check(any(event["host"] in names for event in world.fabric.events("key.released")), "nor is the release")


def an_altered_command_line_is_refused(world):
    guest = world.boot("altered", "attest")
    check("init=/bin/sh" in guest.text("cmdline"), "the altered image was not booted")
    equal(guest.status("attest"), 1)
    equal(json.loads(guest.text("attest.out"))["AttestationStatus"], "InsecureHostConfiguration")
    equal(json.loads(guest.text("attest.err"))["error"]["code"], "host.insecure")
    check(guest.status("unlock") != 0, "the altered guest got the key")


def an_unsigned_image_does_not_start(world):
    guest = world.boot("unsigned", "attest", until="Access Denied")
    equal(guest.said, {})


def main():
    with Fabric() as fabric:
        fabric.ctl("server", "init", "--service-name", "fabric", "--trust", "tpm", "--generate-certificates")
        world = World(fabric)
        for body in (a_guest_is_enrolled, the_guest_passes_and_opens_its_volume, an_altered_command_line_is_refused,
                     an_unsigned_image_does_not_start):
            case(body.__name__.replace("_", " "), lambda body=body: body(world))
        if "HGS_BOOT_KEEP" in os.environ:
            shutil.copytree(world.machine.folder, os.environ["HGS_BOOT_KEEP"], dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.img", "t", "t.ctrl", "control", "tpm"))
    finish()


if __name__ == "__main__":
    main()
