# SPDX-License-Identifier: Apache-2.0
"""Certificates from an authority: requests for keys of the keyholder and of files, signed by an openssl CA, and added."""
import os

from fabric import Fabric, case, check, equal, finish, run


class Authority:
    def __init__(self, folder):
        self.folder, self.signed = folder, 0
        self.key, self.certificate = folder / "ca.key", folder / "ca.pem"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(self.key), "-out",
             str(self.certificate), "-subj", "/CN=authority"])

    def sign(self, request, *extensions):
        """Signs a request, with what it asks for or with other extensions; the certificate's path."""
        self.signed += 1
        out = self.folder / f"{request.name}.{self.signed}.pem"
        config = self.folder / "extensions"
        config.write_text("\n".join(extensions))
        asked = ["-extfile", str(config)] if extensions else ["-copy_extensions", "copyall"]
        run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key), "-days",
             "2", "-out", str(out), *asked])
        return out


def text_of(request):
    return run(["openssl", "req", "-in", str(request), "-noout", "-text", "-verify"]).stdout.decode()


def ask(fabric, kind, name, *options):
    out = fabric.folder / f"{name}.csr"
    made = fabric.show("certificate", "request", "--type", kind, "--subject", f"CN={name},O=Example", "--out", out, *options)
    return out, made


def with_a_fabric(fabric, authority):
    def keys_stay_in_the_keyholder():
        for kind, usage in (("signing", "Digital Signature"), ("encryption", "Key Encipherment, Data Encipherment"),
                            ("communications", "Digital Signature")):
            request, made = ask(fabric, kind, "hgs-" + kind)
            text = text_of(request)
            check(usage in text and "O = Example, CN = hgs-" + kind in text, text)
            equal([item["key_id"] for item in fabric.show("certificate", "list")["requests"]], [made["key_id"]])
            added = fabric.show("certificate", "add", "--type", kind, "--file", authority.sign(request))
            equal((added["source"], added["key_id"]), ("requested", made["key_id"]))
            equal(fabric.show("certificate", "list")["requests"], [])
        fabric.ctl("server", "test")

    def they_serve_after_a_restart_too():
        thumbprints = {item["type"]: item["thumbprint"] for item in fabric.show("certificate", "list")["certificates"]
                       if item["source"] == "requested"}
        for kind in ("signing", "encryption"):
            fabric.ctl("certificate", "set", thumbprints[kind], "--type", kind, "--primary")
        host = fabric.host("n1")
        fabric.register(host)
        fabric.owner()
        (fabric.folder / "secret").write_text("passphrase")
        vm = fabric.folder / "vm.hgs"
        host.hgs("vm", "create", vm, "--owner", "owner", "--guardian", "fabric", "--secret", f"disk={fabric.folder}/secret")
        equal(host.hgs("vm", "unlock", vm, "--secret", "disk").stdout, b"passphrase")
        fabric.stop()
        fabric.start()
        host.hgs("host", "configure", "--attestation-url", fabric.url + "/Attestation", "--key-protection-url",
                 fabric.url + "/KeyProtection")
        equal(host.hgs("vm", "unlock", vm, "--secret", "disk").stdout, b"passphrase")

    def a_certificate_is_for_what_was_requested():
        request, made = ask(fabric, "encryption", "wrong")
        other = authority.sign(request, "keyUsage=critical,digitalSignature,keyEncipherment")
        equal(fabric.refusal("certificate", "add", "--type", "signing", "--file", other), "admin.certificate-rule")
        unfit = authority.sign(request, "keyUsage=critical,digitalSignature")
        equal(fabric.refusal("certificate", "add", "--type", "encryption", "--file", unfit), "certificate.usage")
        equal(fabric.refusal("certificate", "add", "--type", "encryption", "--file", authority.certificate),
              "admin.not-found")
        fabric.ctl("certificate", "cancel", made["key_id"][:10], "--yes")
        equal(fabric.show("certificate", "list")["requests"], [])
        equal(fabric.refusal("certificate", "add", "--type", "encryption", "--file", other), "admin.not-found")
        equal(fabric.refusal("certificate", "cancel", made["key_id"], "--yes"), "admin.not-found")

    def a_request_is_kept_when_its_file_cannot_be_written():
        out = fabric.folder / "no folder" / "kept.csr"
        done = fabric.ctl("certificate", "request", "--type", "signing", "--subject", "CN=kept", "--out", out, status=1)
        key_id = fabric.show("certificate", "list")["requests"][0]["key_id"]
        check(f"--again {key_id[:16]}" in done.stderr.decode(), done.stderr)
        again = fabric.folder / "kept.csr"
        equal(fabric.show("certificate", "request", "--again", key_id[:16], "--out", again)["key_id"], key_id)
        check("CN = kept" in text_of(again))
        added = fabric.show("certificate", "add", "--type", "signing", "--file", authority.sign(again))
        equal(added["key_id"], key_id)
        equal(fabric.refusal("certificate", "request", "--again", key_id, "--out", again), "admin.not-found")
        equal(fabric.refusal("certificate", "request", "--type", "signing", "--out", again, status=2), "admin.argument")
        fabric.ctl("certificate", "remove", added["thumbprint"], "--type", "signing", "--yes")

    def a_dry_run_makes_nothing():
        request, _ = ask(fabric, "signing", "dry", "--dry-run")
        check(not request.exists())
        equal(fabric.show("certificate", "list")["requests"], [])
        key = fabric.folder / "dry.key"
        ask(fabric, "signing", "dry", "--dry-run", "--key-file", key)
        check(not key.exists())

    def requests_are_audited():
        requested, cancelled = fabric.events("certificate.requested"), fabric.events("certificate.cancelled")
        equal(cancelled[-1]["before"]["subject"], "CN=wrong,O=Example")
        check(cancelled[-1]["object"] == requested[-1]["object"])

    def files_keep_their_keys():
        key = fabric.folder / "file.key"
        request, made = ask(fabric, "both", "file", "--key-usage", "0xa0", "--key-file", key)
        equal((made["key_made"], key.stat().st_mode & 0o777), (True, 0o600))
        check("Digital Signature, Key Encipherment" in text_of(request))
        again, made = ask(fabric, "both", "again", "--key-file", key)
        check(not made["key_made"])
        check("Digital Signature, Key Encipherment" in text_of(again))
        signed = authority.sign(request)
        for kind in ("signing", "encryption"):
            added = fabric.show("certificate", "add", "--type", kind, "--file", signed, "--key-file", key)
            equal((added["type"], added["source"]), (kind, "file"))
        fabric.ctl("server", "test")
        os.chmod(key, 0o644)
        equal(fabric.refusal("certificate", "request", "--type", "signing", "--subject", "CN=x", "--key-file", key, "--out",
                             fabric.folder / "x.csr"), "base.file-mode")

    def what_cannot_be_is_refused():
        def refusal(*options, status=1):
            return fabric.refusal("certificate", "request", "--out", fabric.folder / "x.csr", *options, status=status)
        equal(refusal("--type", "signing", "--subject", "HGS", status=2), "crypto.name-malformed")
        equal(refusal("--type", "both", "--subject", "CN=x", status=2), "admin.argument")
        equal(refusal("--type", "signing", "--subject", "CN=x", "--key-usage", "0x20"), "certificate.usage")
        equal(refusal("--type", "signing", "--subject", "CN=x", "--key-usage", "0x100", status=2), "admin.argument")
        key = fabric.folder / "edwards.key"
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)])
        equal(refusal("--type", "signing", "--subject", "CN=x", "--key-file", key), "admin.certificate-rule")
        check(not (fabric.folder / "x.csr").exists())

    return [keys_stay_in_the_keyholder, they_serve_after_a_restart_too, a_certificate_is_for_what_was_requested,
            a_dry_run_makes_nothing, requests_are_audited, files_keep_their_keys, what_cannot_be_is_refused,
            a_request_is_kept_when_its_file_cannot_be_written]


def main():
    with Fabric() as fabric:
        fabric.init()
        for body in with_a_fabric(fabric, Authority(fabric.folder)):
            case(body.__name__.replace("_", " "), body)
    finish()


main()
