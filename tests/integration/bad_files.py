# SPDX-License-Identifier: Apache-2.0
"""PFX files, certificates and backups that are no good: a word that says what to do, and nothing is changed."""
import json
import os
import re
import struct
import subprocess

from fabric import DEADLINE, Fabric, case, check, equal, finish, run

PASSWORD = "secret"


def make_certificate(fabric, name, usage="keyEncipherment", *key):
    key = key or ("-newkey", "rsa:2048")
    private, certificate = fabric.folder / f"{name}.key", fabric.folder / f"{name}.pem"
    run(["openssl", "req", "-x509", *key, "-nodes", "-days", "30", "-keyout", str(private), "-out", str(certificate), "-subj",
         f"/CN={name}", "-addext", f"keyUsage=critical,{usage}"])
    return private, certificate


def make_pfx(fabric, name, key, certificate, *options):
    pfx = fabric.folder / f"{name}.pfx"
    run(["openssl", "pkcs12", "-export", *options, "-inkey", str(key), "-in", str(certificate), "-out", str(pfx), "-passout",
         f"pass:{PASSWORD}"])
    return pfx


def cuts(whole):
    """Beginnings of a file, from nothing to all but a byte; a byte more; and one that is another."""
    ends = sorted({0, 1, 9, 57, 58, 59, *range(100, len(whole), len(whole) // 6), len(whole) - 1})
    yield from (whole[:end] for end in ends)
    yield whole + b"x"


def state(fabric):
    """All that administrators see of certificates and keys; the trail's records of what was done to them."""
    return (fabric.show("certificate", "list"), fabric.show("server", "show")["initialized"],
            [event["event"] for event in fabric.events() if event["event"].startswith(("certificate.", "state.imported", "host."))])


def nothing_changes(body):
    def test(fabric):
        before, children = state(fabric), fabric.children()
        body(fabric)
        equal(state(fabric), before)
        equal(fabric.children(), children)
        equal(fabric.show("server", "test")["ok"], True)
    test.__name__ = body.__name__
    return test


def add(fabric, *source, kind="encryption"):
    return fabric.refusal("certificate", "add", "--type", kind, *source)


@nothing_changes
def damaged_pfx_files_are_refused(fabric):
    damaged = fabric.folder / "damaged.pfx"
    for content in cuts(fabric.pfx.read_bytes()):
        damaged.write_bytes(content)
        equal(add(fabric, "--pfx", damaged, "--password-file", fabric.password), "crypto.pkcs12-malformed")
    equal(add(fabric, "--pfx", fabric.folder, "--password-file", fabric.password), "base.file-unreadable")
    equal(add(fabric, "--pfx", "/dev/zero", "--password-file", fabric.password), "base.file-too-large")


@nothing_changes
def wrong_passwords_are_told(fabric):
    wrong = fabric.folder / "wrong"
    for text in ("", "\n", "Secret", "secret ", "\x00secret"):
        wrong.write_text(text)
        equal(add(fabric, "--pfx", fabric.pfx, "--password-file", wrong), "crypto.password-wrong")


@nothing_changes
def pfx_files_of_other_contents_are_told(fabric):
    key, certificate = fabric.pair
    for name, option in (("without-key", "-nokeys"), ("without-certificate", "-nocerts")):
        pfx = make_pfx(fabric, name, key, certificate, option)
        equal(add(fabric, "--pfx", pfx, "--password-file", fabric.password), "crypto.pkcs12-keys")
    curve = make_certificate(fabric, "curve", "digitalSignature", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    equal(add(fabric, "--pfx", make_pfx(fabric, "curve", *curve), "--password-file", fabric.password, kind="signing"),
          "crypto.key-unsupported")


@nothing_changes
def keys_must_be_those_of_their_certificates(fabric):
    key, certificate = fabric.pair
    other, _ = make_certificate(fabric, "other")
    equal(add(fabric, "--file", certificate, "--key-file", other), "crypto.key-mismatch")
    equal(add(fabric, "--file", certificate, "--key-file", certificate), "crypto.key-malformed")
    equal(add(fabric, "--file", key, "--key-file", certificate), "crypto.certificate-malformed")
    equal(add(fabric, "--file", certificate), "admin.not-found")  # nobody requested it


def a_legacy_file_is_converted_as_the_remedy_says(fabric):
    old = make_pfx(fabric, "old", *fabric.pair, "-legacy")
    source = ("--pfx", old, "--password-file", fabric.password)
    equal(add(fabric, *source), "crypto.pkcs12-legacy")
    said = fabric.ctl("certificate", "add", "--type", "encryption", *source, status=1).stderr.decode()
    commands = re.search(r"convert it: (openssl .*)", said)[1]
    for word, path in (("OLD", "old.pfx"), ("TEMPORARY", "temporary"), ("NEW", "new.pfx")):
        commands = commands.replace(word, path)
    commands = commands.replace("-in old.pfx", "-in old.pfx -passin pass:secret")
    commands = commands.replace("-export", "-export -passout pass:secret")
    subprocess.run(commands, shell=True, cwd=fabric.folder, check=True, capture_output=True, timeout=DEADLINE)
    check(not (fabric.folder / "temporary").exists(), "the private key lies about")
    new = ("--pfx", fabric.folder / "new.pfx", "--password-file", fabric.password)
    thumbprint = fabric.show("certificate", "add", "--type", "encryption", *new)["thumbprint"]
    before = state(fabric)
    equal(add(fabric, *new), "admin.exists")  # twice is once
    equal(add(fabric, "--file", fabric.pair[1], "--key-file", fabric.pair[0]), "admin.exists")
    equal(state(fabric), before)
    equal(fabric.show("server", "test")["ok"], True)
    fabric.ctl("certificate", "remove", thumbprint, "--type", "encryption")


@nothing_changes
def damaged_backups_are_refused(fabric):
    whole, damaged = fabric.backup.read_bytes(), fabric.folder / "damaged"
    for content in (*cuts(whole), whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        damaged.write_bytes(content)
        equal(fabric.refusal("state", "import", damaged, "--password-file", fabric.password), "backup.malformed")
    damaged.write_bytes(whole[:10] + struct.pack("<I", 2) + whole[14:])
    equal(fabric.refusal("state", "import", damaged, "--password-file", fabric.password), "backup.newer")
    for path, code in ((fabric.password, "backup.malformed"), ("/dev/zero", "backup.malformed"),
                       (fabric.folder, "base.file-unreadable")):
        equal(fabric.refusal("state", "import", path, "--password-file", fabric.password), code)
    wrong = fabric.folder / "wrong"
    for text in ("", "Secret"):
        wrong.write_text(text)
        equal(fabric.refusal("state", "import", fabric.backup, "--password-file", wrong), "backup.password")


@nothing_changes
def a_backup_that_conflicts_adds_nothing(fabric):
    """Also of what does not conflict."""
    with Fabric() as second:
        second.init()
        before = state(second)
        equal(second.refusal("state", "import", fabric.backup, "--password-file", fabric.password), "admin.state-conflict")
        equal(state(second), before)
        equal(second.show("host", "list")["hosts"], [])


@nothing_changes
def a_backup_that_fails_leaves_what_was_there(fabric):
    """The former backup stays, nothing half-written lies beside it, and what is no file is not replaced by one."""
    empty, pipe = fabric.folder / "empty", fabric.folder / "pipe"
    empty.write_text("")
    os.mkfifo(pipe)
    whole, names = fabric.backup.read_bytes(), sorted(path.name for path in fabric.folder.iterdir())
    equal(fabric.refusal("state", "export", fabric.backup, "--password-file", empty), "backup.password")
    equal(fabric.refusal("state", "export", pipe, "--password-file", fabric.password), "base.file-unwritable")
    equal(fabric.refusal("state", "export", fabric.folder, "--password-file", fabric.password), "base.file-unwritable")
    nowhere = fabric.folder / "no" / "where"
    done = fabric.ctl("state", "export", nowhere, "--password-file", fabric.password, "--json", status=1)
    error = json.loads(done.stderr)["error"]
    equal((error["code"], error["object"]), ("base.file-unwritable", str(nowhere)))
    equal(fabric.backup.read_bytes(), whole)
    equal(sorted(path.name for path in fabric.folder.iterdir()), names)
    check(pipe.is_fifo(), "the pipe is gone")


def main():
    with Fabric() as fabric:
        fabric.init()
        fabric.register(fabric.host("n1"))
        fabric.password = fabric.folder / "password"
        fabric.password.write_text(PASSWORD + "\n")
        fabric.pair = make_certificate(fabric, "good")
        fabric.pfx = make_pfx(fabric, "good", *fabric.pair)
        fabric.backup = fabric.folder / "backup"
        fabric.ctl("state", "export", fabric.backup, "--password-file", fabric.password)
        for body in (damaged_pfx_files_are_refused, wrong_passwords_are_told, pfx_files_of_other_contents_are_told,
                     keys_must_be_those_of_their_certificates, a_legacy_file_is_converted_as_the_remedy_says,
                     damaged_backups_are_refused, a_backup_that_conflicts_adds_nothing,
                     a_backup_that_fails_leaves_what_was_there):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
