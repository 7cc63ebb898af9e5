# SPDX-License-Identifier: Apache-2.0
"""What the built programs say of themselves: options, configuration keys, error codes. Read by the other tools here."""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Tables:
    """The tables of the programs in a build folder."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        for name in ("hgsd", "hgsctl", "hgs"):
            if not self.program(name).is_file():
                sys.exit(f"{self.program(name)}: no such program; build it first (ninja -C {build})")
        self.programs = {name: self.read(name, "--dump-options") for name in ("hgsctl", "hgs")}
        self.configs = {"hgsd.conf": self.read("hgsd", "--dump-config"), "host.conf": self.read("hgs", "--dump-config")}
        self.codes = {row["code"]: row for row in self.read("hgsctl", "explain", "--json")}

    def program(self, name):
        return self.build / "src" / name / name

    def run(self, name, *words):
        return subprocess.run([str(self.program(name)), *words], check=True, stdout=subprocess.PIPE).stdout.decode()

    def read(self, name, *words):
        return json.loads(self.run(name, *words))

    def commands(self, program):
        """(noun, command) of all commands of hgsctl or hgs, in their order."""
        for noun in self.programs[program]["nouns"]:
            for command in noun["commands"]:
                yield noun, command

    def hgsd_options(self):
        """The long options that hgsd --help shows."""
        return set(re.findall(r"^  --([a-z-]+)", self.run("hgsd", "--help"), re.MULTILINE))


def write_or_check(made, check, how):
    """Writes {path: text}; with check only compares. The exit status."""
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)}: not up to date; run {how}")
        else:
            path.write_text(made[path])
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and stale else 0
