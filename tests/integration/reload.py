# SPDX-License-Identifier: Apache-2.0
"""Files that are read again while hgsd runs: renewed as editors, certbot and others do it, and where the sandbox is in the way."""
import json
import signal
import socket
import ssl

from fabric import Fabric, case, check, equal, finish, run, wait_until


def make_pair(folder, name, number=""):
    """A self-signed certificate and its key as NAMEnumber.pem and .key."""
    key, certificate = folder / f"{name}{number}.key", folder / f"{name}{number}.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
         str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
    return certificate, key


def der_of(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


class Renewal:
    """A service with HTTPS whose files are renewed."""

    def __init__(self, folder_name=""):
        self.fabric = Fabric()
        self.folder = self.fabric.folder / folder_name
        self.folder.mkdir(exist_ok=True)
        self.certificate, self.key = make_pair(self.folder, "tls")

    def __enter__(self):
        self.fabric.extra = (f"[listen]\nhttp =\nhttps = 127.0.0.1:0\ncertificate = {self.certificate}\nkey = {self.key}\n"
                             "[service]\nlog-level = notice")
        self.fabric.__enter__()
        self.fabric.init()
        return self

    def __exit__(self, *what):
        self.fabric.__exit__(*what)

    def served(self):
        """The certificate that a new connection gets, DER."""
        port = int(self.fabric.url.rsplit(":", 1)[1])
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain, context.wrap_socket(plain) as connection:
            return connection.getpeercert(binary_form=True)

    def reload(self):
        """SIGHUP; what server show says of it."""
        def count():
            text = self.fabric.log_text()
            return text.count("configuration reloaded") + text.count("what to do:")
        before = count()
        self.fabric.process.send_signal(signal.SIGHUP)
        wait_until(lambda: count() > before, "it is reloaded")
        return wait_until(lambda: self.fabric.show("server", "show")["reload"].get("time") and
                          self.fabric.show("server", "show")["reload"], "server show tells")

    def tests(self):
        """The exit status of server test, and what it says of this."""
        done = self.fabric.ctl("server", "test", "--json", status=None)
        return done.returncode, {test["name"]: test for test in json.loads(done.stdout)["tests"]}["reload"]


def put_in_place(new, old):
    """As an editor or a renewal does it: no moment without a whole file."""
    beside = old.with_suffix(".new")
    beside.write_bytes(new.read_bytes())
    beside.replace(old)


def files_in_a_folder_of_their_own_are_replaced():
    with Renewal("tls") as it:
        equal(it.fabric.show("server", "show")["reload"], {"fixed": [str(it.fabric.config_file)]})
        before = it.served()
        new, key = make_pair(it.folder, "new")
        put_in_place(new, it.certificate)
        put_in_place(key, it.key)
        shown = it.reload()
        equal((shown["ok"], shown["errors"], shown["restart_for"]), (True, [], ""))
        check(it.served() == der_of(new) != before)
        equal(it.tests()[0], 0)


def links_are_led_elsewhere():
    """As certbot renews: live/NAME.pem is a link into archive/, and later to another file there."""
    it = Renewal("live")
    archive = it.fabric.folder / "archive"
    archive.mkdir()
    for path in (it.certificate, it.key):
        path.replace(archive / path.name)
        path.symlink_to(f"../archive/{path.name}")
    with it:
        before = it.served()
        new = make_pair(archive, "tls", 2)
        for path, target in zip((it.certificate, it.key), new):
            beside = path.with_suffix(".link")
            beside.symlink_to(f"../archive/{target.name}")
            beside.replace(path)
        equal(it.reload()["ok"], True)
        check(it.served() == der_of(new[0]) != before)


def a_file_alone_is_written_into_and_not_replaced():
    """The keyholder's folder lies below the folder of these files."""
    with Renewal() as it:
        files = [str(path) for path in (it.fabric.config_file, it.certificate, it.key)]
        equal(it.fabric.show("server", "show")["reload"]["fixed"], files)
        before = it.served()
        new, key = make_pair(it.folder, "new")
        put_in_place(new, it.certificate)
        put_in_place(key, it.key)
        shown = it.reload()
        equal((shown["ok"], [error["code"] for error in shown["errors"]]), (False, ["hgsd.file-replaced"]))
        check("restart hgsd" in shown["errors"][0]["remedy"], shown)
        equal(it.served(), before)
        log, words = it.fabric.log_text(), it.fabric.ctl("server", "show").stdout.decode()
        check("the TLS certificate is not reloaded; the old one stays" in log and "(hgsd.file-replaced" in log, log)
        check("Not reloaded at" in words and f"{it.certificate} (write into it" in words, words)
        status, test = it.tests()
        equal((status, test["ok"], test["error"]["code"]), (1, False, "hgsd.file-replaced"))
        # A restart takes them, and from then on what is written into them.
        it.fabric.stop()
        it.fabric.start()
        equal(it.served(), der_of(new))
        equal(it.tests()[0], 0)
        third = make_pair(it.folder, "third")
        it.certificate.write_bytes(third[0].read_bytes())
        it.key.write_bytes(third[1].read_bytes())
        equal(it.reload()["ok"], True)
        equal(it.served(), der_of(third[0]))


def one_file_does_not_hold_up_the_others():
    """The configuration cannot be read again, the certificate can."""
    with Renewal("tls") as it:
        put_in_place(it.fabric.config_file, it.fabric.config_file)
        new, key = make_pair(it.folder, "new")
        put_in_place(new, it.certificate)
        put_in_place(key, it.key)
        shown = it.reload()
        equal([(error["code"], error["object"]) for error in shown["errors"]],
              [("hgsd.file-replaced", str(it.fabric.config_file))])
        equal(it.served(), der_of(new))


def what_is_wrong_with_a_file_is_not_blamed_on_the_sandbox():
    with Renewal("tls") as it:
        before = it.served()
        put_in_place(make_pair(it.folder, "other")[1], it.key)
        equal([error["code"] for error in it.reload()["errors"]], ["http.tls-unusable"])
        it.key.unlink()
        it.reload()

        def told():
            error = it.fabric.show("server", "show")["reload"]["errors"][0]
            return error["code"] == "http.tls-unusable" and "No such file" in error["message"]
        wait_until(told, "the missing file is told")
        equal(it.served(), before)


def what_needs_a_restart_is_told():
    with Renewal("tls") as it:
        text = it.fabric.config_file.read_text().replace("log-level = notice", "log-level = debug")
        it.fabric.config_file.write_text(text + "[limits]\nqueue = 7\n[token hsm]\nmodule = /m.so\nuri = pkcs11:token=x\n")
        shown = it.reload()
        equal((shown["ok"], shown["restart_for"]), (True, "[limits] queue, [token NAME]"))
        words = "not in force before hgsd is started again: [limits] queue, [token NAME]"
        check(words in it.fabric.log_text() and words in it.fabric.ctl("server", "show").stdout.decode())


def a_folder_that_is_replaced_is_told_too():
    with Renewal("tls") as it:
        before = it.served()
        beside = it.fabric.folder / "beside"
        beside.mkdir()
        make_pair(beside, "tls")
        it.folder.rename(it.fabric.folder / "away")
        beside.rename(it.folder)
        equal([error["code"] for error in it.reload()["errors"]], ["hgsd.file-replaced"])
        equal(it.served(), before)


def main():
    for body in (files_in_a_folder_of_their_own_are_replaced, links_are_led_elsewhere,
                 a_file_alone_is_written_into_and_not_replaced, one_file_does_not_hold_up_the_others,
                 what_is_wrong_with_a_file_is_not_blamed_on_the_sandbox, a_folder_that_is_replaced_is_told_too,
                 what_needs_a_restart_is_told):
        case(body.__name__.replace("_", " "), body)
    finish()


main()
