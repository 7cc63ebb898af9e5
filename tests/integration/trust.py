# SPDX-License-Identifier: Apache-2.0
"""Whose health certificates count: signers of another service, and none that were issued before a time."""
import time

from fabric import HGS, Fabric, case, check, equal, finish, run, wait_until


def setup(attesting, releasing):
    """A host that attests at one service and asks the other for keys; its VM file."""
    host = attesting.host("n1")
    attesting.register(host)
    host.hgs("host", "configure", "--key-protection-url", releasing.url + "/KeyProtection", "--attestation-url",
             attesting.url + "/Attestation")
    releasing.owner()
    owner = {**host.env, **releasing.env}
    (releasing.folder / "secret").write_text("passphrase")
    vm = releasing.folder / "vm.hgs"
    run([HGS, "vm", "create", str(vm), "--owner", "owner", "--guardian", "fabric", "--secret",
         f"disk={releasing.folder}/secret"], env=owner)
    return host, vm


def unlocks(host, vm):
    return host.hgs("vm", "unlock", vm, "--secret", "disk").stdout == b"passphrase"


def refusal(host, vm):
    return host.refusal("vm", "unlock", vm, "--secret", "disk")


def signer_file(fabric, name="signers.json"):
    path = fabric.folder / name
    path.write_bytes(fabric.http("/Attestation/v2.0/signingCertificates")[1])
    return path


def main():
    with Fabric() as attesting, Fabric() as releasing:
        attesting.init()
        releasing.init()
        host, vm = setup(attesting, releasing)
        signers = signer_file(attesting)

        def foreign_signers_are_refused():
            host.hgs("host", "attest")
            equal(refusal(host, vm), "host.health-refused")
            check(any(event["code"] == "health.untrusted" for event in releasing.events("key.refused")))

        def a_dry_run_trusts_nobody():
            equal(releasing.show("signer", "trust", signers, "--dry-run")["signers"][0]["outcome"], "added")
            equal(releasing.show("signer", "list")["trusted"], [])

        def trusted_signers_count():
            trusted = releasing.show("signer", "trust", signers)["signers"]
            equal([item["outcome"] for item in trusted], ["added"])
            equal([item["thumbprint"] for item in releasing.show("signer", "list")["trusted"]],
                  [trusted[0]["thumbprint"]])
            equal(releasing.show("signer", "trust", signers)["signers"][0]["outcome"], "same")
            check(unlocks(host, vm))
            event = releasing.events("signer.trusted")[-1]
            equal(event["object"], "attestation signer " + trusted[0]["thumbprint"])

        def ones_own_need_no_trust():
            own = signer_file(releasing)
            equal(releasing.show("signer", "trust", own)["signers"][0]["outcome"], "own")

        def only_signers_are_trusted():
            key, certificate = releasing.folder / "x.key", releasing.folder / "x.pem"
            run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out",
                 str(certificate), "-subj", "/CN=x", "-addext", "basicConstraints=CA:FALSE"])
            equal(releasing.refusal("signer", "trust", certificate), "signer.unfit")
            equal(releasing.refusal("signer", "trust", key), "crypto.certificate-malformed")
            (releasing.folder / "bad.json").write_text("[48,1")
            check(releasing.refusal("signer", "trust", releasing.folder / "bad.json").startswith(("base.", "attestation.")))

        def a_trusted_signer_can_be_denied_what_it_issued():
            thumbprint = releasing.show("signer", "list")["trusted"][0]["thumbprint"]
            releasing.ctl("signer", "deny-before", "now", "--signer", thumbprint[:16], "--yes")
            equal(refusal(host, vm), "host.health-refused")
            check(any(event["code"] == "health.denied" for event in releasing.events("key.refused")))
            check("deny_before" in releasing.show("signer", "list")["trusted"][0])
            releasing.ctl("signer", "deny-before", "never", "--signer", thumbprint)
            check(unlocks(host, vm))

        def distrust_ends_it():
            thumbprint = releasing.show("signer", "list")["trusted"][0]["thumbprint"]
            releasing.ctl("signer", "distrust", thumbprint[:12], "--yes")
            equal(refusal(host, vm), "host.health-refused")
            equal(releasing.refusal("signer", "distrust", thumbprint, "--yes"), "admin.not-found")
            equal(releasing.refusal("signer", "distrust", "xyz", "--yes", status=2), "admin.argument")

        def ask_releasing_for_both():
            host.hgs("host", "configure", "--attestation-url", releasing.url + "/Attestation", "--key-protection-url",
                     releasing.url + "/KeyProtection")

        def what_is_issued_after_a_denial_counts_at_once():
            """Health certificates are backdated by the clock tolerance; a denial must not outlast itself by that."""
            ask_releasing_for_both()
            releasing.register(host)
            host.hgs("host", "attest")
            check(unlocks(host, vm))
            for words in ([], ["--signer", releasing.show("signer", "list")["signers"][0]["thumbprint"]]):
                releasing.ctl("signer", "deny-before", "now", "--yes", *words)
                denied = len(releasing.events("key.refused"))
                check(unlocks(host, vm))  # it attests again when it is refused
                refused = releasing.events("key.refused")[denied:]
                equal([event["code"] for event in refused], ["health.denied"])
                issued = int(time.time())  # certificates and denials have a resolution of a second
                wait_until(lambda issued=issued: int(time.time()) > issued, "the next second")
            listed = releasing.show("signer", "list")
            check("deny_all_before" in listed and "deny_before" in listed["signers"][0])
            releasing.stop()
            releasing.start()
            equal(releasing.show("signer", "list")["deny_all_before"], listed["deny_all_before"])
            releasing.ctl("signer", "deny-before", "never")
            check("deny_all_before" not in releasing.show("signer", "list"))

        def a_signer_of_ones_own_whose_key_has_leaked_is_gone():
            """What it issued, at whatever time, counts no more; a new one signs at once, and hosts notice nothing."""
            def own():
                return {item["thumbprint"]: item["state"] for item in releasing.show("signer", "list")["signers"]}

            ask_releasing_for_both()  # a service that was started again has another port
            releasing.ctl("signer", "renew")
            listed, keys = own(), releasing.show("server", "show")["keys_loaded"]
            check(len(listed) >= 2 and "active" in listed.values() and unlocks(host, vm), listed)
            for thumbprint in listed:
                equal(releasing.show("signer", "distrust", thumbprint, "--dry-run")["own"], True)
            equal(own(), listed)
            refused = len(releasing.events("key.refused"))
            for thumbprint in listed:
                releasing.ctl("signer", "distrust", thumbprint, "--yes")
                equal(releasing.events("signer.distrusted")[-1]["object"], "attestation signer " + thumbprint)
            after = own()
            equal((list(after.values()), set(after) & set(listed)), (["active"], set()))
            equal(releasing.show("server", "show")["keys_loaded"], keys - len(listed) + 1)
            check(unlocks(host, vm))
            equal([event["code"] for event in releasing.events("key.refused")[refused:]], ["health.untrusted"])
            releasing.ctl("server", "test")
            releasing.stop()
            releasing.start()
            equal(own(), after)
            ask_releasing_for_both()
            check(unlocks(host, vm))

        def times_are_checked():
            equal(releasing.refusal("signer", "deny-before", "yesterday", "--yes", status=2), "admin.argument")
            equal(releasing.refusal("signer", "deny-before", "2999-01-01", "--yes", status=2), "admin.argument")
            soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            own = releasing.show("signer", "list")["signers"][0]["thumbprint"]
            for words in ((), ("--signer", own)):  # no key for anybody until then
                equal(releasing.refusal("signer", "deny-before", soon, "--yes", *words, status=2), "admin.argument")

        for body in (foreign_signers_are_refused, a_dry_run_trusts_nobody, trusted_signers_count, ones_own_need_no_trust,
                     only_signers_are_trusted, a_trusted_signer_can_be_denied_what_it_issued, distrust_ends_it,
                     what_is_issued_after_a_denial_counts_at_once,
                     a_signer_of_ones_own_whose_key_has_leaked_is_gone, times_are_checked):
            case(body.__name__.replace("_", " "), body)
    finish()


main()
