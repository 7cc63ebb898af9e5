# SPDX-License-Identifier: Apache-2.0
"""tools/check-layers lets a good tree pass and refuses each way of breaking one."""
import pathlib
import re
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).parents[2] / "tools" / "check-layers"
OWN_BUILD = PROGRAM.parents[1] / "src" / "meson.build"

GOOD = {
    "base/json.c": '#include "base/json.h"\n#include <cjson/cJSON.h>\n',
    "base/json.h": "#pragma once\n",
    "crypto/kdf.c": '#include "base/json.h"\n#include <openssl/evp.h>\n#include <stdio.h>\n',
    "hgsd/main.c": '#include "crypto/kdf.h"\n#include "hgsd/config.h"\n',
}


class CheckLayers(unittest.TestCase):
    def check(self, files, build=None):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "src"
            for name, text in files.items():
                path = source / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            (source / "meson.build").write_text(build or OWN_BUILD.read_text(encoding="utf-8"), encoding="utf-8")
            return subprocess.run([PROGRAM, folder], capture_output=True, text=True, check=False)

    def refused(self, name, text, message):
        done = self.check(GOOD | {name: text})
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(message, done.stdout)

    def test_good(self):
        done = self.check(GOOD)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_upwards(self):
        self.refused("base/log.c", '#include "crypto/kdf.h"\n', "src/base/log.c:1: includes crypto/kdf.h, but crypto")
        self.refused("base/log.c", '#  include "http/server.h"\n', "http lies above base")

    def test_programs(self):
        self.refused("host/attest.c", '#include "hgs/output.h"\n', "belongs to the program hgs")
        self.refused("hgs/vm.c", '#include "hgsd/config.h"\n', "belongs to the program hgsd")

    def test_libraries(self):
        self.refused("vm/vm.c", "#include <openssl/evp.h>\n", "<openssl/evp.h>, which is admitted only in crypto")
        self.refused("vm/vm.c", '#include "cJSON.h"\n', "<cJSON.h>, which is admitted only in base")
        self.refused("keyholder/process.c", "#include <seccomp.h>\n", "admitted only in process")

    def test_forms(self):
        self.refused("vm/vm.c", '#include "vm.h"\n', "which is in no room; write room/file.h")
        self.refused("vm/vm.c", "#include <base/json.h>\n", "ours are written in quotes")
        self.refused("vm/vm_util.c", "\n", "says nothing about what is in it")
        self.refused("main.c", "\n", "lies in no room")
        self.refused("cellar/wine.c", "\n", "is no room")

    def test_build_has_the_same_order(self):
        text = OWN_BUILD.read_text(encoding="utf-8")
        done = self.check(GOOD, re.sub(r"'base', 'process'", "'process', 'base'", text))
        self.assertEqual(done.returncode, 1)
        self.assertIn("src/meson.build: lists the rooms process base", done.stdout)


if __name__ == "__main__":
    unittest.main()
