# SPDX-License-Identifier: Apache-2.0
"""Certificates whose keys are files on the node, referred to by their thumbprints.

When root runs this, service and keyholder are users of their own, so that modes bind them.
"""
import json
import os
import pwd
import shutil
import signal

from fabric import Fabric, case, check, equal, finish, run, wait_until

ROOT = os.geteuid() == 0
USER = "games"  # any two that Debian has
CONFIG = f"[service]\nuser = daemon\n[keyholder]\nuser = {USER}\n" if ROOT else ""


def openssl(*arguments):
    return run(["openssl", *map(str, arguments)]).stdout.decode()


def thumbprint(certificate, digest="sha256"):
    """In digits without colons."""
    line = openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-" + digest)
    return line.split("=")[1].strip().replace(":", "").lower()


class Files:
    """The key folder of a fabric's node, and certificates that are made for it."""

    def __init__(self, fabric):
        self.fabric, self.folder = fabric, fabric.folder / "keys"
        self.workshop = fabric.folder / "workshop"
        self.workshop.mkdir()
        self.folder.mkdir()
        fabric.extra += f"\n[keyholder]\nkey-folder = {self.folder}"
        self.host = None

    def make(self, name, usage="digitalSignature", key=None):
        """A certificate and its key in the workshop; with the key of another one, or its own."""
        certificate, own = self.workshop / f"{name}.crt", self.workshop / f"{name}.key"
        if key is None:
            openssl("genpkey", "-algorithm", "RSA", "-out", own)
        else:
            shutil.copy(self.workshop / f"{key}.key", own)
        openssl("req", "-x509", "-new", "-key", own, "-days", 30, "-out", certificate, "-subj", f"/CN={name}", "-addext",
                f"keyUsage=critical,{usage}")
        return thumbprint(certificate)

    def bring(self, name, certificate=None, key=None, mode=0o600):
        """Puts both into the folder, under other names if wanted, as the keyholder's user may read them."""
        for ending, called in (("crt", certificate), ("key", key)):
            to = self.folder / (called or f"{name}.{ending}")
            shutil.copy(self.workshop / f"{name}.{ending}", to)
            os.chmod(to, mode)
            if ROOT:
                shutil.chown(to, USER)

    def add(self, kind, which, *options):
        return self.fabric.show("certificate", "add", "--type", kind, "--thumbprint", which, *options)

    def refused(self, kind, which, status=1):
        return self.fabric.refusal("certificate", "add", "--type", kind, "--thumbprint", which, status=status)

    def listed(self, which):
        return [item for item in self.fabric.show("certificate", "list")["certificates"] if item["thumbprint"] == which]

    def release(self):
        """A key release, by whatever certificates serve."""
        equal(self.host.hgs("vm", "unlock", self.fabric.folder / "vm.hgs", "--secret", "disk").stdout, b"passphrase")

    def release_refused(self):
        self.host.hgs("vm", "unlock", self.fabric.folder / "vm.hgs", "--secret", "disk", status=1)

    def unusable(self):
        return self.fabric.show("server", "show")["nodes"][0]["certificates_unusable"]


def restart_keyholder(fabric):
    before = fabric.children()["keyholder"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: fabric.children().get("keyholder", before) != before
               and fabric.show("server", "show")["keyholder_alive"], "the keyholder is there again")


def found_whatever_they_are_called(fabric, files):
    signing = files.make("signing")
    files.bring("signing", "anything", "whatever")
    added = files.add("signing", signing)
    equal((added["source"], added["key_source"], added["primary"]), ("thumbprint", "file", False))
    encryption = files.make("encryption", "keyEncipherment")
    files.bring("encryption")
    added = files.add("encryption", thumbprint(files.workshop / "encryption.crt", "sha1").upper())
    equal(added["thumbprint"], encryption)
    for kind, which in (("signing", signing), ("encryption", encryption)):
        fabric.ctl("certificate", "set", which, "--type", kind, "--primary")
        check("in the key folder of each node" in fabric.ctl("certificate", "show", which).stdout.decode())
    fabric.ctl("server", "test")


def they_release_keys(fabric, files):
    files.host = host = fabric.host("n1")
    fabric.register(host)
    fabric.owner()
    (fabric.folder / "secret").write_text("passphrase")
    host.hgs("vm", "create", fabric.folder / "vm.hgs", "--owner", "owner", "--guardian", "fabric", "--secret",
             f"disk={fabric.folder}/secret")
    files.release()
    restart_keyholder(fabric)
    files.release()


def no_key_gets_into_the_state(fabric, files):
    """A sealed key would be a record under its key id."""
    path = fabric.folder / "backup"
    (fabric.folder / "pw").write_text("password")
    sealed = [item for item in fabric.show("certificate", "list")["certificates"] if item["key_source"] == "sealed"]
    equal(len(files.listed(thumbprint(files.workshop / "signing.crt"))), 1)
    exported = fabric.show("state", "export", path, "--password-file", fabric.folder / "pw")
    equal(exported["keys"], len(sealed) + 1)  # and the attestation signer's


def refused_at_the_door(fabric, files):
    before = fabric.show("certificate", "list")
    unfit, mismatched, missing, weak = (files.make(name) for name in ("unfit", "mismatched", "missing", "weak"))
    files.bring("unfit")
    equal(files.refused("encryption", unfit), "certificate.usage")
    files.bring("mismatched")
    shutil.copy(files.workshop / "unfit.key", files.folder / "mismatched.key")
    equal(files.refused("signing", mismatched), "crypto.key-mismatch")
    equal(files.refused("signing", missing), "keyholder.file-missing")
    files.bring("weak", mode=0o644)
    equal(files.refused("signing", weak), "keyholder.file-exposed")
    equal(files.refused("signing", weak[:12], status=2), "admin.argument")
    equal(files.refused("signing", "nothing", status=2), "admin.argument")
    equal(files.refused("signing", thumbprint(files.workshop / "signing.crt")), "admin.exists")
    equal(fabric.show("certificate", "list"), before)
    fabric.ctl("server", "test")


def small_and_other_keys_are_refused(fabric, files):
    del fabric
    for name, options, code in (("small", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "crypto.key-too-small"),
                                ("curve", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
                                 "crypto.key-unsupported")):
        key, certificate = files.workshop / f"{name}.key", files.workshop / f"{name}.crt"
        openssl("genpkey", *options, "-out", key)
        openssl("req", "-x509", "-new", "-key", key, "-out", certificate, "-subj", f"/CN={name}")
        files.bring(name)
        equal(files.refused("signing", thumbprint(certificate)), code)


def a_dry_run_changes_nothing(fabric, files):
    which = files.make("dry")
    files.bring("dry")
    equal(files.add("signing", which, "--dry-run")["thumbprint"], which)
    equal(files.listed(which), [])
    equal(len(fabric.events("certificate.added")), 2)


def one_key_may_serve_both(fabric, files):
    which = files.make("both", "digitalSignature,keyEncipherment")
    files.bring("both")
    for kind in ("signing", "encryption"):
        files.add(kind, which)
    fabric.ctl("certificate", "remove", which, "--type", "signing", "--yes")
    fabric.ctl("server", "test")
    restart_keyholder(fabric)
    fabric.ctl("server", "test")
    equal([item["type"] for item in files.listed(which)], ["encryption"])
    fabric.ctl("certificate", "remove", which, "--type", "encryption", "--yes")
    check((files.folder / "both.key").exists(), "files are the administrator's")


def a_key_is_known_one_way(fabric, files):
    files.make("sealed")
    files.make("same", key="sealed")
    files.bring("same")
    fabric.ctl("certificate", "add", "--type", "signing", "--file", files.workshop / "sealed.crt", "--key-file",
               files.workshop / "sealed.key")
    equal(files.refused("signing", thumbprint(files.workshop / "same.crt")), "admin.certificate-rule")
    fabric.ctl("certificate", "remove", thumbprint(files.workshop / "sealed.crt"), "--type", "signing", "--yes")


def what_is_missing_on_the_node_is_named(fabric, files):
    """And what is there goes on serving; nobody has to restart anything when it is back."""
    which = files.make("lost")
    files.bring("lost")
    files.add("signing", which)
    (files.folder / "lost.key").unlink()
    restart_keyholder(fabric)
    unusable = wait_until(files.unusable, "it is known that the key is gone")
    equal([(item["type"], item["thumbprint"], item["error"]["code"]) for item in unusable],
          [("signing", which, "keyholder.file-missing")])
    check(f"On node test the signing certificate {which} cannot be used" in fabric.ctl("server", "show").stdout.decode())
    test = fabric.ctl("server", "test", status=1).stdout.decode()
    check("keyholder.file-missing" in test and which in test, test)
    check(which in fabric.log_text())
    equal([(event["object"], event["code"], event["where"]) for event in fabric.events("key.unusable")],
          [("signing/" + which, "keyholder.file-missing", str(files.folder))])
    files.release()
    files.bring("lost")
    fabric.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not files.unusable(), "it is found again")
    equal([event["object"] for event in fabric.events("key.usable")], ["signing/" + which])
    fabric.ctl("server", "test")


def permission(files, which, *options, status=0):
    return json.loads(files.fabric.ctl("certificate", "permission", which, *options, "--json", status=status).stdout)


def what_cannot_be_read_is_named_and_mended(fabric, files):
    """Folder, file and mode; then exactly that is granted. Only root can try this: modes do not bind an owner."""
    if not ROOT:
        print("# SKIP only root has files that its keyholder cannot read")
        return
    name = "shut"
    which = files.make(name)
    files.bring(name, mode=0o600)
    key, certificate = files.folder / f"{name}.key", files.folder / f"{name}.crt"
    for path in (key, certificate):
        shutil.chown(path, "root", "root")
    os.chmod(certificate, 0o644)
    done = fabric.ctl("certificate", "add", "--type", "signing", "--thumbprint", which, status=1).stderr.decode()
    for word in (which, str(key), f"user {USER} ", "mode 0600, owner 0:0", "certificate permission"):
        check(word in done, f"{word}: {done}")
    equal(files.listed(which), [])
    asked = permission(files, which, status=1)
    equal((asked["works"], asked["user"], asked["error"]["code"], asked["key_file"]),
          (False, USER, "keyholder.file-unreadable", str(key)))
    equal([(item["path"], item["mode"], item["rights"]) for item in asked["lacks"]], [(str(key), "0600", "read")])
    text = fabric.ctl("certificate", "permission", which, "--grant", "--dry-run").stdout.decode()
    check("would be given it" in text and str(key) in text, text)
    equal(permission(files, which, status=1)["lacks"], asked["lacks"])
    granted = permission(files, which, "--grant")
    equal((granted["granted"], granted["works"]), (True, True))
    entries = run(["getfacl", "-cnp", str(key)]).stdout.decode().split()
    equal(entries, ["user::rw-", f"user:{pwd.getpwnam(USER).pw_uid}:r--", "group::---", "mask::r--", "other::---"])
    equal(permission(files, which)["lacks"], [])
    files.add("signing", which)
    fabric.ctl("server", "test")


def one_that_was_shut_serves_again_by_itself(fabric, files):
    if not ROOT:
        print("# SKIP only root has files that its keyholder cannot read")
        return
    key = files.folder / "shut.key"
    which = thumbprint(files.workshop / "shut.crt")
    run(["setfacl", "-b", str(key)])
    os.chmod(files.folder, 0o700)
    fabric.ctl("server", "test", status=1)
    restart_keyholder(fabric)
    unusable = wait_until(files.unusable, "it is known that the folder is shut")
    check(all(item["error"]["code"] == "keyholder.key-folder" and "mode 0700" in item["error"]["message"]
              for item in unusable), unusable)
    equal(len(unusable), 4)  # every key of the folder
    files.release_refused()
    granted = permission(files, which, "--grant")
    equal([(item["path"], item["rights"]) for item in granted["lacks"]],
          [(str(files.folder), "read, search"), (str(key), "read")])
    fabric.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not files.unusable(), "all is found again")
    files.release()
    text = fabric.ctl("certificate", "permission", which).stdout.decode()
    check(f"The private key works: user {USER} can read it." in text, text)


def it_starts_without_them(fabric, files):
    """Missing files keep hgsd from nothing else, and are looked for until they are there."""
    fabric.stop()
    elsewhere = fabric.folder / "elsewhere"
    elsewhere.mkdir()
    for path in list(files.folder.iterdir()):
        path.rename(elsewhere / path.name)
    fabric.start()
    equal({item["error"]["code"] for item in files.unusable()}, {"keyholder.file-missing"})
    fabric.ctl("certificate", "list")
    for path in elsewhere.iterdir():
        path.rename(files.folder / path.name)
    fabric.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not files.unusable(), "all is found")
    files.host.configure()
    files.release()


def who_may_not_grant_is_told(fabric, files):
    if not ROOT:
        print("# SKIP only root has files that its keyholder cannot read")
        return
    key = files.folder / "shut.key"
    run(["setfacl", "-b", str(key)])
    os.chmod(key, 0o644)  # whom modes let read it is no matter: it must not be open to everybody
    asked = permission(files, thumbprint(files.workshop / "shut.crt"), "--grant", status=1)
    equal((asked["error"]["code"], asked["lacks"], asked["granted"]), ("keyholder.file-exposed", [], False))
    os.chmod(key, 0o600)
    # A reviewer may ask; the files are root's.
    done = fabric.ctl("certificate", "permission", thumbprint(files.workshop / "shut.crt"), "--grant", "--json", status=1,
                      user="daemon", group="daemon", extra_groups=[])
    shown = json.loads(done.stdout)
    equal((shown["granted"], shown["lacks"]), (False, []))
    run(["setfacl", "-m", f"u:{USER}:r", str(key)])
    fabric.ctl("server", "test")


def sealed_keys_need_no_permission(fabric, files):
    del files
    sealed = [item for item in fabric.show("certificate", "list")["certificates"] if item["key_source"] == "sealed"][0]
    text = fabric.ctl("certificate", "permission", sealed["thumbprint"][:16]).stdout.decode()
    check("is sealed in the state" in text, text)
    equal(fabric.refusal("certificate", "permission", "0123456789abcdef"), "admin.not-found")
    missing = json.loads(fabric.ctl("certificate", "permission", "ab" * 32, "--json", status=1).stdout)
    equal((missing["added"], missing["error"]["code"]), (False, "keyholder.file-missing"))


def main():
    fabric = Fabric(CONFIG)
    fabric.folder.chmod(0o755)
    files = Files(fabric)
    with fabric:
        fabric.init()
        for body in (found_whatever_they_are_called, they_release_keys, no_key_gets_into_the_state, refused_at_the_door,
                     small_and_other_keys_are_refused, a_dry_run_changes_nothing, one_key_may_serve_both,
                     a_key_is_known_one_way, what_is_missing_on_the_node_is_named,
                     what_cannot_be_read_is_named_and_mended, one_that_was_shut_serves_again_by_itself,
                     who_may_not_grant_is_told, sealed_keys_need_no_permission, it_starts_without_them):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric, files))
    finish()


main()
