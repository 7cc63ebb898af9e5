# SPDX-License-Identifier: Apache-2.0
"""Health certificates and key protectors that attack (scene.py says what each must lead to)."""
import copy
import datetime
import os
import re

import forge
from fabric import check, equal
from scene import HEALTH, WRAPPING, perform


def health_certificates(scene):
    signer, spki = scene.signer, forge.public(scene.identity)
    scene.fabric.ctl("signer", "trust", scene.folder / "signer.der")
    scene.roll(forge.roll_request(scene.protector, signer.health(spki)))
    name = scene.fabric.show("signer", "list")["signers"][0]["subject"].removeprefix("CN=")
    strange = forge.Signer(scene.folder, "Strange Signer")
    double = forge.Signer(scene.folder, name)
    weak = forge.public(forge.make_key(scene.folder / "weak.pem", *forge.WEAK))
    curve = forge.public(forge.make_key(scene.folder / "curve.pem", *forge.CURVE))
    changed = bytearray(scene.health)
    changed[-1] ^= 1
    usage, policy, hour = forge.key_usage(forge.KEY_ENCIPHERMENT), forge.HEALTH_POLICY, forge.HOUR
    both = forge.key_usage(forge.KEY_ENCIPHERMENT | forge.DIGITAL_SIGNATURE)
    cases = [
        ("random bytes", os.urandom(900), 400, "health.malformed"),
        ("a byte behind it", scene.health + b"\0", 400, "health.malformed"),
        ("twice", scene.health + scene.health, 400, "health.malformed"),
        ("a key alone", spki, 400, "health.malformed"),
        ("a key of 1024 bits", signer.health(weak), 400, "health.malformed"),
        ("a signer that nobody trusts", strange.health(spki), 403, "health.untrusted"),
        ("a signer that only has our signer's name", double.health(spki), 403, "health.untrusted"),
        ("another signature", bytes(changed), 403, "health.untrusted"),
        ("expired", signer.health(spki, begin=forge.NOW - 3 * hour, end=forge.NOW - hour), 403, "health.expired"),
        (
            "not yet valid",
            signer.health(spki, begin=forge.NOW + 2 * hour, end=forge.NOW + 3 * hour),
            403,
            "health.expired",
        ),
        ("outlives its signer", signer.health(spki, end=forge.NOW + 25 * hour), 403, "health.profile"),
        ("for signing", signer.health(spki, [forge.key_usage(forge.DIGITAL_SIGNATURE), policy]), 403, "health.profile"),
        ("for both", signer.health(spki, [both, policy]), 403, "health.profile"),
        ("for anything", signer.health(spki, [policy]), 403, "health.profile"),
        ("without the policy", signer.health(spki, [usage]), 403, "health.profile"),
        ("an authority", signer.health(spki, [usage, policy, forge.AUTHORITY]), 403, "health.profile"),
        (
            "an unknown critical extension",
            signer.health(spki, [usage, policy, forge.extension("1.2.3.4", b"\5\0", True)]),
            403,
            "health.profile",
        ),
        ("a key on a curve", signer.health(curve), 403, "health.profile"),
        ("the signer itself", signer.certificate, 403, "health.profile"),
    ]
    for name, certificate, status, code in cases:
        scene.refuse_roll(name, forge.roll_request(scene.protector, certificate), status, HEALTH, code)
    thumbprint = next(
        s["thumbprint"] for s in scene.fabric.show("signer", "list")["trusted"] if "Other" in s["subject"]
    )
    scene.fabric.ctl("signer", "deny-before", "now", "--signer", thumbprint, "--yes")
    denied = forge.roll_request(scene.protector, signer.health(spki))
    scene.refuse_roll("denied", denied, 403, HEALTH, "health.denied")
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    scene.fabric.ctl("signer", "deny-before", later.strftime("%Y-%m-%dT%H:%M:%SZ"), "--yes")
    scene.refuse_roll("ours, denied", forge.roll_request(scene.protector, scene.health), 403, HEALTH, "health.denied")
    scene.fabric.ctl("signer", "deny-before", "never", "--yes")
    scene.roll(forge.roll_request(scene.protector, scene.health))


def parts(text):
    """The Wrappings element of a protector, and its Wrapping elements."""
    return re.search(r"<Wrappings .*</Wrappings>", text)[0], re.findall(r"<Wrapping>.*?</Wrapping>", text)


def signature_wrapping(scene):
    """A protector of somebody else, moved about: none of it may be taken for what was signed."""
    good = scene.protector
    signed, (first, second) = parts(good)
    cipher = forge.encrypt_to(scene.service.encryption, forge.payload(scene.transport_key))
    own = forge.wrapping(3, scene.stranger, 3, scene.stranger.signing_key, cipher)
    evil = forge.wrappings(own, own.replace("<Id>3<", "<Id>2<"))
    opened = signed.removesuffix("</Wrappings>")

    def sub(old, new, count=1):
        check(old in good, old)
        return good.replace(old, new, count)

    by_owner = '<GuardianSignature WrappingId="1">'
    malformed = {
        "the Wrappings twice": sub(signed, signed + signed),
        "other Wrappings before": sub(signed, evil + signed),
        "other Wrappings behind": sub(signed, signed + evil),
        "other Wrappings at the end": sub("</Protector>", evil + "</Protector>"),
        "other Wrappings, the signed ones at the end": sub(signed, evil).replace(
            "</Protector>", signed + "</Protector>"
        ),
        "other Wrappings, the signed ones in a signature": sub(signed, evil).replace(by_owner, by_owner + signed),
        "other Wrappings, the signed ones within": sub(signed, evil.replace("<Wrapping>", signed + "<Wrapping>", 1)),
        "other Wrappings within": sub(signed, opened + evil + "</Wrappings>"),
        "Wrappings in an element": sub(signed, f"<Object>{signed}</Object>" + evil),
        "Wrappings of no namespace": sub(signed, signed.replace(f' xmlns="{forge.KPS}"', ' xmlns=""')),
        "Wrappings behind the signatures": sub(signed, "").replace("</Protector>", signed + "</Protector>"),
        "no Wrappings": sub(signed, ""),
        "no Wrapping": sub(signed, forge.wrappings()),
        "a Wrapping moved behind": sub(second, "").replace("</Wrappings>", "</Wrappings>" + second),
        "a Wrapping moved to the end": sub(second, "").replace("</Protector>", second + "</Protector>"),
        "a Wrapping moved into another": sub(second, "").replace("</Wrapping>", second + "</Wrapping>", 1),
        "a Wrapping moved into a certificate": sub(second, "").replace(
            "<SigningCertificate>", "<SigningCertificate>" + second, 1
        ),
        "a Wrapping twice": sub(second, second + second),
        "an Id twice, the other before": sub(second, own.replace("<Id>3<", "<Id>2<") + second),
        "an Id twice, the other behind": sub(second, second + own.replace("<Id>3<", "<Id>2<")),
        "an Id of XML": sub("<Wrapping>", '<Wrapping xml:id="x">'),
        "an attribute Id": sub("<Wrapping>", '<Wrapping Id="2">'),
        "two signatures by guardians": sub(
            "<GuardianSignature", good[good.index("<GuardianSig") : -len("</Protector>\n")] + "<GuardianSignature"
        ),
        "a signature by nobody": sub(by_owner, '<GuardianSignature WrappingId="7">'),
        "a signature without a name": sub(by_owner, "<GuardianSignature>"),
        "unwraps without a number": sub('MaxOfflineUnwraps="0"', 'MaxOfflineUnwraps="-1"'),
        "too many unwraps": sub('MaxOfflineUnwraps="0"', 'MaxOfflineUnwraps="4294967296"'),
        **{
            f"the Id {text!r}": sub("<Id>2<", f"<Id>{text}<")
            for text in (
                "",
                "02",
                "+2",
                " 2",
                "2 ",
                "-2",
                "2.0",
                "0x2",
                "2e0",
                "4294967298",
                "\u0662",
                "<x/>2",
                "9" * 10000,
            )
        },
        **{
            f"the parent {text!r}": sub('ParentWrappingId="1"', f'ParentWrappingId="{text}"')
            for text in ("", "01", "+1", "1 ", "4294967297")
        },
    }
    for name, text in malformed.items():
        scene.refuse_protector(name, text, "protector.malformed")
    unsigned = {
        "a Wrapping more": sub("</Wrappings>", own + "</Wrappings>"),
        "a Wrapping less": sub(first, "").replace(by_owner, '<GuardianSignature WrappingId="2">'),
        "Wrappings in another order": sub(signed, forge.wrappings(second, first)),
        "white space in it": sub("<Wrapping>", "<Wrapping>\n"),
        "another prefix": sub(signed, re.sub(r"(</?)(?=[A-Z])", r"\1k:", signed).replace("xmlns=", "xmlns:k=", 1)),
        "another parent": sub('ParentWrappingId="1"', 'ParentWrappingId="2"'),
        "a signature by another guardian": sub(by_owner, '<GuardianSignature WrappingId="2">'),
        "another Wrappings alone": sub(signed, forge.wrappings(first, second.replace("<Id>2<", "<Id>5<"))),
    }
    for name, text in unsigned.items():
        scene.refuse_protector(name, text, "protector.signature")


def chains_of_parents(scene):
    """Protectors whose guardian signature is in order, and whose wrappings are not."""
    owner, service, stranger, key = scene.owner, scene.service, scene.stranger, scene.transport_key
    by = owner.signing_key
    cipher = forge.encrypt_to(service.encryption, forge.payload(key))
    own = forge.encrypt_to(owner.encryption, forge.payload(key))
    first, second = (forge.wrapping(1, owner, 1, by, own), forge.wrapping(2, service, 1, by, cipher))

    def third(parent, parent_key=by, number=3, guardian=stranger):
        return forge.wrapping(number, guardian, parent, parent_key, cipher)

    weak_signing = forge.Guardian(scene.folder, "weak signing", forge.WEAK)
    weak_encryption = forge.Guardian(scene.folder, "weak encryption", (), forge.WEAK)
    on_curve = forge.Guardian(scene.folder, "on a curve", forge.CURVE)
    half = copy.copy(service)
    half.encryption = stranger.encryption
    wrong_half = [first, forge.wrapping(2, half, 1, by, cipher)]
    broken = forge.Guardian(scene.folder, "broken")
    broken.signing = broken.signing[:-20]
    cases = [
        ("a loop of two", [first, third(4), third(3, number=4), second], "protector.chain"),
        ("a loop of three", [first, second, third(4), third(5, number=4), third(3, number=5)], "protector.chain"),
        ("a loop through the owner", [forge.wrapping(1, owner, 2, by, own), second], "protector.chain"),
        ("two owners", [first, second, third(3, stranger.signing_key)], "protector.chain"),
        ("two owners, the other before", [third(3, stranger.signing_key), first, second], "protector.chain"),
        ("a parent that is not there", [first, second, third(9)], "protector.chain"),
        ("granted by nobody", [first, second, third(1, stranger.signing_key)], "protector.wrapping"),
        (
            "granted by another than it says",
            [first, second, third(1, number=3), third(3, number=4)],
            "protector.wrapping",
        ),
        ("an encryption certificate of another", wrong_half, "protector.wrapping"),
        ("a signing key of 1024 bits", [first, second, third(1, guardian=weak_signing)], "protector.wrapping"),
        ("an encryption key of 1024 bits", [first, second, third(1, guardian=weak_encryption)], "protector.wrapping"),
        ("a key on a curve", [first, second, third(1, guardian=on_curve)], "protector.wrapping"),
        ("a certificate cut short", [first, second, third(1, guardian=broken)], "protector.wrapping"),
    ]
    for name, inner, code in cases:
        text = forge.protector(inner, key, 1, by)
        scene.refuse_protector(name, text, code, WRAPPING)
    # A stranger who takes over the owner's wrapping, which is signed, and signs the whole.
    for name, parent, code in (
        ("a stranger below", 1, "protector.wrapping"),
        ("a stranger beside", 3, "protector.chain"),
    ):
        inner = [first, second, third(parent, stranger.signing_key)]
        text = forge.protector(inner, key, 3, stranger.signing_key)
        scene.refuse_protector(name, text, code, WRAPPING)
    many = [forge.wrapping(1, owner, 1, by, own), *(second.replace("<Id>2<", f"<Id>{i}<") for i in range(2, 66))]
    scene.refuse_protector("65 wrappings", forge.protector(many, key, 1, by), "protector.limit")
    scene.roll(forge.roll_request(forge.protector(many[:-1], key, 1, by), scene.health))


def no_wrapping_for_us(scene):
    owner, key = scene.owner, scene.transport_key
    own = forge.wrapping(1, owner, 1, owner.signing_key, forge.encrypt_to(owner.encryption, forge.payload(key)))
    text = forge.protector([own], key, 1, owner.signing_key)
    scene.refuse_protector("no wrapping for us", text, "keyprotection.guardian-gone")


def one_answer_for_all_secrets(scene):
    """Nobody learns from the answer how far a ciphertext got."""
    owner, service, key = scene.owner, scene.service, scene.transport_key
    own = forge.wrapping(1, owner, 1, owner.signing_key, forge.encrypt_to(owner.encryption, forge.payload(key)))
    payload = forge.payload(key)
    plains = {
        "another key": forge.payload(os.urandom(32)),
        "31 bytes": forge.payload(key[:31]),
        "33 bytes": forge.payload(key + b"\0"),
        "nothing": b"",
        "no header": key,
        "version 3": forge.payload(key, 3),
        "version 2": forge.payload(key, 2),
        "bytes behind": payload + b"\0",
        "another size": b"\xff" + payload[1:],
        "many keys": payload[:8] + b"\xff" * 4 + payload[12:],
        "a huge key": payload[:12] + b"\xff" * 4 + payload[16:],
    }
    ciphers = {name: forge.encrypt_to(service.encryption, plain) for name, plain in plains.items()}
    good = forge.encrypt_to(service.encryption, payload)
    ciphers |= {
        "a bit of the ciphertext": bytes([good[0], good[1] ^ 1]) + good[2:],
        "zeros": bytes(256),
        "ones": b"\xff" * 256,
        "a short ciphertext": good[:-1],
        "a long ciphertext": good + b"\0",
        "one byte": b"\1",
    }
    answers = set()
    for name, cipher in ciphers.items():
        text = forge.protector(
            [own, forge.wrapping(2, service, 1, owner.signing_key, cipher)], key, 1, owner.signing_key
        )
        answers.add(scene.refuse_protector(name, text, "protector.opaque"))
    mac = re.search(r"<TransportKeySignature>.*?<SignatureValue>(.*?)<", scene.protector)[1]
    for name, value in {"another MAC": bytes(32), "a short MAC": bytes(31), "an empty MAC": b""}.items():
        text = scene.protector.replace(mac, forge.encode(value))
        if len(value) == 32:
            answers.add(scene.refuse_protector(name, text, "protector.opaque"))
        else:
            scene.refuse_protector(name, text, "protector.malformed")
    equal(len(answers), 1)
    by = '<GuardianSignature WrappingId="1"><Signature Algorithm="'
    algorithms = {
        "a guardian signature that is a MAC": (by + forge.RSA_SHA256, by + forge.HMAC_SHA256),
        "a MAC that is a signature": (forge.HMAC_SHA256, forge.RSA_SHA256),
        "no algorithm": (forge.HMAC_SHA256, "urn:none"),
        "RSA with SHA-1": (forge.RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        "RSA 1.5": (forge.OAEP, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        "a derivation of another name": ("005472616E73706F7274", "005472616E73706F7275"),
        "a party": ('PartyUInfo="00"', 'PartyUInfo="0001"'),
    }
    for name, (old, new) in algorithms.items():
        check(old in scene.protector, old)
        scene.refuse_protector(name, scene.protector.replace(old, new, 1), "protector.algorithm")


if __name__ == "__main__":
    perform(health_certificates, signature_wrapping, chains_of_parents, no_wrapping_for_us, one_answer_for_all_secrets)
