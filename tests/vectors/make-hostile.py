#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tests/vectors/make-hostile.py — makes tests/vectors/hostile anew: those attacks of tests/integration/hostile.py
and hostile_protectors.py that are whole key protectors, a few of each kind. hostile.md says what they are."""
import pathlib
import re
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "integration"))
sys.dont_write_bytecode = True

import forge  # noqa: E402
import hostile  # noqa: E402
import hostile_protectors  # noqa: E402

KEPT = {
    "other Wrappings before", "other Wrappings at the end", "other Wrappings, the signed ones in a signature",
    "other Wrappings within", "a Wrapping moved behind", "a Wrapping moved into another", "an Id twice, the other before",
    "a signature by nobody", "the Id '02'", "a Wrapping more", "Wrappings in another order", "another prefix",
    "a signature by another guardian", "a loop of two", "a loop through the owner", "two owners", "granted by nobody",
    "an encryption certificate of another", "a signing key of 1024 bits", "a stranger below", "a stranger beside",
    "an entity bomb", "a recursive entity", "an external entity", "a parameter entity", "10 000 levels within",
    "a comment within", "an inclusion",
}


class Recorder:
    """Takes the place of scene.Scene: what would be sent is kept."""

    def __init__(self, folder, into):
        self.folder, self.into = folder, into
        self.owner, self.stranger, self.service = (forge.Guardian(folder, n) for n in ("owner", "stranger", "service"))
        self.transport_key = b"a transport key has 32 bytes. ok"
        self.protector = forge.good_protector(self.owner, self.service, self.transport_key)
        self.health = b""

    def keep(self, name, text, code):
        word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        (self.into / f"{code}_{word}.xml").write_text(text)

    def refuse_protector(self, name, text, code, *_):
        if name in KEPT:
            self.keep(name, text, code)

    def roll(self, _):
        pass


def main():
    into = TESTS / "vectors" / "hostile"
    into.mkdir(exist_ok=True)
    for old in into.glob("*.xml"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(pathlib.Path(folder), into)
        recorder.keep("a proper protector", recorder.protector, "good")
        hostile_protectors.signature_wrapping(recorder)
        hostile_protectors.chains_of_parents(recorder)
        for name, text in hostile.hostile_xml(recorder.protector.split("\n", 1)[1].strip(), "http://127.0.0.1:9").items():
            recorder.refuse_protector(name, text, "protector.limit" if name in hostile.LIMITS else "protector.malformed")


if __name__ == "__main__":
    main()
