# SPDX-License-Identifier: Apache-2.0
"""Backups: what they hold and what they list, whole or by modes of attestation, and what becomes of bad ones."""
import json
import shutil
import struct

from fabric import Fabric, case, check, equal, finish, run


class Saved:
    """A fabric with something of every mode, a certificate whose key is a file, and its backup."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.backup, self.password = fabric.folder / "backup", fabric.folder / "password"
        self.password.write_text("a long password\n")
        fabric.init()
        for name in ("n1", "n2"):
            fabric.register(fabric.host(name))
        fabric.ctl("policy", "add", "dump", "--dump-key-hash", "ab" * 32)
        root = fabric.folder / "root.pem"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", str(root), "-subj",
             "/CN=TPM root"])
        fabric.ctl("tpm-root", "add", root)
        self.refer()
        self.seal_for_both()
        self.exported = fabric.show("state", "export", self.backup, "--password-file", self.password)

    def refer(self):
        keys = self.fabric.folder / "keys"
        certificate, key = keys / "node.crt", keys / "node.key"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
             "-subj", "/CN=node", "-addext", "keyUsage=critical,digitalSignature"])
        key.chmod(0o600)
        printed = run(["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"]).stdout.decode()
        self.thumbprint = printed.split("=")[1].strip().replace(":", "").lower()
        self.fabric.ctl("certificate", "add", "--type", "signing", "--thumbprint", self.thumbprint)

    def seal_for_both(self):
        """One key for two types is in the state twice."""
        key, certificate = self.fabric.folder / "both.key", self.fabric.folder / "both.crt"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
             "-subj", "/CN=both", "-addext", "keyUsage=critical,digitalSignature,keyEncipherment"])
        for kind in ("signing", "encryption"):
            self.fabric.ctl("certificate", "add", "--type", kind, "--file", certificate, "--key-file", key)

    def into(self, other, *options, status=0, backup=None):
        """(What hgsctl printed, its error's code) of an import."""
        done = other.ctl("state", "import", backup or self.backup, "--password-file", self.password, "--json", *options,
                         status=status)
        error = json.loads(done.stderr)["error"]["code"] if done.stderr else None
        return json.loads(done.stdout) if done.stdout else None, error


def results(imported, *kinds):
    return {item["result"] for item in imported["items"] if not kinds or item["kind"] in kinds}


def names(fabric, *listing):
    return sorted(item.get("name") or item["thumbprint"] for item in next(iter(fabric.show(*listing).values())))


def everything(fabric):
    shown = fabric.show("server", "show")
    listings = [fabric.show(noun, "list") for noun in ("host", "policy", "tpm-root", "certificate", "signer")]
    return shown["mode"], shown["service_name"], shown["keys_loaded"], listings


def keys_that_are_not_in_it_are_listed(saved):
    expected = [("signing", saved.thumbprint, "file")]
    equal([(item["type"], item["thumbprint"], item["key_source"]) for item in saved.exported["bring"]], expected)
    again = saved.fabric.ctl("state", "export", saved.fabric.folder / "second", "--password-file", saved.password)
    check(saved.thumbprint in again.stdout.decode() and "key-folder" in again.stdout.decode())
    with Fabric(f"[keyholder]\nkey-folder = {saved.fabric.folder}/elsewhere") as other:
        imported, _ = saved.into(other)
        equal([(item["thumbprint"], item["works"], item["error"]["code"]) for item in imported["bring"]],
              [(saved.thumbprint, False, "keyholder.key-folder")])
        unusable = other.show("server", "show")["nodes"][0]["certificates_unusable"]
        equal([item["thumbprint"] for item in unusable], [saved.thumbprint])
        other.stop()
        shutil.copytree(saved.fabric.folder / "keys", saved.fabric.folder / "elsewhere")
        other.start()
        equal(saved.into(other)[0]["bring"][0]["works"], True)
        other.ctl("server", "test")


def a_new_service_goes_on_where_the_old_one_stopped(saved):
    with Fabric() as other:
        shown, _ = saved.into(other, "--dry-run")
        equal((shown["imported"], results(shown), other.show("server", "show")["initialized"]), (False, {"added"}, False))
        first, _ = saved.into(other)
        equal((first["imported"], results(first), first["conflicts"]), (True, {"added"}, 0))
        again, _ = saved.into(other)
        equal((again["imported"], results(again), again["same"]), (True, {"same"}, first["added"]))
        for listing in (("host", "list"), ("policy", "list"), ("tpm-root", "list")):
            equal(other.show(*listing), saved.fabric.show(*listing))
        other.ctl("host", "remove", "n2", "--yes")
        mended, _ = saved.into(other)
        equal((mended["added"], mended["same"], names(other, "host", "list")), (1, first["added"] - 1, ["n1", "n2"]))


def what_differs_is_in_conflict_and_nothing_changes(saved):
    with Fabric() as other:
        saved.into(other)
        other.ctl("host", "remove", "n1", "--yes")
        other.ctl("host", "remove", "n2", "--yes")
        other.register(other.host("n2"))
        before = everything(other)
        shown, code = saved.into(other, status=1)
        equal(code, "admin.state-conflict")
        equal((shown["imported"], shown["conflicts"]), (False, 1))
        equal({item["name"]: item["result"] for item in shown["items"] if item["kind"] == "host"},
              {"n1": "added", "n2": "conflict"})
        equal((everything(other), names(other, "host", "list")), (before, ["n2"]))
        text = other.ctl("state", "import", saved.backup, "--password-file", saved.password, status=1)
        check(b"Nothing was changed." in text.stdout and b"n2" in text.stderr, text)


def a_host_does_not_come_back_under_a_second_name(saved):
    """Whoever removes it by the name that they know must not leave it another."""
    with Fabric() as other:
        saved.into(other)
        other.ctl("host", "remove", "n1", "--yes")
        other.ctl("host", "add", "renamed", "--key", saved.fabric.folder / "n1" / "host.pub")
        shown, code = saved.into(other, status=1)
        equal((code, shown["imported"], shown["conflicts"]), ("admin.state-conflict", False, 1))
        equal([(item["name"], item["registered_as"]) for item in shown["items"] if item["result"] == "conflict"],
              [("n1", "renamed")])
        equal(names(other, "host", "list"), ["n2", "renamed"])
        other.ctl("host", "remove", "renamed", "--yes")
        equal(saved.into(other)[0]["added"], 1)


def nobody_attests_before_all_is_there(saved):
    """Of several commits the last one has the mode, and the first one what is denied."""
    fabric, many, backup = saved.fabric, saved.fabric.folder / "many.pem", saved.fabric.folder / "many.backup"
    key = fabric.folder / "many.key"
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)])
    many.write_bytes(b"".join(run(["openssl", "req", "-x509", "-key", str(key), "-subj", f"/CN=Maker {i}", "-addext",
                                   "basicConstraints=critical,CA:TRUE"]).stdout for i in range(130)))
    fabric.ctl("tpm-root", "add", many)
    fabric.ctl("signer", "deny-before", "now")
    fabric.ctl("state", "export", backup, "--password-file", saved.password)
    with Fabric() as other:
        saved.into(other, backup=backup)
        commits = [event["after"]["records"] for event in other.events("state.imported") if event["object"] == "records"]
        equal(len(commits), 2)
        equal(commits[0][0], "trusted signer all")
        equal([name for name in commits[0] if name.startswith("setting ")], [])
        check("setting service" in commits[1], commits)
    fabric.ctl("signer", "deny-before", "never")


def lost_keys_come_back(saved):
    """cluster.key is gone, and with it what the database has sealed, the audit trail's key among it."""
    with Fabric() as other:
        other.init()
        other.ctl("server", "test")
        backup = other.folder / "backup"
        keys = other.show("state", "export", backup, "--password-file", saved.password)["keys"]
        other.stop()
        (other.folder / "state" / "keyholder" / "cluster.key").unlink()
        other.start()
        failed = json.loads(other.ctl("server", "test", "--json", status=1).stdout)["tests"]
        equal({test["error"]["code"] for test in failed if test["name"] == "private keys"}, {"keyholder.sealed"})
        shown, _ = saved.into(other, "--dry-run", backup=backup)
        equal((shown["mended"], results(shown, "private key")), (keys, {"mended"}))
        other.ctl("server", "test", status=1)
        shown, _ = saved.into(other, backup=backup)
        equal((shown["imported"], shown["mended"], shown["added"], results(shown)), (True, keys, 0, {"mended", "same"}))
        other.ctl("server", "test")
        host = other.host("n1")
        other.register(host)
        host.hgs("host", "attest")
        made = other.events("audit.key-made")[-1]["seq"]
        equal(other.show("event", "verify", "--from", made)["whole"], True)
        other.stop()
        other.start()
        other.ctl("server", "test")
        equal(saved.into(other, backup=backup)[0]["mended"], 0)


def a_certificate_comes_back_beside_the_primary_one(saved):
    """One that was removed too early is rescued, again and again, and the service's own primary one stays the only one."""
    key, certificate = saved.fabric.folder / "next.key", saved.fabric.folder / "next.pem"
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out",
         str(certificate), "-subj", "/CN=next", "-addext", "keyUsage=keyEncipherment"])

    def encryption(other):
        return {item["thumbprint"]: item["primary"] for item in other.show("certificate", "list")["certificates"]
                if item["type"] == "encryption"}

    with Fabric() as other:
        saved.into(other)
        old = next(thumbprint for thumbprint, primary in encryption(other).items() if primary)
        new = other.show("certificate", "add", "--type", "encryption", "--file", certificate, "--key-file", key)["thumbprint"]
        other.ctl("certificate", "set", new, "--type", "encryption", "--primary")
        other.ctl("certificate", "remove", old, "--type", "encryption", "--yes")
        shown, _ = saved.into(other)
        equal((shown["added"], shown["conflicts"]), (2, 0))
        equal([thumbprint for thumbprint, primary in encryption(other).items() if primary], [new])
        check(old in encryption(other))
        shown, _ = saved.into(other)
        equal(results(shown), {"same"})


def modes_are_imported_one_by_one(saved):
    with Fabric() as other:
        shown, _ = saved.into(other, "--tpm-mode")
        equal(results(shown, "host"), {"left out"})
        equal(results(shown, "policy", "TPM root", "certificate", "private key", "attestation signer"), {"added"})
        equal((other.show("server", "show")["mode"], names(other, "host", "list")), ("tpm", []))
        equal(names(other, "tpm-root", "list"), names(saved.fabric, "tpm-root", "list"))
        shown, _ = saved.into(other, "--host-key-mode")
        equal((results(shown, "host"), results(shown, "policy", "TPM root")), ({"added"}, {"left out"}))
        equal((other.show("server", "show")["mode"], names(other, "host", "list")), ("tpm", ["n1", "n2"]))
        shown, _ = saved.into(other, "--tpm-mode", "--host-key-mode")
        equal((results(shown), shown["left_out"]), ({"same"}, 0))
    with Fabric() as other:
        equal(saved.into(other, "--ad-mode", status=1)[1], "admin.mode-unsupported")
        equal(other.show("server", "show")["initialized"], False)
        saved.into(other, "--ad-mode", "--host-key-mode")
        equal((other.show("server", "show")["mode"], names(other, "host", "list")), ("hostkey", ["n1", "n2"]))
        equal(names(other, "tpm-root", "list"), [])


def bad_ones_change_nothing(saved):
    whole = saved.backup.read_bytes()
    bad = saved.fabric.folder / "bad"
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 1
    rows = [(b"", "backup.malformed"), (whole[:5], "backup.malformed"), (whole[:58], "backup.malformed"),
            (whole[:80], "backup.malformed"), (whole[:len(whole) // 2], "backup.malformed"),
            (whole[:-1], "backup.malformed"), (whole + b"x", "backup.malformed"), (bytes(middle), "backup.malformed"),
            (b"PK" + whole[2:], "backup.malformed"), (whole[:10] + struct.pack("<I", 2) + whole[14:], "backup.newer"),
            (whole[:30] + bytes([whole[30] ^ 1]) + whole[31:], "backup.password")]
    with Fabric() as other:
        other.init()
        before = everything(other)
        for content, code in rows:
            bad.write_bytes(content)
            equal((len(content), saved.into(other, status=1, backup=bad)), (len(content), (None, code)))
        equal(everything(other), before)
        equal(other.events("state.imported"), [])
        other.ctl("server", "test")


def main():
    fabric = Fabric()
    fabric.extra = f"[keyholder]\nkey-folder = {fabric.folder}/keys"
    (fabric.folder / "keys").mkdir()
    with fabric:
        saved = Saved(fabric)
        for body in (keys_that_are_not_in_it_are_listed, a_new_service_goes_on_where_the_old_one_stopped,
                     what_differs_is_in_conflict_and_nothing_changes,
                     a_host_does_not_come_back_under_a_second_name, lost_keys_come_back,
                     a_certificate_comes_back_beside_the_primary_one,
                     modes_are_imported_one_by_one, bad_ones_change_nothing,
                     nobody_attests_before_all_is_there):
            case(body.__name__.replace("_", " "), lambda body=body: body(saved))
    finish()


main()
