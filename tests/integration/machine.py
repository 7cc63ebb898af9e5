# SPDX-License-Identifier: Apache-2.0
"""A host in TPM mode, for the integration tests: hgs with a software TPM that was switched on with a recorded boot."""
import json
import struct

from fabric import HGS, run
from swtpm import SoftwareTpm


class Machine:
    """A host with a software TPM, switched on with a recorded boot."""

    def __init__(self, fabric, name, authority, boot, endorsement_key="auto"):
        self.fabric, self.name = fabric, name
        self.folder = fabric.folder / name
        self.tpm = SoftwareTpm(self.folder, authority)
        self.env = {**fabric.env, "HGS_HOST_CONFIG": str(self.folder / "host.conf"), "HGS_TCTI": self.tpm.tcti}
        self.identifier = self.folder / "identifier.xml"
        self.configure(endorsement_key)
        self.tpm.start()
        self.switch_on(boot)

    def configure(self, endorsement_key):
        url = self.fabric.url
        (self.folder / "host.conf").write_text(
            f"[attestation]\nurl = {url}/Attestation\n[key-protection]\nurl = {url}/KeyProtection\n"
            f"[host]\nstate = {self.folder}/state\n[tpm]\nendorsement-key = {endorsement_key}\n"
            "bios-log = bios.bin\nima-log = ima.bin\n")

    def switch_on(self, boot):
        """As starting the machine anew."""
        self.tpm.restart()
        self.tpm.replay(boot)
        boot.save(self.folder)

    def hgs(self, *arguments, status=0):
        return run([HGS, *map(str, arguments)], status=status, env=self.env)

    def attest(self, status=0):
        return json.loads(self.hgs("host", "attest", "--json", status=status).stdout)

    def refusal(self, *arguments):
        return json.loads(self.hgs(*arguments, "--json", status=1).stderr)["error"]["code"]

    def identify(self):
        return json.loads(self.hgs("host", "identify", "--name", self.name, "--out", self.identifier, "--json").stdout)

    def is_empty(self):
        """No key and no session is loaded: TPM2_GetCapability of their handles counts none."""
        with self.tpm.connect() as connection:
            found = [self.tpm.command(connection, struct.pack(">HIIIII", 0x8001, 22, 0x17A, 1, first, 64))[15:19]
                     for first in (0x80000000, 0x02000000, 0x03000000)]
        return found == [bytes(4)] * 3
