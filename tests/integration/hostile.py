# SPDX-License-Identifier: Apache-2.0
"""Documents that attack: JSON, XML, messages, cut ones, large ones, many at once; scene.py says what each must lead
to."""
import concurrent.futures
import json
import re
import socket

import forge
from fabric import check
from scene import ATTESTATION_LIMIT, HEALTH, JSON, KPS_LIMIT, PROTECTOR, XML, new_peer, perform


def malformed_json(scene):
    good = json.loads(scene.attestation)

    def altered(**changes):
        return json.dumps({**good, **changes}).encode()

    def item(kind, value):
        return [{"m_Item1": kind, "m_Item2": value} if i["m_Item1"] == kind else i for i in good["ProvidedContent"]]

    text = scene.attestation
    more = good["ProvidedContent"]
    bodies = {
        "base.json-malformed": {
            "nothing": b"",
            "white space": b" \r\n\t",
            "a brace": b"{",
            "two documents": text + text,
            "bytes behind it": text + b"x",
            "a NUL behind it": text + b"\0",
            "a NUL before it": b"\0" + text,
            "a byte order mark": b"\xef\xbb\xbf" + text,
            "UTF-16": text.decode().encode("utf-16"),
            "no UTF-8": text[:-1] + b',"x":"\xff\xfe"}',
            "a lone surrogate": text[:-1] + b',"x":"\\ud800"}',
            "a NUL in a string": text[:-1] + b',"x":"\\u0000"}',
            "a control character": text[:-1] + b',"x":"\x01"}',
            "single quotes": text.replace(b'"', b"'"),
            "a comment": b"/* */" + text,
            "a trailing comma": text[:-1] + b",}",
            "a long number": b'{"SessionId":' + b"9" * 100000 + b"}",
            "10 000 results": altered(RequestedContent=[1] * 10000),
            "bytes that are no list": altered(ProvidedContent=[0] * 10000),
            "a million bytes that nobody asked for": b'{"x":[' + b"0," * 1000000 + b"0]}",
            "content that is an object": altered(ProvidedContent={}),
            "no session": json.dumps({k: v for k, v in good.items() if k != "SessionId"}).encode(),
            "a session that is a number": altered(SessionId=1),
            "base64 that is none": altered(ProvidedContent=item(8, "!!!!")),
            "base64 without padding": altered(ProvidedContent=item(8, "AAAAA")),
            "bytes above 255": altered(ProvidedContent=item(8, [256])),
            "bytes below 0": altered(ProvidedContent=item(8, [-1])),
        },
        "base.json-too-deep": {
            "10 000 arrays": b"[" * 10000 + b"]" * 10000,
            "10 000 open arrays": b"[" * 10000,
            "10 000 objects": b'{"a":' * 10000 + b"1" + b"}" * 10000,
            "10 000 arrays in a property": text[:-1] + b',"x":' + b"[" * 10000 + b"]" * 10000 + b"}",
            "a million values": b'{"x":[' + b"-1," * 1000000 + b"0]}",
            "3 MB of numbers": altered(ProvidedContent=item(9, [300] * 750000)),
        },
        "base.guid-malformed": {"a short session": altered(SessionId="AAAA")},
        "attestation.payload-malformed": {
            "an array": b"[]",
            "null": b"null",
            "a number": b"1",
            "a fraction": altered(RequestedContent=[1.5]),
            "no content": altered(ProvidedContent=[]),
            "an item twice": altered(ProvidedContent=more + more[:1]),
            "an unknown content type": altered(ProvidedContent=more + [{"m_Item1": 99, "m_Item2": "AAAA"}]),
            "a huge result type": altered(RequestedContent=[1e300]),
            "an unknown result": altered(RequestedContent=[4]),
            "nothing requested": altered(RequestedContent=[]),
            "300 results": altered(RequestedContent=[1] * 300),
            "3 MB of byte values": altered(ProvidedContent=item(9, [0] * 1000000)),
            "3 MB of base64": altered(ProvidedContent=item(8, "A" * 3000000)),
        },
        "attestation.content-refused": {
            "a content type of another mode": altered(ProvidedContent=more + [{"m_Item1": 5, "m_Item2": "AAAA"}])
        },
    }
    for code, cases in bodies.items():
        for name, body in cases.items():
            scene.refuse_attest(name, body, "PayloadErrorReply", code)


def wrong_content_types(scene):
    body = forge.roll_request(scene.protector, scene.health)
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        JSON,
        "xml",
        "application/xmlx",
    ):
        scene.refuse_roll(kind, body, 400, PROTECTOR, "keyprotection.request-malformed", kind)
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        XML,
        "json",
        "application/jsonx",
    ):
        scene.refuse_attest(kind, scene.attestation, "PayloadErrorReply", "attestation.payload-malformed", kind)


def hostile_xml(root, listener):
    """What is refused before anything is built from it, in the place of a document with this root: {name: text}."""
    begin = '<?xml version="1.0" encoding="utf-8"?>\n'
    head, tail = root.split(">", 1)
    deep = "<a>" * 10000 + "</a>" * 10000
    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))

    def declaring(subset, child="&a;"):
        return f"{begin}<!DOCTYPE x {subset}>{head}>{child}{tail}"

    def within(child):
        return f"{begin}{head}>{child}{tail}"

    return {
        "an entity bomb": declaring(f"[{laughs}]", "&l11;"),
        "an entity bomb in an attribute": declaring(f"[{laughs}]", '<a b="&l11;"/>'),
        "a quadratic entity": declaring(f'[<!ENTITY a "{"a" * 50000}">]', "&a;" * 20000),
        "a recursive entity": declaring('[<!ENTITY a "&b;"><!ENTITY b "&a;">]'),
        "an external entity": declaring('[<!ENTITY a SYSTEM "file:///etc/passwd">]'),
        "an external entity of a server": declaring(f'[<!ENTITY a SYSTEM "{listener}/entity">]'),
        "a parameter entity": declaring(f'[<!ENTITY % a SYSTEM "{listener}/parameter"> %a;]', ""),
        "an external subset": declaring(f'SYSTEM "{listener}/subset"', ""),
        "a public subset": declaring(f'PUBLIC "-//X//Y" "{listener}/public"', ""),
        "an empty DTD": declaring("", ""),
        "an undeclared entity": within("&nbsp;"),
        "10 000 levels": begin + deep,
        "10 000 levels within": within(deep),
        "10 000 open levels": begin + "<a>" * 10000,
        "10 000 attributes": begin + "<a " + " ".join(f"b{i}=''" for i in range(10000)) + "/>",
        "10 000 namespaces": begin + "<a " + " ".join(f"xmlns:b{i}='u'" for i in range(10000)) + "/>",
        "100 000 elements": begin + "<a>" + "<b/>" * 100000 + "</a>",
        "a comment": f"{begin}<!-- x -->{root}",
        "a comment within": within("<!-- x -->"),
        "an instruction": f'{begin}<?xml-stylesheet href="{listener}/style"?>{root}',
        "a CDATA section": within("<![CDATA[x]]>"),
        "an inclusion": within(f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{listener}/include"/>'),
        "two roots": begin + root + root,
        "text behind the root": begin + root + "x",
        "a NUL": begin + root + "\0",
        "another encoding": '<?xml version="1.0" encoding="iso-8859-1"?>' + root,
        "UTF-16": (begin + root).encode("utf-16"),
        "no UTF-8": within("").encode() + b"<!--\xff-->",
        "nothing": "",
        "another root": begin + "<a/>",
        "the root of another namespace": begin + root.replace(forge.KPS, "urn:x"),
    }


LIMITS = {
    "10 000 levels",
    "10 000 levels within",
    "10 000 open levels",
    "10 000 attributes",
    "10 000 namespaces",
    "100 000 elements",
}


def xml_attacks(scene):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        root = forge.roll_request(scene.protector, scene.health).decode().split("\n", 1)[1].strip()
        for name, text in hostile_xml(root, url).items():
            body = text if isinstance(text, bytes) else text.encode()
            scene.refuse_roll(name, body, 400, PROTECTOR, "keyprotection.request-malformed")
        for name, text in hostile_xml(scene.protector.split("\n", 1)[1].strip(), url).items():
            if not text:
                continue  # an empty IngressProtector: below
            code = "protector.limit" if name in LIMITS else "protector.malformed"
            scene.refuse_protector("protector: " + name, text, code)
        listener.setblocking(False)
        try:
            listener.accept()
            raise AssertionError("something was fetched")
        except BlockingIOError:
            pass


def request_attacks(scene):
    good = forge.roll_request(scene.protector, scene.health).decode()
    ingress = forge.encode(scene.protector.encode())

    def sub(old, new):
        check(old in good, old)
        return good.replace(old, new, 1)

    bodies = {
        "an empty protector": sub(ingress, ""),
        "base64 that is none": sub(ingress, "!" + ingress[1:]),
        "base64 without its end": sub(ingress, ingress[:-3]),
        "two protectors": sub("<HealthCertificate>", "<IngressProtector>AAAA</IngressProtector><HealthCertificate>"),
        "no health certificate": sub(forge.encode(scene.health), ""),
        "a huge health certificate": sub(forge.encode(scene.health), "A" * 900000),
        "elements in another order": re.sub(
            r"(<IngressProtector>.*</IngressProtector>)(<HealthCertificate>.*</HealthCertificate>)", r"\2\1", good
        ),
        "an element more": sub("</RollTransportKeyRequest>", "<More/></RollTransportKeyRequest>"),
        "an element less": sub(
            f"<WrappingKeyEncryptionAlgorithm>{forge.KEY_WRAP}</WrappingKeyEncryptionAlgorithm>", ""
        ),
        "an attribute": sub("<HealthCertificate>", '<HealthCertificate x="">'),
        "text between": sub("<HealthCertificate>", "text<HealthCertificate>"),
        "an element in base64": sub(ingress, "<x/>" + ingress),
    }
    for name, body in bodies.items():
        scene.refuse_roll(name, body.encode(), 400, PROTECTOR, "keyprotection.request-malformed")
    algorithms = {
        "another transfer": {"transfer": "urn:x"},
        "RSA 1.5": {"transfer": "http://www.w3.org/2001/04/xmlenc#rsa-1_5"},
        "another wrap": {"wrap": "http://www.w3.org/2001/04/xmlenc#kw-aes128"},
        "a long name": {"content": "urn:" + "x" * 200},
    }
    for name, options in algorithms.items():
        scene.refuse_roll(
            name, forge.roll_request(scene.protector, scene.health, **options), 400, PROTECTOR, "protector.algorithm"
        )
    huge = forge.roll_request("<a>" + "A" * 700000 + "</a>", scene.health)
    scene.refuse_roll("a protector of 700 000 bytes of text", huge, 400, PROTECTOR, "protector.malformed")


def identity_keys(scene):
    weak = forge.make_key(scene.folder / "weak identity.pem", *forge.WEAK)
    curve = forge.make_key(scene.folder / "identity on a curve.pem", *forge.CURVE)
    for name, key in {"1024 bits": weak, "a curve": curve}.items():
        scene.refuse_attest(name, scene.attest_request(key), "VirtualSecureModeErrorReply", "attestation.identity-key")
    scene.refuse_attest(
        "a host key of 1024 bits",
        scene.attest_request(scene.identity, host_key=weak),
        "UnauthorizedErrorReply",
        "attestation.host-key",
    )
    scene.refuse_attest(
        "a stranger",
        scene.attest_request(scene.identity, host_key=scene.stranger.signing_key),
        "UnauthorizedErrorReply",
        "attestation.host-unknown",
    )
    scene.refuse_attest(
        "a signing certificate",
        scene.attest_request(scene.identity, [2]),
        "PayloadErrorReply",
        "attestation.content-refused",
    )
    altered = json.loads(scene.attestation)
    own = forge.encode(forge.public(scene.stranger.encryption_key))
    for kind in (1, 9):
        items = [{**i, "m_Item2": own} if i["m_Item1"] == kind else i for i in altered["ProvidedContent"]]
        message = {**altered, "ProvidedContent": items}
        scene.refuse_attest(
            f"another item {kind}",
            json.dumps(message).encode(),
            "UnauthorizedErrorReply",
            "attestation.signature-wrong",
        )
    for path, mode in (("/Attestation/v2.0/attest", "tpm"), ("/Attestation/v1.0/domainattest", "ad")):
        scene.refuse_attest(mode, scene.attestation, "OperationModeErrorReply", "attestation.mode-wrong", path=path)


def truncation(scene):
    """At every k-th byte, k without a common divisor with base64's four."""
    roll = forge.roll_request(scene.protector, scene.health)
    peer = new_peer()
    for size in range(0, len(roll.rstrip()), 61):
        scene.refuse_roll(
            f"a request of {size} bytes", roll[:size], 400, PROTECTOR, "keyprotection.request-malformed", peer=peer
        )
    text = scene.protector.rstrip().encode()
    peer = new_peer()
    for size in range(1, len(text), 61):
        scene.refuse_protector(f"a protector of {size} bytes", text[:size], "protector.malformed", peer=peer)
    peer = new_peer()
    for size in range(1, len(scene.health), 17):
        scene.refuse_roll(
            f"a health certificate of {size} bytes",
            forge.roll_request(text, scene.health[:size]),
            400,
            HEALTH,
            "health.malformed",
            peer=peer,
        )
    peer = new_peer()
    for size in range(0, len(scene.attestation), 17):
        scene.refuse_attest(
            f"an attestation of {size} bytes",
            scene.attestation[:size],
            "PayloadErrorReply",
            "base.json-malformed",
            peer=peer,
        )


def flood(scene):
    """The worst of the above, as large as the limits let them be, many at once."""
    space = KPS_LIMIT - 4000
    xml = [
        "<a>" + "<b/>" * (space // 4) + "</a>",
        "<a>" * (space // 3),
        f"<a b='{'&lt;' * (space // 4)}'/>",
        "<a " + " ".join(f"b{i}=''" for i in range(space // 12)) + "/>",
        f"<a>{'&amp;' * (space // 5)}</a>",
    ]
    quarter = ATTESTATION_LIMIT // 4
    deep = {
        b"[" * (4 * quarter): "base.json-too-deep",
        b"[" + b"-1," * (quarter - 2) + b"0]": "base.json-too-deep",
        b"[" + b"0," * (2 * quarter - 2) + b"0]": "attestation.payload-malformed",
        b"[" + b"{}," * (quarter - 2) + b"{}]": "base.json-too-deep",
        b'"' + b"\\u0041" * (quarter // 2) + b'"': "attestation.payload-malformed",
        b'{"SessionId":"' + b"A" * (4 * quarter - 20) + b'"}': "base.guid-malformed",
    }
    tasks = []
    for number in range(4):
        tasks += [
            (scene.refuse_roll, f"flood {number}", text.encode(), 400, PROTECTOR, "keyprotection.request-malformed")
            for text in xml
        ]
        tasks += [
            (scene.refuse_attest, f"flood {number}", body, "PayloadErrorReply", code) for body, code in deep.items()
        ]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(*task) for task in tasks]:
            done.result()


if __name__ == "__main__":
    perform(malformed_json, wrong_content_types, xml_attacks, request_attacks, identity_keys, truncation, flood)
