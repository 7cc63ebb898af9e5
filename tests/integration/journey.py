# SPDX-License-Identifier: Apache-2.0
"""The main job over real processes: a host attests and unlocks a VM; strangers and rolled-away keys do not."""
import json
import shutil
import signal

from fabric import Fabric, case, check, equal, finish, wait_until


def attest_and_unlock(fabric):
    host, owner = fabric.n1, fabric.owner_machine
    vm = fabric.folder / "vm.hgs"
    passphrase = fabric.folder / "passphrase"
    passphrase.write_bytes(b"correct horse battery staple")
    owner.hgs("vm", "create", vm, "--owner", "owner", "--guardian", "fabric", "--secret", f"disk={passphrase}")
    equal(host.hgs("vm", "unlock", vm, "--secret", "disk").stdout, passphrase.read_bytes())
    equal(host.show("host", "attest")["AttestationStatus"], "Passed")


def every_unlock_rolls_the_key(fabric):
    host, vm = fabric.n1, fabric.folder / "vm.hgs"
    before = json.loads(vm.read_text())
    host.hgs("vm", "unlock", vm, "--secret", "disk")
    after = json.loads(vm.read_text())
    check(before["protector"] != after["protector"], "the protector stayed the same")
    check(before["secrets"] != after["secrets"], "the secrets were not sealed anew")
    mixed = dict(after, secrets=before["secrets"])
    broken = fabric.folder / "mixed.hgs"
    broken.write_text(json.dumps(mixed))
    host.hgs("vm", "unlock", broken, "--secret", "disk", status=1)


def the_last_known_good_comes_back(fabric):
    host, vm = fabric.n1, fabric.folder / "vm.hgs"
    vm.write_text("damaged")
    host.hgs("vm", "unlock", vm, "--secret", "disk", status=1)
    host.hgs("vm", "restore", vm, "--yes")
    equal(host.hgs("vm", "unlock", vm, "--secret", "disk").stdout, b"correct horse battery staple")


def a_stranger_gets_nothing(fabric):
    stranger = fabric.host("stranger")
    vm = fabric.folder / "vm.hgs"
    done = stranger.hgs("vm", "unlock", vm, "--secret", "disk", status=1)
    equal(done.stdout, b"")
    check(b"host.unauthorized" in done.stderr, done.stderr)
    check(any(event["code"] == "attestation.host-unknown" for event in fabric.events("attestation.failed")))


def a_removed_host_gets_no_new_certificate(fabric):
    leaver = fabric.host("leaver")
    fabric.register(leaver)
    leaver.hgs("host", "attest")
    fabric.ctl("host", "remove", "leaver", "--yes")
    equal(leaver.refusal("host", "attest"), "host.unauthorized")


def a_revoked_service_gets_no_key(fabric):
    owner, host = fabric.owner_machine, fabric.n1
    vm = fabric.folder / "revoked.hgs"
    owner.hgs("vm", "create", vm, "--owner", "owner", "--guardian", "fabric", "--secret", "disk")
    owner.hgs("vm", "revoke", vm, "--guardian", "fabric")
    host.hgs("vm", "unlock", vm, "--secret", "disk", status=1)
    owner.hgs("vm", "grant", vm, "--guardian", "fabric")
    host.hgs("vm", "unlock", vm, "--secret", "disk")


def everything_is_audited(fabric):
    released = fabric.events("key.released")
    check(released, "no release is in the trail")
    for event in released:
        for field in ("host", "health_certificate", "ingress_protector", "egress_protector", "owner", "peer"):
            check(event.get(field), f"{field} is missing in {event}")
    # Which keys a host got is asked by the name under which it is registered.
    lines = fabric.ctl("event", "list", "--host", "n1", "--event", "key.released", "--json").stdout.splitlines()
    check(lines, "no release is found by the host's name")
    check("no " not in fabric.show("server", "show")["sandbox"], fabric.show("server", "show")["sandbox"])
    equal(fabric.show("event", "verify")["whole"], True)


def survives_a_restart(fabric):
    equal(fabric.stop(), 0)
    last = (fabric.folder / "state/audit/audit.log").read_text().splitlines()[-1]
    equal(json.loads(last)["event"], "audit.checkpoint")  # what a stop leaves behind is signed, all of it
    fabric.start()
    for name in ("n1", "owner-owner"):
        configure = fabric.folder / name / "host.conf"
        check(configure.exists())
    # The port may be another one now.
    url = fabric.url
    fabric.n1.hgs("host", "configure", "--attestation-url", url + "/Attestation",
                  "--key-protection-url", url + "/KeyProtection")
    fabric.n1.hgs("host", "attest")
    equal(fabric.n1.hgs("vm", "unlock", fabric.folder / "vm.hgs", "--secret", "disk").stdout,
          b"correct horse battery staple")
    equal(fabric.show("event", "verify")["whole"], True)


def survives_the_death_of_its_keyholder(fabric):
    import os
    before = fabric.children()["keyholder"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: fabric.children().get("keyholder", before) != before, "a new keyholder")
    wait_until(lambda: fabric.show("server", "show")["keyholder_alive"], "the keyholder answers")
    wait_until(lambda: fabric.n1.hgs("host", "attest", status=None).returncode == 0, "hosts attest again")
    fabric.n1.hgs("vm", "unlock", fabric.folder / "vm.hgs", "--secret", "disk")


def survives_the_death_of_its_service(fabric):
    import os
    before = fabric.children()
    os.kill(before["service"], signal.SIGKILL)
    wait_until(lambda: fabric.children().get("service", before["service"]) != before["service"], "a new service")
    wait_until(fabric.answers, "the service answers")
    wait_until(lambda: fabric.show("server", "show")["keyholder_alive"], "the keyholder answers")
    equal(fabric.show("event", "verify")["whole"], True)


def https_works(_):
    from fabric import run
    with Fabric() as fabric:
        fabric.stop()
        key, certificate = fabric.folder / "tls.key", fabric.folder / "tls.pem"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost",
             "-addext", "subjectAltName=IP:127.0.0.1"])
        fabric.extra = f"[listen]\nhttp =\nhttps = 127.0.0.1:0\ncertificate = {certificate}\nkey = {key}"
        fabric.start()
        fabric.init()
        url = fabric.url
        check(url.startswith("https://"), url)
        run(["curl", "--fail", "--silent", "--cacert", str(certificate), url + "/Attestation/getinfo"])
        run(["curl", "--fail", "--silent", url + "/Attestation/getinfo"], status=60)


def main():
    with Fabric() as fabric:
        fabric.init()
        fabric.n1 = fabric.host("n1")
        fabric.register(fabric.n1)
        fabric.owner_machine = fabric.owner()
        for body in (attest_and_unlock, every_unlock_rolls_the_key, the_last_known_good_comes_back,
                     a_stranger_gets_nothing, a_removed_host_gets_no_new_certificate,
                     a_revoked_service_gets_no_key, everything_is_audited, survives_the_death_of_its_keyholder,
                     survives_a_restart, survives_the_death_of_its_service, https_works):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    shutil.rmtree(fabric.folder, ignore_errors=True)
    finish()


main()
