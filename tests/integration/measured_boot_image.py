# SPDX-License-Identifier: Apache-2.0
"""Makes what measured_boot.py boots: an initramfs with hgs in it, a signed unified kernel image, and a disk with an EFI partition.

Debian 12 has no ukify: systemd-stub's sections are added with objcopy, above the stub's own. Secure Boot keys are the "snakeoil" ones
that Debian ships with OVMF, for which the variables of OVMF_VARS_4M.snakeoil.fd are enrolled.
"""
import gzip
import io
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tarfile

STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
SNAKEOIL = pathlib.Path("/usr/share/ovmf")
HERE = pathlib.Path(__file__).parent
# In the order to load them; what a kernel has built in is skipped.
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk", "failover",
           "net_failover", "virtio_net", "efivarfs", "dax", "dm-mod", "cryptd", "crypto_simd", "encrypted-keys", "trusted",
           "dm-crypt", "af_alg", "algif_skcipher", "gf128mul", "ecb", "xts")


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: status {done.returncode}\n{(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout


class Kernel:
    """An unpacked Debian kernel package: boot/vmlinuz-*, lib/modules/*."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.image = next(iter(sorted(folder.glob("boot/vmlinuz-*"))))
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.files = {path.name.split(".ko")[0]: path
                      for path in (folder / "lib/modules" / self.release).rglob("*.ko*")}

    def modules(self):
        return [self.files[name] for name in MODULES if name in self.files]


def libraries(program):
    """Every file that the dynamic linker loads for a program."""
    return {pathlib.Path(path) for path in re.findall(r"(/\S+)", run("ldd", program).decode()) if os.path.isfile(path)}


def initramfs(target, kernel, programs, modules_of_programs):
    """A cpio archive: busybox, the programs with their libraries, the kernel's modules, and guest-init as /init."""
    root = target.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "lib", "lib64", "modules", "etc"):
        (root / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    shutil.copy(HERE / "measured_boot/guest-init", root / "init")
    needed = set(modules_of_programs)
    for program in [*programs, *modules_of_programs]:
        needed |= libraries(program)
    for program in programs:
        shutil.copy(program, root / "bin" / pathlib.Path(program).name)
    for library in needed:
        place = root / ("lib64" if library.name.startswith("ld-linux") else "lib") / library.name
        shutil.copy(library, place)
    order = [path.name for path in kernel.modules()]
    for path in kernel.modules():
        shutil.copy(path, root / "modules" / path.name)
    (root / "modules/order").write_text("".join(name + "\n" for name in order))
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], input="\n".join(names).encode(), cwd=root,
                             capture_output=True, check=True).stdout
    target.write_bytes(gzip.compress(archive, 6, mtime=0))
    shutil.rmtree(root)


def free_address(image):
    """The first address above the image's sections, and its alignment."""
    data = pathlib.Path(image).read_bytes()
    header, = struct.unpack_from("<I", data, 0x3C)
    count, size = struct.unpack_from("<H", data, header + 6)[0], struct.unpack_from("<H", data, header + 20)[0]
    base, alignment = struct.unpack_from("<Q", data, header + 24 + 24)[0], struct.unpack_from("<I", data, header + 24 + 32)[0]
    end = 0
    for i in range(count):
        virtual, address = struct.unpack_from("<II", data, header + 24 + size + 40 * i + 8)
        end = max(end, address + virtual)
    return base + (end + alignment - 1) // alignment * alignment, alignment


def unified_kernel(target, kernel, initrd, command_line, signed=True):
    """systemd-stub with .osrel, .uname, .cmdline, .initrd and .linux behind its own sections."""
    work = target.with_suffix(".parts")
    work.mkdir(exist_ok=True)
    (work / "osrel").write_text("ID=guest\nVERSION_ID=1\n")
    (work / "uname").write_text(kernel.release)
    (work / "cmdline").write_text(command_line)
    at, alignment = free_address(STUB)
    arguments = []
    for name, path in (("osrel", work / "osrel"), ("uname", work / "uname"), ("cmdline", work / "cmdline"),
                       ("initrd", initrd), ("linux", kernel.image)):
        arguments += ["--add-section", f".{name}={path}", "--change-section-vma", f".{name}={at:#x}"]
        at += (path.stat().st_size + alignment - 1) // alignment * alignment
    plain = work / "plain.efi"
    run("objcopy", *arguments, STUB, plain)
    if signed:
        run("openssl", "rsa", "-in", SNAKEOIL / "PkKek-1-snakeoil.key", "-passin", "pass:snakeoil", "-out", work / "key")
        run("sbsign", "--key", work / "key", "--cert", SNAKEOIL / "PkKek-1-snakeoil.pem", "--output", target, plain)
    else:
        shutil.copy(plain, target)
    shutil.rmtree(work)


def boot_disk(target, image):
    """A GPT disk whose EFI partition starts the image."""
    size = image.stat().st_size + (16 << 20)
    size = (size + (1 << 20) - 1) >> 20
    with open(target, "wb") as disk:
        disk.truncate((size + 2) << 20)
    table = ("label: gpt\nlabel-id: 6B1E0E0A-0000-4000-8000-000000000001\nstart=2048,"
             f"size={size * 2048 - 2048},type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B,"
             "uuid=6B1E0E0A-0000-4000-8000-000000000002,name=ESP\n")
    subprocess.run(["sfdisk", "-q", str(target)], input=table.encode(), check=True, capture_output=True)
    partition = f"{target}@@1M"
    run("mformat", "-i", partition, "-F", "-T", size * 2048 - 2048, "-h", 16, "-s", 63, "-v", "ESP", "-N", "48475301", "::")
    run("mmd", "-i", partition, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-i", partition, image, "::/EFI/BOOT/BOOTX64.EFI")


def archive_disk(target, files):
    """A disk that is a tar archive: {name: bytes}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    data = buffer.getvalue()
    target.write_bytes(data + bytes(-len(data) % 512))
