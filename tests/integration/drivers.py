# SPDX-License-Identifier: Apache-2.0
"""What the two SQL Server drivers check (docs/protocol.md 2.4), by the client of conformance.py, over HTTP."""
import pathlib
import sys

from fabric import Fabric, case, finish, run, wait_until

CONFORMANCE = pathlib.Path(__file__).with_name("conformance.py")


def conforms(fabric, *options):
    run([sys.executable, str(CONFORMANCE), fabric.url + "/Attestation", "--host-key", str(fabric.n1.folder / "host.key"), *options])


def encryption_certificates_conform(fabric):
    conforms(fabric)


def the_renewed_signer_conforms(fabric):
    fabric.ctl("signer", "renew")
    conforms(fabric)


def signing_certificates_conform(fabric):
    fabric.ctl("server", "set", "--allow-unprotected-signing-keys", "yes")
    wait_until(lambda: any(signer["use"] == "unprotected" for signer in fabric.show("signer", "list")["signers"]),
               "a signer for unprotected keys")
    conforms(fabric, "--signing")


def main():
    for bodies in ([encryption_certificates_conform, the_renewed_signer_conforms], [signing_certificates_conform]):
        with Fabric() as fabric:
            fabric.init()
            fabric.n1 = fabric.host("n1")
            fabric.register(fabric.n1)
            for body in bodies:
                case(body.__name__.replace("_", " "), lambda body=body, fabric=fabric: body(fabric))
    finish()


main()
