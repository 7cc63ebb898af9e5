# SPDX-License-Identifier: Apache-2.0
"""hgsctl against a real service: who may do what, what is audited, certificates, signers, backups."""
import grp
import json
import os
import pwd
import shutil
import subprocess

from fabric import DEADLINE, HGSCTL, HGSD, Fabric, case, check, equal, finish, run, wait_until


def as_user(fabric, name, *arguments):
    """Runs hgsctl as another user with that user's groups; (status, error code or None)."""
    user = pwd.getpwnam(name)
    groups = os.getgrouplist(name, user.pw_gid)

    def become():
        os.setgroups(groups)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    done = subprocess.run([shutil.copy(HGSCTL, fabric.folder / "hgsctl"), *arguments, "--json"], check=False,
                          capture_output=True, timeout=DEADLINE, preexec_fn=become,
                          env={**os.environ, **fabric.env, "ASAN_OPTIONS": "detect_leaks=0"}, cwd="/")
    code = json.loads(done.stderr)["error"]["code"] if done.returncode else None
    return done.returncode, code


def roles_follow_groups(fabric):
    fabric.folder.chmod(0o755)
    equal(as_user(fabric, "bin", "server", "show"), (0, None))  # its group is a reviewers' group
    equal(as_user(fabric, "bin", "host", "remove", "n1", "--yes"), (1, "admin.read-only"))
    equal(as_user(fabric, "daemon", "host", "list"), (0, None))  # its group is an administrators' group
    equal(as_user(fabric, "nobody", "server", "show"), (1, "admin.denied"))
    refused = fabric.events("admin.refused")
    equal([(event["user"], event["code"]) for event in refused],
          [("bin", "admin.read-only"), ("nobody", "admin.denied")])


def changes_are_audited_with_before_and_after(fabric):
    host = fabric.host("n2")
    fabric.register(host)
    fabric.ctl("host", "remove", "n2", "--yes")
    added, removed = fabric.events("host.added")[-1], fabric.events("host.removed")[-1]
    for event in (added, removed):
        equal(event["object"], "host n2")
        equal(event["user"], pwd.getpwuid(os.getuid()).pw_name)
    equal(added["after"]["name"], "n2")
    equal(removed["before"], added["after"])
    check("after" not in removed)


def a_dry_run_changes_nothing(fabric):
    host = fabric.host("dry")
    fabric.ctl("host", "add", "dry", "--key", host.public_key, "--dry-run")
    equal(fabric.refusal("host", "show", "dry"), "admin.not-found")
    check(not any(event["object"] == "host dry" for event in fabric.events("host.added")))


def names_and_keys_are_unique(fabric):
    host = fabric.host("n3")
    fabric.register(host)
    equal(fabric.refusal("host", "add", "n3", "--key", host.public_key), "admin.exists")
    equal(fabric.refusal("host", "add", "n4", "--key", host.public_key), "admin.exists")
    equal(fabric.refusal("host", "show", "no-such-host"), "admin.not-found")


def keys_are_checked_at_the_door(fabric):
    def public_key(name, *options):
        private, public = fabric.folder / (name + ".key"), fabric.folder / (name + ".pub")
        run(["openssl", "genpkey", *options, "-out", str(private)])
        run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)])
        return private, public

    small = public_key("small", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")[1]
    equal(fabric.refusal("host", "add", "small", "--key", small), "crypto.key-too-small")
    private, edwards = public_key("edwards", "-algorithm", "ED25519")
    equal(fabric.refusal("host", "add", "edwards", "--key", edwards), "crypto.key-unsupported")
    equal(fabric.refusal("host", "add", "private", "--key", private), "crypto.key-malformed")
    private.write_bytes(b"nothing")
    done = fabric.ctl("host", "add", "none", "--key", private, "--json", status=1)
    equal(json.loads(done.stderr)["error"]["object"], str(private))
    curve = public_key("curve", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")[1]
    fabric.ctl("host", "add", "curve", "--key", curve)


def lists_take_wildcards(fabric):
    names = [host["name"] for host in fabric.show("host", "list", "n*")["hosts"]]
    equal(names, sorted(names))
    check("n1" in names and "curve" not in names, names)


def make_pfx(fabric, name, usage, password="secret", legacy=False, bits="2048"):
    key, certificate, pfx = (fabric.folder / f"{name}.{end}" for end in ("key", "pem", "pfx"))
    run(["openssl", "req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-days", "30", "-keyout", str(key), "-out",
         str(certificate), "-subj", f"/CN={name}", "-addext", f"keyUsage=critical,{usage}"])
    run(["openssl", "pkcs12", "-export", *(["-legacy"] if legacy else []), "-inkey", str(key), "-in", str(certificate),
         "-out", str(pfx), "-passout", f"pass:{password}"])
    file = fabric.folder / "password"
    file.write_text(password + "\n")
    return pfx, file, key, certificate


def certificates_come_and_go(fabric):
    before = fabric.show("certificate", "list")["certificates"]
    equal(sorted(item["type"] for item in before), ["encryption", "signing"])
    pfx, password, _, _ = make_pfx(fabric, "second-signing", "digitalSignature")
    added = fabric.show("certificate", "add", "--type", "signing", "--pfx", pfx, "--password-file", password)
    equal((added["primary"], added["enabled"], added["source"]), (False, True, "pfx"))
    thumbprint = added["thumbprint"]
    equal(fabric.refusal("certificate", "add", "--type", "signing", "--pfx", pfx, "--password-file", password),
          "admin.exists")
    fabric.ctl("certificate", "set", thumbprint[:12], "--type", "signing", "--primary")
    listed = {item["thumbprint"]: item for item in fabric.show("certificate", "list")["certificates"]}
    equal([item["primary"] for item in listed.values() if item["type"] == "signing"].count(True), 1)
    equal(listed[thumbprint]["primary"], True)
    equal(fabric.refusal("certificate", "remove", thumbprint, "--type", "signing", "--yes"), "admin.primary")
    equal(fabric.refusal("certificate", "set", thumbprint, "--type", "signing", "--disable"), "admin.primary")
    changes = len(fabric.events("certificate.changed"))
    equal(fabric.refusal("certificate", "set", thumbprint, "--type", "signing", status=2), "admin.argument")
    equal(len(fabric.events("certificate.changed")), changes)
    old = next(item["thumbprint"] for item in before if item["type"] == "signing")
    fabric.ctl("certificate", "set", old, "--type", "signing", "--primary")
    fabric.ctl("certificate", "remove", thumbprint, "--type", "signing", "--yes")
    equal(fabric.refusal("certificate", "show", thumbprint), "admin.not-found")
    equal(fabric.show("server", "test")["ok"], True)


def certificates_from_separate_files(fabric):
    _, _, key, certificate = make_pfx(fabric, "files", "keyEncipherment")
    added = fabric.show("certificate", "add", "--type", "encryption", "--file", certificate, "--key-file", key)
    equal(added["source"], "file")
    fabric.ctl("certificate", "remove", added["thumbprint"], "--type", "encryption", "--yes")


def bad_certificates_are_refused_by_name(fabric):
    pfx, password, key, certificate = make_pfx(fabric, "wrong-use", "digitalSignature")
    add = ["certificate", "add", "--type", "encryption"]
    equal(fabric.refusal(*add, "--pfx", pfx, "--password-file", password), "certificate.usage")
    wrong = fabric.folder / "wrong-password"
    wrong.write_text("not it")
    equal(fabric.refusal(*add, "--pfx", pfx, "--password-file", wrong), "crypto.password-wrong")
    equal(fabric.refusal(*add, "--pfx", key, "--password-file", password), "crypto.pkcs12-malformed")
    other_key = make_pfx(fabric, "other", "keyEncipherment")[2]
    equal(fabric.refusal(*add, "--file", certificate, "--key-file", other_key), "crypto.key-mismatch")
    legacy, password, _, _ = make_pfx(fabric, "legacy", "keyEncipherment", legacy=True)
    equal(fabric.refusal(*add, "--pfx", legacy, "--password-file", password), "crypto.pkcs12-legacy")
    small, password, _, _ = make_pfx(fabric, "small", "keyEncipherment", bits="1024")
    equal(fabric.refusal(*add, "--pfx", small, "--password-file", password), "crypto.key-too-small")
    # The file is named, though it is the keyholder who reads it.
    done = fabric.ctl(*add, "--pfx", small, "--password-file", password, "--json", status=1)
    equal(json.loads(done.stderr)["error"]["object"], str(small))
    equal(len(fabric.show("certificate", "list")["certificates"]), 2)


def signers_are_listed_and_renewed(fabric):
    before = fabric.show("signer", "list")["signers"]
    equal([signer["state"] for signer in before], ["active"])
    fabric.ctl("signer", "renew")
    after = fabric.show("signer", "list")["signers"]
    equal(sorted(signer["state"] for signer in after), ["active", "published"])
    fabric.n1.hgs("host", "attest")


def settings_are_set_and_bounded(fabric):
    fabric.ctl("server", "set", "--health-certificate-lifetime", "4h", "--max-offline-unwraps", "3")
    settings = fabric.show("server", "show")["settings"]
    equal((settings["attestation"]["health_certificate_seconds"], settings["attestation"]["signer_lifetime_days"],
           settings["key_protection"]["max_offline_unwraps"]), (4 * 3600, 30, 3))
    event = fabric.events("server.changed")[-1]
    equal(event["after"]["attestation"], {"health_certificate_seconds": 4 * 3600})
    for option, value in (("--health-certificate-lifetime", "1s"), ("--signer-lifetime", "9999d")):
        equal(fabric.refusal("server", "set", option, value), "attestation.settings-malformed")
    equal(fabric.refusal("server", "set", "--trust", "ad"), "admin.mode-unsupported")
    equal(fabric.refusal("server", "set", status=2), "admin.argument")
    fabric.ctl("server", "set", "--trust", "hostkey", "--wait", "5")
    fabric.n1.hgs("host", "attest")


def a_backup_comes_back_elsewhere(fabric):
    backup, password = fabric.folder / "backup", fabric.folder / "backup-password"
    password.write_text("a long password\n")
    exported = fabric.show("state", "export", backup, "--password-file", password)
    check(exported["keys"] >= 3, exported)
    equal(backup.stat().st_mode & 0o777, 0o600)
    check(b"PRIVATE KEY" not in backup.read_bytes() and b"added_by" not in backup.read_bytes())
    owner, vm = fabric.owner(), fabric.folder / "backup.hgs"
    owner.hgs("vm", "create", vm, "--owner", "owner", "--guardian", "fabric", "--secret", "disk")
    secret = fabric.n1.hgs("vm", "unlock", vm, "--secret", "disk").stdout
    with Fabric() as second:
        wrong = fabric.folder / "wrong-backup-password"
        wrong.write_text("not it")
        equal(second.refusal("state", "import", backup, "--password-file", wrong), "backup.password")
        damaged = fabric.folder / "damaged"
        damaged.write_bytes(backup.read_bytes()[:-1])
        equal(second.refusal("state", "import", damaged, "--password-file", password), "backup.malformed")
        equal(second.show("server", "show")["initialized"], False)
        first = second.show("state", "import", backup, "--password-file", password)
        equal((first["same"], first["added"] > 0), (0, True))
        again = second.show("state", "import", backup, "--password-file", password)
        equal((again["added"], again["same"]), (0, first["added"]))
        url = second.url
        fabric.n1.hgs("host", "configure", "--attestation-url", url + "/Attestation",
                      "--key-protection-url", url + "/KeyProtection")
        fabric.n1.hgs("host", "attest")
        equal(fabric.n1.hgs("vm", "unlock", vm, "--secret", "disk").stdout, secret)
        equal(second.show("server", "test")["ok"], True)
        equal(second.show("event", "verify")["whole"], True)
        second.ctl("server", "clear", "--yes")
        equal(second.show("server", "show")["initialized"], False)
        second.ctl("server", "init", "--service-name", "other", "--trust", "hostkey", "--generate-certificates")
        equal(second.refusal("state", "import", backup, "--password-file", password), "admin.state-conflict")
        equal(second.show("event", "verify")["whole"], True)


def certificates_may_be_given_at_init(fabric):
    signing, password, _, _ = make_pfx(fabric, "given-signing", "digitalSignature")
    encryption = make_pfx(fabric, "given-encryption", "keyEncipherment")[0]
    with Fabric() as second:
        equal(second.refusal("server", "set", "--trust", "hostkey"), "admin.not-initialized")
        equal(second.refusal("server", "init", "--service-name", "x", "--trust", "ad", "--generate-certificates"),
              "admin.mode-unsupported")
        second.ctl("server", "init", "--service-name", "given", "--trust", "hostkey", "--signing-certificate", signing,
                   "--encryption-certificate", encryption, "--password-file", password)
        equal(sorted(item["subject"] for item in second.show("certificate", "list")["certificates"]),
              ["CN=given-encryption", "CN=given-signing"])
        equal(second.refusal("server", "init", "--service-name", "x", "--trust", "hostkey", "--generate-certificates"),
              "admin.initialized")


def the_trail_shows_what_was_done_to_it(fabric):
    """Each kind of damage keeps keys from being released until an administrator accepts it, and has its own word."""
    equal(fabric.stop(), 0)
    state, copy = fabric.folder / "state", fabric.folder / "state-copy"
    shutil.copytree(state, copy)
    trail = state / "audit" / "audit.log"
    good = trail.read_bytes()
    lines = good.splitlines(keepends=True)
    damages = {"audit.altered": good.replace(b'"host n1"', b'"host n9"', 1),
               "audit.missing": b"".join(lines[:2] + lines[3:]),
               "audit.reordered": b"".join(lines[:2] + [lines[3], lines[2]] + lines[4:]),
               "audit.cut": b"".join(lines[:-4])}
    for code, content in damages.items():
        trail.write_bytes(content)
        file = fabric.folder / (code + ".log")
        file.write_bytes(content)
        fabric.start()
        fabric.n1.configure()
        equal(fabric.refusal("event", "verify"), code)
        if code != "audit.cut":  # a file alone does not show that its end is gone
            equal(fabric.refusal("event", "verify", file), code)
        equal(fabric.show("server", "show")["audit"]["error"]["code"], "audit.damaged")
        equal(fabric.n1.refusal("host", "attest"), "host.unavailable")
        equal(fabric.refusal("host", "remove", "n1", "--yes"), "audit.damaged")
        accepted = fabric.show("event", "acknowledge", "--dry-run")
        equal(accepted["accepted"]["code"], "audit.damaged")
        sequence = fabric.show("event", "acknowledge")["sequence"]
        equal(sequence, accepted["sequence"])
        fabric.n1.hgs("host", "attest")
        record = fabric.events("audit.damaged")[-1]
        equal((record["seq"], record["user"]), (sequence, pwd.getpwuid(os.getuid()).pw_name))
        check(fabric.refusal("event", "verify") in (code, "audit.missing"), code)
        equal(fabric.show("event", "verify", "--from", sequence)["first"], sequence)
        equal(fabric.refusal("event", "acknowledge"), "audit.undamaged")
        fabric.stop()
        shutil.rmtree(state)
        shutil.copytree(copy, state)
    # The right file comes back while the service runs.
    trail.write_bytes(damages["audit.cut"])
    fabric.start()
    equal(fabric.show("server", "show")["audit"]["writable"], False)
    trail.write_bytes(good)
    wait_until(lambda: fabric.show("server", "show")["audit"]["writable"], "the trail is written again")
    equal(fabric.show("event", "verify")["whole"], True)


def usage_errors_are_two(fabric):
    fabric.ctl("host", status=2)
    fabric.ctl("host", "add", status=2)
    fabric.ctl("host", "list", "--nonsense", status=2)
    equal(fabric.refusal("event", "list", "--since", "yesterday", status=2), "admin.argument")
    equal(run([HGSCTL, "--socket", "/nonexistent", "server", "show"], status=1).returncode, 1)


def a_configuration_is_checked_whole(fabric):
    """What would keep hgsd from starting is said before it is started."""
    good, checked = fabric.config_file.read_text(), fabric.folder / "checked.conf"
    for old, new, said in (("127.0.0.1:0", "127.0.0.1:99999", b"127.0.0.1:99999"), ("127.0.0.1:0", "localhost:80", b"localhost:80"),
                           ("[listen]", f"[store]\npath = {fabric.folder}/state/hgs.db\n[listen]",
                            b"/state/keyholder: it holds secrets"),
                           ("administrators = ", "administrators = no-such-group ", b"no-such-group"),
                           ("reviewers = ", "reviewers = no-such-group ", b"no-such-group")):
        check(old in good, old)
        checked.write_text(good.replace(old, new))
        done = run([HGSD, "--config", checked, "--check-config"], status=None)
        check(done.returncode != 0 and said in done.stderr, (new, done))
    run([HGSD, "--config", fabric.config_file, "--check-config"])


def results_that_do_not_get_out_are_failures(fabric):
    for command in ((HGSCTL, "event", "list", "--json"), (HGSCTL, "event", "list", "--json", "--follow"),
                    (HGSD, "--config", str(fabric.config_file), "--check-config")):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.DEVNULL, check=False,
                                  env={**os.environ, **fabric.env}, timeout=DEADLINE)
        equal(done.returncode, 1)


def every_code_is_explained(fabric):
    codes = fabric.show("explain")
    check(len(codes) > 60, len(codes))
    for code in codes:
        check(code["remedy"] and code["cause"], code)
    text = fabric.ctl("explain", "audit.unwritable").stdout.decode()
    check("What to do" in text, text)
    equal(fabric.refusal("explain", "audit.unwritabel"), "diagnose.code-unknown")


def main():
    reviewers, administrators = (grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name for name in ("bin", "daemon"))
    with Fabric(f"[admin]\nreviewers = {reviewers}\nadministrators = {administrators}") as fabric:
        fabric.init()
        fabric.n1 = fabric.host("n1")
        fabric.register(fabric.n1)
        bodies = [changes_are_audited_with_before_and_after, a_dry_run_changes_nothing, names_and_keys_are_unique,
                  keys_are_checked_at_the_door, lists_take_wildcards, certificates_come_and_go,
                  certificates_from_separate_files, bad_certificates_are_refused_by_name,
                  signers_are_listed_and_renewed, settings_are_set_and_bounded,
                  a_backup_comes_back_elsewhere, certificates_may_be_given_at_init,
                  usage_errors_are_two, a_configuration_is_checked_whole, results_that_do_not_get_out_are_failures,
                  every_code_is_explained, the_trail_shows_what_was_done_to_it]
        if os.getuid() == 0:
            bodies.insert(0, roles_follow_groups)
        else:
            print("# SKIP roles follow groups: only root can run hgsctl as other users")
        for body in bodies:
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
