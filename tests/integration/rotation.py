# SPDX-License-Identifier: Apache-2.0
"""Certificates are rotated while VMs start: no start is refused, and the administrator sees when the old ones can go."""
import contextlib
import threading

from fabric import Fabric, Failed, case, check, equal, finish, run, wait_until

METADATA = "/KeyProtection/service/metadata/2014-07/metadata.xml"
USAGES = {"signing": "digitalSignature", "encryption": "keyEncipherment", "communications": "digitalSignature"}
VMS = 3


def add_certificate(fabric, kind, name, days=30):
    """A new certificate of a type; its thumbprint."""
    key, request, certificate = (fabric.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(request), "-subj",
         f"/CN={name}", "-addext", f"keyUsage=critical,{USAGES[kind]}"])
    run(["openssl", "x509", "-req", "-in", str(request), "-signkey", str(key), "-days", str(days), "-copy_extensions",
         "copy", "-out", str(certificate)])
    return fabric.show("certificate", "add", "--type", kind, "--file", certificate, "--key-file", key)["thumbprint"]


def make_primary(fabric, kind, thumbprint):
    fabric.ctl("certificate", "set", thumbprint, "--type", kind, "--primary")


def certificates(fabric):
    """The thumbprint of each type's primary certificate."""
    return {item["type"]: item["thumbprint"] for item in fabric.show("certificate", "list")["certificates"]
            if item["primary"]}


def usage(fabric, thumbprint):
    """(key protectors that need it, that have another one, verdict)."""
    for item in fabric.show("certificate", "usage")["certificates"]:
        if item["thumbprint"] == thumbprint:
            return item["only"]["protectors"], item["also"]["protectors"], item["verdict"]
    raise Failed(f"no usage of {thumbprint}")


def make_vm(fabric, name, guardian="fabric"):
    vm = fabric.folder / f"{name}.vm"
    secret = fabric.folder / "secret"
    secret.write_bytes(b"correct horse battery staple")
    fabric.owner_machine.hgs("vm", "create", vm, "--owner", "owner", "--guardian", guardian, "--secret", f"disk={secret}")
    return vm


def start(fabric, vm):
    equal(fabric.n1.hgs("vm", "unlock", vm, "--secret", "disk").stdout, b"correct horse battery staple")


def refusal(fabric, vm):
    """What the service says of a VM that it does not let start."""
    return fabric.n1.hgs("vm", "unlock", vm, "--secret", "disk", "--json", status=1).stderr.decode()


class Load:
    """VMs that are started over and over, each by a thread of its own, until the load ends."""

    def __init__(self, fabric, vms):
        self.fabric, self.vms = fabric, vms
        self.starts = dict.fromkeys(vms, 0)
        self.refused = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(vm,)) for vm in vms]

    def run(self, vm):
        while not self.ended.is_set() and not self.refused:
            try:
                start(self.fabric, vm)
                self.starts[vm] += 1
            except (Failed, AssertionError) as failure:
                self.refused.append(str(failure))

    def each_starts_again(self):
        """A start may be under way with what was before: the one after it began later."""
        before = dict(self.starts)
        wait_until(lambda: self.refused or all(self.starts[vm] >= before[vm] + 2 for vm in self.vms), "every VM starts again")
        equal(self.refused, [])


@contextlib.contextmanager
def load(fabric, vms):
    it = Load(fabric, vms)
    for thread in it.threads:
        thread.start()
    try:
        yield it
    finally:
        it.ended.set()
        for thread in it.threads:
            thread.join()
    equal(it.refused, [])


def a_pair_is_rotated_under_load(fabric):
    old = certificates(fabric)
    vms = [make_vm(fabric, f"web{number}") for number in range(VMS)]
    fabric.left_behind = make_vm(fabric, "forgotten")
    start(fabric, fabric.left_behind)
    with load(fabric, vms) as running:
        running.each_starts_again()
        for kind in old:
            equal(usage(fabric, old[kind]), (VMS + 1, 0, "primary"))
        new = {kind: add_certificate(fabric, kind, f"new {kind}") for kind in old}
        running.each_starts_again()
        for kind in new:
            make_primary(fabric, kind, new[kind])
        running.each_starts_again()
        for kind in old:  # owners have yet to act
            equal(usage(fabric, old[kind]), (VMS + 1, 0, "needed"))
            equal(usage(fabric, new[kind]), (0, 0, "primary"))
            done = fabric.ctl("certificate", "remove", old[kind], "--type", kind, status=1)
            check(b"4 key protectors can be opened with no other" in done.stderr and b"--yes" in done.stderr, done.stderr)
        owner = fabric.owner_machine
        owner.hgs("guardian", "import", "fabric", fabric.url + METADATA, "--allow-untrusted-root", "--replace")
        for vm in vms:
            owner.hgs("vm", "grant", vm, "--guardian", "fabric")
        running.each_starts_again()
        for kind in old:
            equal(usage(fabric, old[kind])[:2], (1, VMS))
            equal(usage(fabric, new[kind])[:2], (0, VMS))
        for kind in old:
            said = fabric.ctl("certificate", "set", old[kind], "--type", kind, "--disable").stdout
            check(b"is disabled." in said and b"grant access anew: 1\n" in said, said)
        running.each_starts_again()
        fabric.old, fabric.new = old, new


def who_was_forgotten_is_told_why(fabric):
    """A disabled certificate is named; a removed one, too, and the owner brings the VM back either way."""
    said = refusal(fabric, fabric.left_behind)
    check("which is disabled here" in said and fabric.old["signing"] in said, said)
    fabric.ctl("certificate", "set", fabric.old["signing"], "--type", "signing", "--enable")
    said = refusal(fabric, fabric.left_behind)
    check("which is disabled here" in said and fabric.old["encryption"] in said, said)
    event = fabric.events("key.refused")[-1]
    equal((event["code"], event["encryption_certificate"]), ("keyprotection.certificate-disabled", fabric.old["encryption"]))
    fabric.ctl("certificate", "set", fabric.old["encryption"], "--type", "encryption", "--enable")
    start(fabric, fabric.left_behind)
    equal(usage(fabric, fabric.old["encryption"])[0], 1)
    for kind in fabric.old:
        equal(fabric.refusal("certificate", "remove", fabric.old[kind], "--type", kind), "admin.certificate-needed")
        fabric.ctl("certificate", "remove", fabric.old[kind], "--type", kind, "--yes")
    said = refusal(fabric, fabric.left_behind)
    check("no other" not in said and fabric.old["signing"] in said, said)
    equal(fabric.events("key.refused")[-1]["code"], "keyprotection.guardian-gone")
    fabric.owner_machine.hgs("vm", "grant", fabric.left_behind, "--guardian", "fabric")
    start(fabric, fabric.left_behind)
    for vm in fabric.folder.glob("web*.vm"):
        start(fabric, vm)


def counts_survive_a_restart(fabric):
    before = fabric.show("certificate", "usage")
    equal([item["only"]["protectors"] for item in before["certificates"]], [VMS + 1, VMS + 1])
    fabric.stop()
    fabric.start()
    fabric.n1.configure()
    equal(fabric.show("certificate", "usage"), before)
    start(fabric, fabric.left_behind)
    after = fabric.show("certificate", "usage")
    equal([item["only"]["protectors"] for item in after["certificates"]], [VMS + 1, VMS + 1])
    table = fabric.ctl("certificate", "usage", "--days", "7").stdout.decode()
    check("NEED IT" in table and "in the last 7 days" in table, table)
    equal(fabric.refusal("certificate", "usage", "--days", "0", status=2), "admin.argument")


def revoked(fabric, vm, kind):
    """A copy of a VM file without the former wrapping: a guardian that is known by another name stays."""
    copy = fabric.folder / f"revoked-{kind}.vm"
    copy.write_bytes(vm.read_bytes())
    before = len(fabric.owner_machine.show("vm", "show", copy)["wrappings"])
    fabric.owner_machine.hgs("vm", "revoke", copy, "--guardian", f"former-{kind}")
    equal(len(fabric.owner_machine.show("vm", "show", copy)["wrappings"]), before - 1)
    start(fabric, copy)
    return copy


def one_of_a_pair_is_rotated(fabric):
    """Old guardians at owners stay good for as long as their certificates are enabled."""
    vm = fabric.folder / "web0.vm"
    owner = fabric.owner_machine
    for kind in ("encryption", "signing"):
        before = certificates(fabric)[kind]
        owner.hgs("guardian", "import", f"former-{kind}", fabric.url + METADATA, "--allow-untrusted-root")
        make_primary(fabric, kind, add_certificate(fabric, kind, f"second {kind}"))
        start(fabric, make_vm(fabric, f"before-{kind}"))  # with the guardian as it was
        owner.hgs("guardian", "import", "fabric", fabric.url + METADATA, "--allow-untrusted-root", "--replace")
        start(fabric, make_vm(fabric, f"after-{kind}"))
        owner.hgs("vm", "grant", vm, "--guardian", "fabric")
        equal(owner.refusal("vm", "grant", vm, "--guardian", "fabric"), "protector.granted")
        start(fabric, vm)
        both = revoked(fabric, vm, kind)
        fabric.ctl("certificate", "remove", before, "--type", kind, "--yes")
        start(fabric, vm)
        start(fabric, both)
        start(fabric, fabric.folder / f"after-{kind}.vm")
        check(before in refusal(fabric, fabric.folder / f"before-{kind}.vm"), "the certificate is not named")


def a_certificate_is_renewed_over_its_key(fabric):
    """Nobody has to do anything: the new one opens what the old one did."""
    key, first, second = (fabric.folder / name for name in ("renewed.key", "renewed.1", "renewed.2"))
    make = ("openssl", "req", "-x509", "-nodes", "-days", "30", "-addext", f"keyUsage=critical,{USAGES['encryption']}")
    run([*make, "-newkey", "rsa:2048", "-keyout", str(key), "-out", str(first), "-subj", "/CN=first"])
    run([*make, "-key", str(key), "-out", str(second), "-subj", "/CN=second"])
    add = ("certificate", "add", "--type", "encryption", "--key-file", key, "--file")
    old = fabric.show(*add, first)["thumbprint"]
    make_primary(fabric, "encryption", old)
    owner = fabric.owner_machine
    owner.hgs("guardian", "import", "fabric", fabric.url + METADATA, "--allow-untrusted-root", "--replace")
    vm = make_vm(fabric, "renewed")
    start(fabric, vm)
    new = fabric.show(*add, second)["thumbprint"]
    make_primary(fabric, "encryption", new)
    equal(usage(fabric, old)[:2], (0, 1))
    said = fabric.ctl("certificate", "remove", old, "--type", "encryption").stdout
    check(b"its private key serves another certificate" in said, said)
    start(fabric, vm)
    equal(usage(fabric, new)[:2], (1, 0))


def metadata_is_signed_by_the_communications_certificate(fabric):
    add_certificate(fabric, "communications", "communications")
    owner = fabric.owner_machine
    owner.hgs("guardian", "import", "fabric", fabric.url + METADATA, "--allow-untrusted-root", "--replace")
    start(fabric, make_vm(fabric, "communicated"))


def expired_certificates_still_serve(fabric):
    """They are shown as expired, and open what was encrypted to them; owners say that they accept them."""
    for kind in ("encryption", "signing"):
        make_primary(fabric, kind, add_certificate(fabric, kind, f"expired {kind}", days=-1))
    owner = fabric.owner_machine
    source = (fabric.url + METADATA, "--allow-untrusted-root", "--replace")
    equal(owner.refusal("guardian", "import", "fabric", *source), "metadata.expired")
    owner.hgs("guardian", "import", "fabric", *source, "--allow-expired")
    start(fabric, make_vm(fabric, "expired"))


def guardians_of_ones_own_stay(fabric):
    owner = fabric.owner_machine
    source = (fabric.url + METADATA, "--allow-untrusted-root", "--allow-expired")
    equal(owner.refusal("guardian", "import", "owner", *source, "--replace"), "hgs.guardian-exists")
    equal(owner.refusal("guardian", "import", "fabric", *source), "hgs.guardian-exists")
    owner.hgs("guardian", "import", "another", *source, "--replace")


def a_cleared_service_counts_anew(fabric):
    check(fabric.show("certificate", "usage")["protectors"] > 0)
    fabric.ctl("server", "clear", "--yes")
    fabric.init()
    equal(fabric.show("certificate", "usage")["protectors"], 0)


def main():
    with Fabric() as fabric:
        fabric.init()
        fabric.n1 = fabric.host("n1")
        fabric.register(fabric.n1)
        fabric.owner_machine = fabric.owner()
        for body in (a_pair_is_rotated_under_load, who_was_forgotten_is_told_why, counts_survive_a_restart,
                     one_of_a_pair_is_rotated, a_certificate_is_renewed_over_its_key,
                     metadata_is_signed_by_the_communications_certificate, expired_certificates_still_serve,
                     guardians_of_ones_own_stay, a_cleared_service_counts_anew):
            case(body.__name__.replace("_", " "), lambda body=body: body(fabric))
    finish()


main()
