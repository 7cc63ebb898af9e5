# SPDX-License-Identifier: Apache-2.0
"""What an owner does with hgs, without any service: guardians, key protectors, VM files."""
import json
import os
import pathlib
import subprocess
import tempfile

from fabric import DEADLINE, HGS, case, check, equal, finish, run


class Owner:
    """A folder with guardians and files of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.guardians = folder / "guardians"
        self.env = {"HGS_GUARDIANS": str(self.guardians), "HGS_HOST_CONFIG": str(folder / "host.conf")}

    def hgs(self, *arguments, status=0, **options):
        return run([HGS, *map(str, arguments)], status=status, env=self.env, cwd=self.folder, **options)

    def show(self, *arguments):
        return json.loads(self.hgs(*arguments, "--json").stdout)

    def refusal(self, *arguments, status=1):
        done = self.hgs("--json", *arguments, status=status)
        equal(done.stdout, b"")
        return json.loads(done.stderr)["error"]["code"]

    def tree(self):
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


def mode(path):
    return path.stat().st_mode & 0o7777


def makes_guardians(owner):
    owner.hgs("guardian", "create", "alice")
    alice = owner.guardians / "alice"
    equal(mode(owner.guardians), 0o700)
    equal(mode(alice), 0o700)
    for name in ("signing", "encryption"):
        equal(mode(alice / f"{name}.key"), 0o600)
        key = subprocess.run(["openssl", "pkey", "-in", alice / f"{name}.key", "-pubout"], capture_output=True, check=True)
        certificate = subprocess.run(["openssl", "x509", "-in", alice / f"{name}.pem", "-noout", "-pubkey"],
                                     capture_output=True, check=True)
        equal(key.stdout, certificate.stdout)
    equal(owner.refusal("guardian", "create", "alice"), "hgs.guardian-exists")
    for name in ("", ".x", "a/b", "-x", "a" * 129):
        equal(owner.refusal("guardian", "create", "--", name, status=2), "base.usage")


def refuses_wide_modes(owner):
    key = owner.guardians / "alice" / "signing.key"
    for path, wide, narrow in ((key, 0o640, 0o600), (key, 0o604, 0o600), (owner.guardians, 0o750, 0o700)):
        path.chmod(wide)
        equal(owner.refusal("guardian", "export", "alice"), "base.file-mode")
        path.chmod(narrow)
    owner.hgs("guardian", "export", "alice", "--out", "alice.xml")


def takes_pfx_files(owner):
    (owner.folder / "password").write_text("secret\n")
    (owner.folder / "password").chmod(0o600)
    for name, usage in (("s", "digitalSignature"), ("e", "keyEncipherment")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN=pfx {name}", "-days", "9",
                        "-addext", f"keyUsage=critical,{usage}", "-keyout", f"{name}.key", "-out", f"{name}.crt"],
                       cwd=owner.folder, check=True, capture_output=True)
        subprocess.run(["openssl", "pkcs12", "-export", "-inkey", f"{name}.key", "-in", f"{name}.crt", "-out", f"{name}.pfx",
                        "-passout", "pass:secret"], cwd=owner.folder, check=True, capture_output=True)
    arguments = ("guardian", "create", "carol", "--signing", "s.pfx", "--encryption", "e.pfx")
    equal(owner.refusal(*arguments), "crypto.password-wrong")
    equal(owner.show(*arguments, "--password-file", "password")["subject"], "CN=pfx s")
    equal(owner.refusal("guardian", "create", "dave", "--signing", "s.pfx", status=2), "base.usage")
    # What no key protector can be made with is no guardian.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=curve", "-keyout", "c.key", "-out", "c.crt"], cwd=owner.folder, check=True, capture_output=True)
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", "c.key", "-in", "c.crt", "-out", "c.pfx", "-passout",
                    "pass:secret"], cwd=owner.folder, check=True, capture_output=True)
    for pair in (("c.pfx", "e.pfx"), ("s.pfx", "c.pfx")):
        equal(owner.refusal("guardian", "create", "dave", "--signing", pair[0], "--encryption", pair[1], "--password-file",
                            "password"), "crypto.key-unsupported")


def imports_public_halves(owner):
    other = Owner(owner.folder / "elsewhere")
    other.folder.mkdir()
    other.hgs("guardian", "create", "fabric")
    other.hgs("guardian", "export", "fabric", "--out", owner.folder / "fabric.xml")
    check(b"PRIVATE" not in (owner.folder / "fabric.xml").read_bytes(), "a private key was exported")
    equal(owner.refusal("guardian", "import", "fabric", "fabric.xml"), "metadata.untrusted-root")
    owner.hgs("guardian", "import", "fabric", "fabric.xml", "--allow-untrusted-root")
    altered = (owner.folder / "fabric.xml").read_text().replace("<SigningCertificate>MII", "<SigningCertificate>MIJ")
    (owner.folder / "altered.xml").write_text(altered)
    check(owner.refusal("guardian", "import", "x", "altered.xml", "--allow-untrusted-root") in
          ("metadata.signature", "metadata.malformed", "crypto.certificate-malformed"))
    listed = {guardian["name"]: guardian["own"] for guardian in owner.show("guardian", "list")["guardians"]}
    equal(listed, {"alice": True, "carol": True, "fabric": False})
    equal([guardian["name"] for guardian in owner.show("guardian", "list", "*a*c")["guardians"]], ["fabric"])
    equal(owner.hgs("guardian", "export", "fabric").stdout, (owner.folder / "fabric.xml").read_bytes())
    equal(owner.refusal("protector", "create", "--owner", "fabric", "--guardian", "alice", "--out", "x.kp"),
          "hgs.guardian-foreign")
    equal(owner.refusal("guardian", "remove", "nobody", "--yes"), "hgs.guardian-unknown")


def roles(owner, *arguments):
    return [(wrapping["role"], wrapping["guardian"]) for wrapping in owner.show(*arguments)["wrappings"]]


def makes_protectors(owner):
    owner.hgs("protector", "create", "--owner", "alice", "--guardian", "fabric", "--out", "web.kp")
    equal(owner.refusal("protector", "create", "--owner", "alice", "--guardian", "fabric", "--out", "web.kp"),
          "base.file-unwritable")
    equal(roles(owner, "protector", "show", "web.kp"), [("owner", "alice"), ("guardian", "fabric")])
    key = bytes.fromhex(owner.hgs("protector", "unwrap", "web.kp").stdout.decode().strip())
    equal(len(key), 32)
    read, write = os.pipe()
    equal(owner.hgs("protector", "unwrap", "web.kp", "--out-fd", write, pass_fds=[write]).stdout, b"")
    os.close(write)
    equal(os.read(read, 100), key)
    os.close(read)
    equal(owner.refusal("protector", "unwrap", "web.kp", "--out-fd", "77", status=2), "hgs.descriptor")
    equal(owner.refusal("protector", "grant", "web.kp", "--guardian", "fabric"), "protector.granted")
    owner.hgs("protector", "grant", "web.kp", "--guardian", "carol")
    owner.hgs("protector", "revoke", "web.kp", "--guardian", "fabric")
    equal(roles(owner, "protector", "show", "web.kp"), [("owner", "alice"), ("guardian", "carol")])
    equal(owner.refusal("protector", "revoke", "web.kp", "--guardian", "fabric"), "protector.no-wrapping")
    equal(owner.refusal("protector", "revoke", "web.kp", "--guardian", "alice"), "protector.owner-stays")
    equal(owner.refusal("protector", "unwrap", "web.kp", "--owner", "carol"), "hgs.owner-unknown")


def makes_vm_files(owner):
    (owner.folder / "s").write_bytes(b"\0any bytes\n")
    create = ("vm", "create", "web.vm", "--owner", "alice", "--guardian", "fabric", "--secret", "disk", "--secret", "s=s")
    owner.hgs(*create)
    equal(mode(owner.folder / "web.vm"), 0o600)
    equal(owner.refusal(*create), "base.file-unwritable")
    disk = owner.hgs("vm", "secret", "show", "web.vm", "disk").stdout
    equal(len(disk), 32)
    check(disk.isascii() and disk.decode().isprintable(), "a generated passphrase can be typed")
    equal(owner.hgs("vm", "secret", "show", "web.vm", "s").stdout, b"\0any bytes\n")
    equal(owner.refusal("vm", "restore", "web.vm"), "vm.no-last-good")
    owner.hgs("vm", "secret", "add", "web.vm", "t=-", stdin=b"typed")
    equal(owner.hgs("vm", "secret", "show", "web.vm", "t").stdout, b"typed")
    equal(owner.refusal("vm", "secret", "add", "web.vm", "t"), "vm.secret-exists")
    owner.hgs("vm", "secret", "remove", "web.vm", "t")
    equal(owner.refusal("vm", "secret", "remove", "web.vm", "t"), "vm.secret-unknown")
    equal(owner.refusal("vm", "unlock", "web.vm", "--secret", "disk"), "host.not-configured")


def revoking_renews_the_key(owner):
    disk = owner.hgs("vm", "secret", "show", "web.vm", "disk").stdout
    before = json.loads((owner.folder / "web.vm").read_text())
    owner.hgs("vm", "grant", "web.vm", "--guardian", "carol")
    check((owner.folder / "web.vm.last-good").exists())
    owner.hgs("vm", "revoke", "web.vm", "--guardian", "fabric")
    check(not (owner.folder / "web.vm.last-good").exists(), "the revoked guardian can open the last known good copy")
    equal(roles(owner, "vm", "show", "web.vm"), [("owner", "alice"), ("guardian", "carol")])
    equal(owner.hgs("vm", "secret", "show", "web.vm", "disk").stdout, disk)
    # The former protector, and with it the former key, opens nothing in the new file.
    after = json.loads((owner.folder / "web.vm").read_text())
    (owner.folder / "mixed.vm").write_text(json.dumps({**after, "protector": before["protector"]}))
    equal(owner.refusal("vm", "secret", "show", "mixed.vm", "disk"), "vm.secret-sealed")


def dry_runs_change_nothing(owner):
    before = owner.tree()
    for command in (("guardian", "create", "new"), ("guardian", "remove", "carol"),
                    ("guardian", "import", "new", "fabric.xml", "--allow-untrusted-root"),
                    ("protector", "create", "--owner", "alice", "--guardian", "fabric", "--out", "new.kp"),
                    ("protector", "grant", "web.kp", "--guardian", "fabric"),
                    ("protector", "revoke", "web.kp", "--guardian", "carol"),
                    ("vm", "create", "new.vm", "--owner", "alice", "--guardian", "fabric", "--secret", "x"),
                    ("vm", "grant", "web.vm", "--guardian", "fabric"), ("vm", "revoke", "web.vm", "--guardian", "carol"),
                    ("vm", "secret", "add", "web.vm", "x"), ("vm", "secret", "remove", "web.vm", "s"),
                    ("host", "key", "--generate"), ("host", "configure", "--local")):
        owner.hgs(*command, "--dry-run")
    equal(owner.tree(), before)


def dry_runs_refuse_what_would_be_refused(owner):
    before = owner.tree()
    for command, code in ((("guardian", "create", "alice"), "hgs.guardian-exists"),
                          (("guardian", "import", "carol", "fabric.xml", "--allow-untrusted-root"), "hgs.guardian-exists"),
                          (("guardian", "import", "alice", "fabric.xml", "--allow-untrusted-root", "--replace"),
                           "hgs.guardian-exists"),
                          (("guardian", "remove", "nobody", "--yes"), "hgs.guardian-unknown"),
                          (("protector", "create", "--owner", "alice", "--guardian", "fabric", "--out", "web.kp"),
                           "base.file-unwritable"),
                          (("vm", "create", "web.vm", "--owner", "alice", "--guardian", "fabric", "--secret", "x=web.kp"),
                           "base.file-unwritable"),
                          (("vm", "restore", "web.vm", "--yes"), "vm.no-last-good"),
                          (("vm", "restore", "none.vm", "--yes"), "vm.no-last-good")):
        equal((owner.refusal(*command, "--dry-run"), owner.refusal(*command)), (code, code))
    equal(owner.tree(), before)
    # And what would be done is not refused.
    owner.hgs("guardian", "import", "fabric", "fabric.xml", "--allow-untrusted-root", "--replace", "--dry-run")
    (owner.folder / "lost.vm.last-good").write_bytes((owner.folder / "web.vm").read_bytes())
    owner.hgs("vm", "restore", "lost.vm", "--dry-run")
    check(not (owner.folder / "lost.vm").exists())
    (owner.folder / "lost.vm.last-good").unlink()


def errors_name_the_file(owner):
    """Also where what reads the bytes does not know whose they are."""
    bad = owner.folder / "bad"
    bad.write_bytes(b"nothing")
    for command in (("vm", "show"), ("vm", "secret", "remove", bad, "x"), ("vm", "grant", bad, "--guardian", "carol"),
                    ("protector", "show"), ("guardian", "import", "new", bad, "--allow-untrusted-root")):
        done = owner.hgs(*command, *(() if bad in command else (bad,)), "--json", status=1)
        equal(json.loads(done.stderr)["error"]["object"], str(bad))


def results_that_do_not_get_out_are_failures(owner):
    """Longer ones, too, of which a part is written before the end."""
    for command in (("guardian", "list"), ("guardian", "export", "alice"), ("explain",), ("--help",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([HGS, *command], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env={**os.environ, **owner.env}, timeout=DEADLINE)
        equal(done.returncode, 1)
        check(b"cannot write the result" in done.stderr, done.stderr)


def every_command_has_help(owner):
    tables = json.loads(owner.hgs("--dump-options").stdout)
    for noun in tables["nouns"]:
        for command in noun["commands"]:
            text = owner.hgs(*command["name"].split(), "--help").stdout.decode()
            check(text.startswith("usage: hgs " + command["name"]), command["name"])
            check(command["examples"] and command["examples"][0] in text, command["name"])
    equal(owner.hgs("vm", "frobnicate", status=2).stdout, b"")
    equal(owner.hgs(status=2).stdout, b"")
    check(b"vm.malformed" in owner.hgs("explain", "vm.malformed").stdout)


def main():
    with tempfile.TemporaryDirectory(prefix="hgs-") as folder:
        owner = Owner(pathlib.Path(folder))
        for test in (makes_guardians, refuses_wide_modes, takes_pfx_files, imports_public_halves, makes_protectors,
                     makes_vm_files, revoking_renews_the_key, dry_runs_change_nothing,
                     dry_runs_refuse_what_would_be_refused, every_command_has_help,
                     errors_name_the_file, results_that_do_not_get_out_are_failures):
            case(test.__name__.replace("_", " "), lambda test=test: test(owner))
    finish()


if __name__ == "__main__":
    main()
