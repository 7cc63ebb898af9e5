# SPDX-License-Identifier: Apache-2.0
"""Key rolls by keys of PKCS#11 tokens: SoftHSM, and SoftHSM behind a module in which each operation takes 10 ms longer; and
what the slow one does to everything else."""
import os
import pathlib
import subprocess
import urllib.request

PIN = "123456"
SLOW_MS = 10
SESSIONS = 4
MODULES = [pathlib.Path("/usr/lib/softhsm/libsofthsm2.so"), *pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")]


class Token:
    """A SoftHSM token in a folder of its own, and its section of hgsd.conf."""

    def __init__(self, folder, name, softhsm, slow_module=None):
        self.folder, self.name, self.softhsm, self.slow_module = folder / name, name, softhsm, slow_module
        (self.folder / "tokens").mkdir(parents=True)
        (self.folder / "etc").mkdir()
        (self.folder / "pin").write_text(PIN)
        (self.folder / "pin").chmod(0o600)
        (self.folder / "etc/softhsm2.conf").write_text(
            f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.util("--init-token", "--free", "--label", name, "--pin", PIN, "--so-pin", PIN)

    def util(self, *words):
        subprocess.run(["softhsm2-util", *map(str, words)], check=True, stdout=subprocess.PIPE,
                       env={**os.environ, "SOFTHSM2_CONF": str(self.folder / "etc/softhsm2.conf")})

    def section(self):
        environment = f"SOFTHSM2_CONF={self.folder}/etc/softhsm2.conf"
        if self.slow_module:
            # A list's words have no blanks, so the rules come in a file.
            (self.folder / "etc/rules").write_text(f"C_Sign delay {SLOW_MS}\nC_Decrypt delay {SLOW_MS}\n")
            environment += f" HGS_FAULTY_MODULE={self.softhsm} HGS_FAULTY_CONTROL={self.folder}/etc/rules"
        return (f"[token {self.name}]\nmodule = {self.slow_module or self.softhsm}\nuri = pkcs11:token={self.name}\n"
                f"pin-file = {self.folder}/pin\nraw-rsa = yes\nsessions = {SESSIONS}\nread = {self.folder}/etc\n"
                f"write = {self.folder}/tokens\nenvironment = {environment}\n")

    def add_certificates(self, ctl):
        """Makes a signing and an encryption key in the token; the service's certificates of them, by type."""
        added = {}
        for number, (kind, usage) in enumerate((("signing", "digitalSignature"), ("encryption", "keyEncipherment"))):
            key, certificate = self.folder / f"{kind}.key", self.folder / f"{kind}.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out",
                            certificate, "-subj", f"/CN={self.name} {kind}", "-addext", f"keyUsage={usage}"],
                           check=True, stderr=subprocess.PIPE)
            self.util("--import", key, "--token", self.name, "--label", kind, "--id", f"0{number + 1}", "--pin", PIN)
            added[kind] = ctl("certificate", "add", "--type", kind, "--pkcs11", f"pkcs11:token={self.name};object={kind}",
                              "--file", str(certificate))["thumbprint"]
        return added


def make_tokens(folder, build):
    """The two tokens; none where SoftHSM is not installed."""
    softhsm = next((path for path in MODULES if path.exists()), None)
    if softhsm is None:
        return []
    return [Token(folder, "softhsm", softhsm), Token(folder, "slow", softhsm, build / "tests/modules/faulty_token.so")]


class HsmBench:
    """Beside the bench of software keys, with its service, hosts and loads."""

    def __init__(self, bench, tokens):
        self.bench, self.tokens = bench, tokens
        self.service = bench.service
        self.rolls = {}  # the target of a load for each token

    def prepare(self):
        before = {item["type"]: item["thumbprint"] for item in self.service.show("certificate", "list")["certificates"]
                  if item["primary"]}
        for token in self.tokens:
            self.use(token.add_certificates(self.service.show))
            folder = token.folder / "rolls"
            folder.mkdir()
            metadata = folder / "metadata.xml"
            with urllib.request.urlopen(
                    f"{self.service.url}/KeyProtection/service/metadata/2014-07/metadata.xml") as reply:
                metadata.write_bytes(reply.read())
            self.bench.make_rolls(folder, metadata)
            self.rolls[token.name] = self.bench.roll_target(folder)
        self.use(before)

    def use(self, thumbprints):
        for kind in ("signing", "encryption"):
            self.service.ctl("certificate", "set", thumbprints[kind], "--type", kind, "--primary")

    def speed(self):
        names = {"softhsm": "key roll, SoftHSM", "slow": f"key roll, HSM of {SLOW_MS} ms"}
        return [self.bench.measure(names[token.name], self.rolls[token.name], connections,
                                   {"service": self.service.service, "keyholder": self.service.tokens[token.name]})
                for token in self.tokens for connections in self.bench.options.connections]

    def meanwhile(self, connections):
        """Attestations and software rolls, alone and while the slow token has more to do than it can."""
        rows = []
        for name, target in self.bench.kinds().items():
            alone = self.bench.load(*target, connections)
            slow = self.bench.start_load(*self.rolls["slow"], 64, self.bench.options.seconds + 1)
            among = self.bench.load(*target, connections)
            rows.append({"what": name, "connections": connections, "alone": alone, "among": among,
                         "slow": self.bench.finish_load(slow)})
        return rows
