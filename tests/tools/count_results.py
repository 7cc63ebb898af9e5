# SPDX-License-Identifier: Apache-2.0
"""tools/count-results against what cmocka 1.1.5, our TAP programs and meson really print."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).parents[2] / "tools" / "count-results"
_loader = importlib.machinery.SourceFileLoader("count_results", str(PROGRAM))
count_results = importlib.util.module_from_spec(importlib.util.spec_from_loader("count_results", _loader))
_loader.exec_module(count_results)

CMOCKA_GOOD = """[==========] Running 2 test(s).
[ RUN      ] good
[       OK ] good
[ RUN      ] skipped
[  SKIPPED ] skipped
[==========] 2 test(s) run.
"""
CMOCKA_GOOD_ERRORS = """[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] skipped

 1 SKIPPED TEST(S)
"""
# Two that fail, and one whose setup fails.
CMOCKA_BAD = """[==========] Running 5 test(s).
[ RUN      ] good
[       OK ] good
[ RUN      ] bad
[  FAILED  ] bad
[ RUN      ] bad2
[  FAILED  ] bad2
[ RUN      ] skipped
[  SKIPPED ] skipped
[ RUN      ] good
[==========] 5 test(s) run.
"""
CMOCKA_BAD_ERRORS = """[  ERROR   ] --- 0x1 != 0x2
[   LINE   ] --- t.c:7: error: Failure!
ERROR: two
ok 3 - not a TAP line

Could not run test: Test setup failed
[  ERROR   ] good
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] skipped

 1 SKIPPED TEST(S)
[  FAILED  ] 2 test(s), listed below:
[  FAILED  ] bad
[  FAILED  ] bad2

 3 FAILED TEST(S)
"""
CMOCKA_CRASH = """[==========] Running 3 test(s).
[ RUN      ] good
[       OK ] good
[ RUN      ] crash
"""
CMOCKA_GROUP = "[==========] Running 2 test(s).\n[==========] 0 test(s) run.\n"
CMOCKA_GROUP_ERRORS = "[  FAILED  ] GROUP SETUP\n[  ERROR   ] b\n[  PASSED  ] 0 test(s).\n"
TAP = """ok 1 - first
# ok 9 - a remark
not ok 2 - second
# Traceback (most recent call last):
ok 3 - third # SKIP no tang here
# SKIP a case that has no number
1..5
"""


def program(result, stdout="", stderr="", suite="hgs:unit", name="test"):
    return {"name": name, "suite": [suite], "result": result, "stdout": stdout, "stderr": stderr}


class Count(unittest.TestCase):
    def expect(self, counts, *arguments):
        self.assertEqual(count_results.count(program(*arguments)), counts)

    def test_cmocka(self):
        self.expect((1, 0, 1), "OK", CMOCKA_GOOD, CMOCKA_GOOD_ERRORS)
        self.expect((1, 3, 1), "FAIL", CMOCKA_BAD, CMOCKA_BAD_ERRORS)
        self.expect((2, 3, 2), "FAIL", CMOCKA_BAD + CMOCKA_GOOD, CMOCKA_BAD_ERRORS + CMOCKA_GOOD_ERRORS)

    def test_what_began_and_did_not_end_failed(self):
        self.expect((1, 1, 0), "FAIL", CMOCKA_CRASH)
        self.expect((1, 1, 0), "TIMEOUT", CMOCKA_CRASH)
        self.expect((0, 1, 0), "FAIL", CMOCKA_GROUP, CMOCKA_GROUP_ERRORS)
        self.expect((1, 1, 1), "FAIL", CMOCKA_GROUP + CMOCKA_GOOD, CMOCKA_GROUP_ERRORS + CMOCKA_GOOD_ERRORS)

    def test_tap(self):
        # Of five that were planned three came.
        self.expect((1, 3, 2), "FAIL", TAP)
        self.expect((2, 0, 0), "OK", "ok 1 - a\nok 2 - b\n1..2\n")
        self.expect((2, 1, 0), "FAIL", "ok 1 - a\nok 2 - b\n")

    def test_programs_that_name_no_test(self):
        self.expect((1, 0, 0), "OK", "fine\n")
        self.expect((0, 1, 0), "FAIL", "", "==1==ERROR: AddressSanitizer\n")
        self.expect((0, 0, 1), "SKIP")
        # Every test passed, but LeakSanitizer had the last word.
        self.expect((1, 1, 1), "FAIL", CMOCKA_GOOD, CMOCKA_GOOD_ERRORS)


class Main(unittest.TestCase):
    def run_main(self, tests, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "testlog.json"
            if tests is not None:
                path.write_text("".join(json.dumps(test) + "\n" for test in tests), encoding="utf-8")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                status = count_results.main([*options, str(path), "3", "0"])
            return status, output.getvalue().splitlines()

    def test_adds_up(self):
        tests = [program("OK", CMOCKA_GOOD), program("FAIL", TAP, suite="hgs:integration", name="journey")]
        status, lines = self.run_main(tests)
        self.assertEqual((status, lines[-1]), (1, "5 passed, 3 failed, 3 skipped"))
        self.assertIn("FAILED  journey", lines)
        status, lines = self.run_main([program("OK", "ok 1 - a\n1..1\n")])
        self.assertEqual((status, lines[-1]), (0, "4 passed, 0 failed"))

    def test_no_skips(self):
        status, lines = self.run_main([program("OK", CMOCKA_GOOD)], "--no-skips")
        self.assertEqual((status, lines[-1]), (1, "4 passed, 1 failed"))

    def test_no_log(self):
        for tests in None, []:
            status, lines = self.run_main(tests)
            self.assertEqual((status, lines[-1]), (1, "3 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
