# SPDX-License-Identifier: Apache-2.0
"""Keys in PKCS#11 tokens: two SoftHSM tokens, each with a keyholder process of its own, and a module that misbehaves."""
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading

from fabric import Fabric, case, check, equal, finish, run, wait_until

SOFTHSM = next(path for path in (pathlib.Path("/usr/lib/softhsm/libsofthsm2.so"),
                                 *pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")) if path.exists())
FAULTY = os.environ.get("HGS_FAULTY_TOKEN") or str(pathlib.Path(os.environ["HGS_BUILD"]).resolve() /
                                                   "tests/modules/faulty_token.so")
PIN, WRONG_PIN = "2468-token", "1357-wrong"
SECRET = b"passphrase"
METADATA = "/KeyProtection/service/metadata/2014-07/metadata.xml"


class Token:
    """A SoftHSM token in a folder of its own; faulty: behind a module that does as it is told (tests/modules)."""

    def __init__(self, folder, name, faulty=False):
        self.folder, self.name, self.faulty = folder / name, name, faulty
        self.tokens, self.module = self.folder / "tokens", self.folder / "module"
        self.tokens.mkdir(parents=True)
        self.module.mkdir()
        self.config = self.module / "softhsm2.conf"
        self.config.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.pin = self.folder / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)
        self.util("--init-token", "--free", "--label", name, "--pin", PIN, "--so-pin", "12345678")

    def util(self, *arguments):
        run(["softhsm2-util", *map(str, arguments)], env={"SOFTHSM2_CONF": str(self.config)})

    def section(self, pin=True, **more):
        environment = f"SOFTHSM2_CONF={self.config}"
        if self.faulty:
            environment += f" HGS_FAULTY_MODULE={SOFTHSM} HGS_FAULTY_CONTROL={self.module}/rules"
        lines = {"module": FAULTY if self.faulty else SOFTHSM, "uri": f"pkcs11:token={self.name}", "read": self.module,
                 "write": self.tokens, "environment": environment, "sessions": 2, **more}
        if pin:
            lines["pin-file"] = self.pin
        return f"[token {self.name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())

    def rules(self, text):
        """What the faulty module does from now on."""
        beside = self.module / "rules.new"
        beside.write_text(text)
        beside.rename(self.module / "rules")

    def uri(self, label):
        return f"pkcs11:token={self.name};object={label}"


class Authority:
    def __init__(self, folder):
        self.folder, self.key, self.certificate = folder, folder / "ca.key", folder / "ca.pem"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(self.key), "-out",
             str(self.certificate), "-subj", "/CN=authority"])

    def sign(self, request):
        out = self.folder / f"{request.name}.pem"
        run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key), "-days",
             "2", "-out", str(out), "-copy_extensions", "copyall"])
        return out


class World:
    """A fabric with three tokens. The guardian's signing key lies in one, its encryption key in the other, whose module does
    as it is told; the third wants its PIN from an administrator."""

    def __init__(self, fabric, one, two, locked):
        self.fabric, self.one, self.two, self.locked = fabric, one, two, locked
        self.authority = Authority(fabric.folder)
        self.software = {}

    def request(self, kind, token, label, *options):
        out = self.fabric.folder / f"{label}.csr"
        made = self.fabric.show("certificate", "request", "--type", kind, "--subject", f"CN={label}", "--pkcs11",
                                token.uri(label), "--out", out, *options)
        return out, made

    def tokens(self):
        return {item["name"]: item for item in self.fabric.show("token", "list")["tokens"]}

    def is_in_state(self, token, state, code=None):
        def reached():
            shown = self.tokens()[token.name]
            return shown["state"] == state and (code is None or shown["error"]["code"] == code)
        wait_until(reached, f"token {token.name} {state}", 20)

    def certificates(self):
        return {item["thumbprint"]: item for item in self.fabric.show("certificate", "list")["certificates"]}

    def pid(self, token):
        """Of the token's process."""
        task = pathlib.Path(f"/proc/{self.fabric.process.pid}/task/{self.fabric.process.pid}/children")
        for pid in task.read_text().split():
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"--token" in words and words[words.index(b"--token") + 1].decode() == token.name:
                return int(pid)
        return None

    def make_vm(self, name, *sha1):
        """A VM file for the guardian that the service's metadata names now."""
        owner = self.fabric.host("owner-" + name)
        owner.hgs("guardian", "create", name)
        owner.hgs("guardian", "import", "fabric-" + name,
                  self.fabric.url + METADATA, "--allow-untrusted-root", *sha1)
        vm = self.fabric.folder / f"{name}.hgs"
        owner.hgs("vm", "create", vm, "--owner", name, "--guardian", "fabric-" + name, "--secret",
                  f"disk={self.fabric.folder}/secret")
        return vm

    def unlock(self, vm):
        equal(self.host.hgs("vm", "unlock", vm, "--secret", "disk").stdout, SECRET)

    def refused(self, vm):
        """Why an unlock fails; the trail says it."""
        self.host.hgs("vm", "unlock", vm, "--secret", "disk", status=1)
        return self.fabric.events("key.refused")[-1]["code"]

    def recovers(self, vm):
        wait_until(lambda: self.host.hgs("vm", "unlock", vm, "--secret", "disk", status=None).returncode == 0,
                   "keys in the token are released again", 20)


def journey(world):
    fabric = world.fabric

    def the_tokens_are_there():
        world.is_in_state(world.one, "works")
        world.is_in_state(world.two, "works")
        world.is_in_state(world.locked, "fails", "token.pin-missing")
        shown = {item["name"]: item for item in fabric.show("server", "show")["tokens"]}
        equal((shown["one"]["label"], shown["one"]["keys"]), ("one", 0))
        equal((shown["one"]["waiting"], shown["one"]["waiting_limit"]), (0, 1024))
        check("0 requests wait (of 1024)" in fabric.ctl("server", "show").stdout.decode())
        check("WAITING" in fabric.ctl("token", "list").stdout.decode())

    def keys_are_made_in_them_and_requested():
        _, dry = world.request("signing", world.one, "sign", "--dry-run")
        equal((dry["key_uri"], dry["key_made"], "key_id" in dry, "request" in dry), (world.one.uri("sign"), True, False, False))
        words = fabric.ctl("certificate", "request", "--type", "both", "--subject", "CN=dry", "--pkcs11", world.one.uri("sign"),
                           "--out", fabric.folder / "dry.csr", "--dry-run").stdout.decode()
        check(f"Would make the key {world.one.uri('sign')}" in words and "not done" in words, words)
        equal(sorted(file.name for file in fabric.folder.glob("*.csr")), [])
        equal(fabric.refusal("certificate", "request", "--type", "signing", "--subject", "CN=dry", "--pkcs11",
                             "pkcs11:token=elsewhere;object=x", "--out", fabric.folder / "dry.csr", "--dry-run"),
              "hgsd.token-unknown")
        request, made = world.request("signing", world.one, "sign")
        check(made["key_made"], made)
        _, dry = world.request("encryption", world.two, "never", "--dry-run")
        check("key_id" not in dry, "a dry run made a key")
        text = run(["openssl", "req", "-in", str(request), "-noout", "-text", "-verify"]).stdout.decode()
        check("Digital Signature" in text, text)
        equal(made["key_uri"], world.one.uri("sign"))
        equal(fabric.refusal("certificate", "request", "--type", "signing", "--subject", "CN=again", "--pkcs11",
                             world.one.uri("sign"), "--out", fabric.folder / "again.csr"), "admin.exists")
        add = ("certificate", "add", "--type", "signing", "--file", world.authority.sign(request))
        added = fabric.show(*add)
        equal(fabric.refusal(*add), "admin.exists")
        equal((added["source"], added["key_source"], added["key_uri"]), ("requested", "token", world.one.uri("sign")))
        check("rsa-pkcs1-sha256" in added["abilities"], added)
        equal(fabric.show("certificate", "list")["requests"], [])
        world.signing = added["thumbprint"]

    def a_key_that_was_there_is_added_with_its_certificate():
        key, certificate = fabric.folder / "e.key", fabric.folder / "e.pem"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out",
             str(certificate), "-subj", "/CN=encryption", "-addext", "keyUsage=keyEncipherment"])
        world.two.util("--import", key, "--token", "two", "--label", "encrypt", "--id", "0b", "--pin", PIN)
        uri = "pkcs11:token=two;object=encrypt;id=%0b"
        add = ("certificate", "add", "--type", "encryption", "--pkcs11", uri)
        equal(fabric.refusal(*add), "token.certificate-missing")
        # SoftHSM knows OAEP with SHA-1 alone, and owners' programs use SHA-256 unless they are told.
        equal(fabric.refusal(*add, "--file", certificate), "certificate.only-sha1")
        equal(fabric.refusal(*add, "--file", world.authority.certificate), "crypto.key-mismatch")
        before = world.certificates()
        fabric.ctl(*add, "--file", certificate, "--only-sha1", "--dry-run")
        equal(world.certificates(), before)
        added = fabric.show(*add, "--file", certificate, "--only-sha1")
        equal((added["abilities"], added["only_sha1"], added["source"]), (["rsa-oaep-sha1"], True, "pkcs11"))
        world.encryption = added["thumbprint"]

    def what_does_not_fit_is_refused():
        def refusal(uri, *options, status=1):
            return fabric.refusal("certificate", "add", "--type", "signing", "--pkcs11", uri, *options, status=status)
        equal(refusal("pkcs11:token=elsewhere;object=x"), "hgsd.token-unknown")
        equal(refusal("pkcs11:token=one;object=nothing"), "token.key-missing")
        equal(refusal("pkcs11:token=one", status=2), "token.uri")
        equal(refusal("pkcs11:token=one;object=sign?pin-value=1", status=2), "certificate.key-uri")
        equal(refusal(world.one.uri("sign"), "--file", fabric.folder / "e.pem"), "certificate.usage")
        equal(refusal(world.one.uri("sign"), "--file", world.authority.certificate), "crypto.key-mismatch")
        equal(refusal(world.locked.uri("sign")), "token.pin-missing")
        pair = ("--file", fabric.folder / "e.pem", "--key-file", fabric.folder / "e.key")
        equal(refusal(world.one.uri("sign"), *pair, status=2), "admin.argument")
        equal(refusal(world.one.uri("sign"), "--password-file", world.one.pin, status=2), "admin.argument")
        equal(refusal(world.one.uri("sign"), "--pfx", fabric.folder / "e.pem", status=2), "base.usage")

    def keys_are_released_by_them():
        (fabric.folder / "secret").write_bytes(SECRET)
        world.host = fabric.host("n1")
        fabric.register(world.host)
        world.software_vm = world.make_vm("software")
        for kind, thumbprint in (("signing", world.signing), ("encryption", world.encryption)):
            fabric.ctl("certificate", "set", thumbprint, "--type", kind, "--primary")
        world.vm = world.make_vm("hsm", "--sha1")
        world.unlock(world.vm)
        world.unlock(world.software_vm)
        fabric.ctl("server", "test")
        names = {test["name"]: test["ok"] for test in fabric.show("server", "test")["tests"] if "token" in test["name"]}
        equal(names, {"token one": True, "token two": True, "token locked": True})

    def one_key_may_serve_both():
        """As HSMs want it whose keys have one certificate with both usages."""
        request, _ = world.request("both", world.one, "both")
        text = run(["openssl", "req", "-in", str(request), "-noout", "-text", "-verify"]).stdout.decode()
        check("Digital Signature, Key Encipherment" in text, text)
        signed = world.authority.sign(request)
        added = fabric.show("certificate", "add", "--type", "encryption", "--file", signed, "--only-sha1")
        equal((added["source"], fabric.show("certificate", "list")["requests"]), ("requested", []))
        fabric.ctl("certificate", "add", "--type", "signing", "--pkcs11", world.one.uri("both"), "--file", signed)
        for kind in ("signing", "encryption"):
            fabric.ctl("server", "test")
            fabric.ctl("certificate", "remove", added["thumbprint"], "--type", kind, "--yes")
        fabric.ctl("server", "test")

    def a_backup_lists_what_it_does_not_hold():
        backup, password = fabric.folder / "backup", fabric.folder / "backup-password"
        password.write_text("a long password")
        listed = {(item["type"], item["thumbprint"], item["key_source"], item["key_uri"])
                  for item in fabric.show("state", "export", backup, "--password-file", password)["bring"]}
        equal(listed, {("signing", world.signing, "token", world.one.uri("sign")),
                       ("encryption", world.encryption, "token", "pkcs11:token=two;object=encrypt;id=%0b")})
        with Fabric() as other:
            brought = other.show("state", "import", backup, "--password-file", password)["bring"]
            equal({(item["thumbprint"], item["works"]) for item in brought}, {(world.signing, False), (world.encryption, False)})
            check(all(item["error"]["code"] == "keyholder.token-away" for item in brought), brought)
            unusable = other.show("server", "show")["nodes"][0]["certificates_unusable"]
            equal({(item["thumbprint"], item["error"]["code"]) for item in unusable},
                  {(world.signing, "hgsd.token-unknown"), (world.encryption, "hgsd.token-unknown")})

    return [the_tokens_are_there, keys_are_made_in_them_and_requested, a_key_that_was_there_is_added_with_its_certificate,
            what_does_not_fit_is_refused, an_administrator_gives_a_pin(world), keys_are_released_by_them,
            one_key_may_serve_both, a_backup_lists_what_it_does_not_hold]


def an_administrator_gives_a_pin(world):
    fabric = world.fabric

    def an_administrator_gives_a_pin_():
        wrong = fabric.folder / "wrong"
        wrong.write_text(WRONG_PIN)
        equal(fabric.refusal("token", "unlock", "locked", "--pin-file", wrong), "token.pin-wrong")
        equal(fabric.refusal("token", "unlock", "nothing", "--pin-file", wrong), "admin.not-found")
        world.is_in_state(world.locked, "fails", "token.pin-wrong")
        # A PIN that was refused is not tried again: many looks later it is not locked.
        fabric.ctl("token", "unlock", "locked", "--pin-file", world.locked.pin)
        world.is_in_state(world.locked, "works")
        equal(len(fabric.events("token.pin-given")), 2)
        for place in (fabric.log_text(), json.dumps(fabric.events()), pathlib.Path(
                f"/proc/{world.pid(world.one)}/cmdline").read_text()):
            check(PIN not in place and WRONG_PIN not in place, "a PIN is told")

    return an_administrator_gives_a_pin_


def trouble(world):
    fabric = world.fabric

    def a_process_that_dies_is_started_again():
        before = world.pid(world.two)
        os.kill(before, signal.SIGKILL)
        world.unlock(world.software_vm)
        world.recovers(world.vm)
        check(world.pid(world.two) != before)
        check("token two ended by signal 9" in fabric.log_text())

    def a_module_that_crashes_takes_nobody_with_it():
        service, before = fabric.children()["service"], world.pid(world.two)
        world.two.rules("C_Decrypt crash")
        equal(world.refused(world.vm), "keyholder.token-away")
        world.unlock(world.software_vm)
        world.two.rules("")
        world.recovers(world.vm)
        check(world.pid(world.two) != before and fabric.children()["service"] == service)

    def a_module_that_hangs_holds_up_nobody():
        before = world.pid(world.two)
        world.two.rules("C_Decrypt hang")
        threads = [threading.Thread(target=lambda: world.host.hgs("vm", "unlock", world.vm, "--secret", "disk", status=None))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        world.unlock(world.software_vm)
        equal(fabric.http("/Attestation/getinfo")[0], 200)
        for thread in threads:
            thread.join()
        wait_until(lambda: world.pid(world.two) not in (None, before), "the process is started again", 20)
        check("token two runs and does not answer" in fabric.log_text())
        world.two.rules("")
        world.recovers(world.vm)

    def a_token_that_is_taken_out_comes_back():
        away = world.one.folder / "away"
        world.one.tokens.rename(away)
        code = world.refused(world.vm)
        check(code.startswith("token."), code)
        world.unlock(world.software_vm)
        before = world.certificates()
        equal(fabric.refusal("certificate", "add", "--type", "signing", "--pkcs11", world.one.uri("sign"), "--file",
                             fabric.folder / "sign.csr.pem").split(".")[0], "token")
        equal(world.certificates(), before)
        away.rename(world.one.tokens)
        world.recovers(world.vm)
        world.is_in_state(world.one, "works")

    def lies_are_not_believed():
        world.two.rules("C_Decrypt lie")
        equal(world.refused(world.vm), "protector.opaque")
        world.two.rules("C_Login fail 0xA4")
        os.kill(world.pid(world.two), signal.SIGKILL)
        world.is_in_state(world.two, "fails", "token.pin-locked")
        equal(world.refused(world.vm), "token.pin-locked")
        # The security officer unlocks it.
        world.two.rules("")
        world.is_in_state(world.two, "works")
        world.recovers(world.vm)

    def the_last_try_of_a_pin_is_not_spent():
        # CKF_USER_PIN_FINAL_TRY
        world.two.rules("C_GetTokenInfo set 0x20000; C_Login crash")
        os.kill(world.pid(world.two), signal.SIGKILL)
        world.is_in_state(world.two, "fails", "token.pin-last-try")
        equal(world.refused(world.vm), "token.pin-last-try")
        # Somebody logged in elsewhere, with the right one.
        world.two.rules("")
        world.is_in_state(world.two, "works")
        world.recovers(world.vm)

    def lost_sessions_are_not_noticed():
        # CKR_SESSION_HANDLE_INVALID, _SESSION_CLOSED, _USER_NOT_LOGGED_IN, _KEY_HANDLE_INVALID, _TOKEN_NOT_PRESENT, _DEVICE_ERROR
        for result in ("0xB3", "0xB0", "0x101", "0x60", "0xE0", "0x30"):
            world.two.rules(f"C_Decrypt fail {result} once")
            world.unlock(world.vm)
        # CKR_CRYPTOKI_NOT_INITIALIZED
        world.two.rules("C_Decrypt fail 0x190 once")
        world.recovers(world.vm)
        world.two.rules("")

    def many_at_once_are_served():
        failures = []

        def unlock(vm):
            try:
                for _ in range(3):
                    world.unlock(vm)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
        # Each thread has a file of its own: an unlock replaces it.
        files = []
        for number in range(8):
            copy = fabric.folder / f"copy{number}.hgs"
            copy.write_bytes((world.vm if number % 2 else world.software_vm).read_bytes())
            files.append(copy)
        threads = [threading.Thread(target=unlock, args=(file,)) for file in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(failures, [])

    def they_serve_after_a_restart_with_a_token_missing():
        fabric.stop()
        away = world.one.folder / "away"
        world.one.tokens.rename(away)
        fabric.start()
        world.host.configure()
        equal(world.refused(world.vm), "keyholder.token-away")
        world.unlock(world.software_vm)
        # Nor is anything signed by another key instead: the guardian's metadata is told to wait for this one.
        status, body, _ = fabric.http(METADATA)
        check(status == 503 and all(word in body.decode() for word in (
            "keyprotection.metadata-unsigned", world.signing, "token one", "hgsctl server test")), (status, body))
        owner = fabric.host("late-owner")
        told = json.loads(owner.hgs("guardian", "import", "late", fabric.url + METADATA, "--allow-untrusted-root", "--json",
                                    status=1).stderr)["error"]
        check(told["code"] == "hgs.metadata" and "token one" in told["message"], told)
        away.rename(world.one.tokens)
        world.recovers(world.vm)
        owner.hgs("guardian", "import", "late", fabric.url + METADATA, "--allow-untrusted-root")

    def other_keys_stay_out_of_its_reach():
        # Whoever lets a module read too much is told so, and it is not loaded.
        fabric.stop()
        kept = fabric.extra
        fabric.extra = kept.replace(f"read = {world.one.module}", f"read = {world.one.module} {fabric.folder}")
        fabric.start()
        world.host.configure()
        wait_until(lambda: "with private keys lies in it" in fabric.log_text(), "it is told", 20)
        equal(world.refused(world.vm), "keyholder.token-away")
        world.unlock(world.software_vm)
        fabric.extra = kept

    return [a_process_that_dies_is_started_again, a_module_that_crashes_takes_nobody_with_it,
            a_module_that_hangs_holds_up_nobody, a_token_that_is_taken_out_comes_back, lies_are_not_believed,
            the_last_try_of_a_pin_is_not_spent, lost_sessions_are_not_noticed,
            many_at_once_are_served, they_serve_after_a_restart_with_a_token_missing,
            other_keys_stay_out_of_its_reach]


def a_refused_pin_is_not_tried_by_the_next_process(folder):
    token = Token(folder, "wrong", faulty=True)
    token.pin.write_text(WRONG_PIN)
    with Fabric(token.section()) as fabric:
        fabric.init()
        world = World(fabric, token, token, token)

        def says():
            """What the token's process of now says of it."""
            tests = json.loads(fabric.ctl("server", "test", "--json", status=None).stdout)["tests"]
            item = next(item for item in tests if item["name"] == "token wrong")
            return "works" if item["ok"] else item["error"]["code"]

        def starts_again():
            before = world.pid(token)
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: world.pid(token) not in (None, before), "another process")

        wait_until(lambda: says() == "token.pin-wrong", "the PIN is refused")
        token.rules("C_Login crash")  # who tries any PIN from now on is gone
        for _ in range(3):
            starts_again()
            wait_until(lambda: says() == "token.pin-wrong", "the PIN is known to be wrong", 20)
        check("ended by signal 11" not in fabric.log_text() and "ended by signal 6" not in fabric.log_text(), fabric.log_text())
        token.rules("")
        token.pin.write_text(PIN)
        starts_again()
        wait_until(lambda: says() == "works", "the file's new PIN is tried", 20)
        check(PIN not in fabric.log_text() and WRONG_PIN not in fabric.log_text(), "a PIN is told")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hgs-tokens-"))
    try:
        one, two, locked = Token(folder, "one"), Token(folder, "two", faulty=True), Token(folder, "locked")
        with Fabric(one.section() + two.section(timeout="1s") + locked.section(pin=False)) as fabric:
            fabric.init()
            world = World(fabric, one, two, locked)
            for body in journey(world) + trouble(world):
                case(body.__name__.replace("_", " ").strip(), body)
        case("a refused pin is not tried by the next process", lambda: a_refused_pin_is_not_tried_by_the_next_process(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
