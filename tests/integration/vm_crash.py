# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every step of `hgs vm unlock` that changes a file: the VM file that is left always unlocks, and what was
last known good stays good. Also what a rolled key no longer opens."""
import json
import os
import shutil
import signal

from fabric import HGS, Fabric, case, check, equal, finish, run

LIBRARY = os.environ["HGS_CRASH_LIBRARY"]
SECRET = b"correct horse battery staple\x00\xff"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Crash:
    """A VM file in a folder of its own, and a host that may unlock it."""

    def __init__(self, fabric):
        self.host = fabric.host("n1")
        fabric.register(self.host)
        self.owner = fabric.owner()
        self.folder = fabric.folder / "vm"
        self.file = self.folder / "web.vm"
        self.last_good = self.folder / "web.vm.last-good"
        self.state = self.host.folder / "state"
        self.folder.mkdir()
        (fabric.folder / "secret").write_bytes(SECRET)
        self.host.hgs("vm", "create", self.file, "--owner", "owner", "--guardian", "fabric",
                      "--secret", f"disk={fabric.folder}/secret", "--secret", "other")
        self.original = self.file.read_bytes()

    def reset(self):
        """The file as its owner made it; no identity key, so that each unlock attests."""
        for path in self.folder.iterdir():
            path.unlink()
        self.file.write_bytes(self.original)
        shutil.rmtree(self.state, ignore_errors=True)

    def unlock(self, path=None):
        return self.host.hgs("vm", "unlock", path or self.file, "--secret", "disk").stdout

    def unlock_and_die(self, step):
        env = {**self.host.env, "HGS_CRASH_AT": str(step), "LD_PRELOAD": LIBRARY,
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        return run([HGS, "vm", "unlock", str(self.file), "--secret", "disk"], status=None, env=env)


def dies_at_every_step(crash):
    step, before, after = 0, 0, 0
    while True:
        step += 1
        crash.reset()
        done = crash.unlock_and_die(step)
        if done.returncode == 0:
            equal(done.stdout, SECRET)
            break
        equal(done.returncode, -signal.SIGKILL)
        rolled = crash.file.read_bytes() != crash.original
        before += not rolled
        after += rolled
        if done.stdout:
            # A secret that got out, even in part, is one whose file was rolled.
            check(rolled, f"step {step}: a secret got out of a file that was not rolled")
        if rolled:
            equal(crash.last_good.read_bytes(), crash.original)
        if crash.last_good.exists():
            shutil.copy(crash.last_good, crash.folder / "copy")
            equal(crash.unlock(crash.folder / "copy"), SECRET)
        equal(crash.unlock(), SECRET)
        check(step < 200, "it never lives to the end")
    # The test would prove nothing if it had not died on both sides of the change.
    check(before > 8 and after > 1, f"died {before} times before and {after} times after the change")


def restores_after_damage(crash):
    crash.reset()
    equal(crash.unlock(), SECRET)
    former = crash.last_good.read_bytes()
    crash.file.write_bytes(crash.file.read_bytes()[:-100])
    equal(crash.host.refusal("vm", "unlock", crash.file, "--secret", "disk"), "vm.malformed")
    crash.host.hgs("vm", "restore", crash.file)
    equal(crash.file.read_bytes(), former)
    equal(crash.unlock(), SECRET)


def forgets_the_former_key(crash):
    """The old protector beside the new secrets: the service gives the old transport key, which opens nothing."""
    crash.reset()
    equal(crash.unlock(), SECRET)
    new, old = json.loads(crash.file.read_bytes()), json.loads(crash.original)
    crash.file.write_text(json.dumps({**new, "protector": old["protector"]}))
    mixed = files(crash.folder)
    equal(crash.host.refusal("vm", "unlock", crash.file, "--secret", "disk"), "vm.secret-sealed")
    equal(files(crash.folder), mixed)


def changes_nothing_when_refused(crash):
    crash.reset()
    stranger = crash.host.fabric.host("stranger")
    before = files(crash.folder)
    equal(stranger.refusal("vm", "unlock", crash.file, "--secret", "disk"), "host.unauthorized")
    equal(crash.host.refusal("vm", "unlock", crash.file, "--secret", "none"), "vm.secret-unknown")
    equal(files(crash.folder), before)


def main():
    with Fabric() as fabric:
        fabric.init()
        crash = Crash(fabric)
        case("a VM file unlocks after kill -9 at every step", lambda: dies_at_every_step(crash))
        case("a damaged VM file is restored", lambda: restores_after_damage(crash))
        case("a former transport key opens nothing in the new file", lambda: forgets_the_former_key(crash))
        case("a refused unlock changes nothing", lambda: changes_nothing_when_refused(crash))
    finish()


if __name__ == "__main__":
    main()
