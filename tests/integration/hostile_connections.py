# SPDX-License-Identifier: Apache-2.0
"""Connections that attack: what is no HTTP, or too much of it, or never ends (scene.py says what each must lead to)."""
import concurrent.futures
import http.client
import json
import os
import signal
import socket
import time
import urllib.parse

import forge
from fabric import DEADLINE, Fabric, Failed, check, equal, wait_until
from scene import ATTEST, ATTESTATION_LIMIT, CORE, JSON, KPS_LIMIT, ROLL, XML, Scene, new_peer, perform


def post(path):
    return f"POST {path} HTTP/1.1\r\nHost: h\r\n".encode()


def message_of(path, body, extra=""):
    kind = XML if path == ROLL else JSON
    return post(path) + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


def receive_all(connection):
    """Until the service ends the connection."""
    data = b""
    connection.settimeout(DEADLINE)
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def given_up(scene):
    """Connections that end in the middle of a request, by an end and by a reset."""
    reset = b"\1\0\0\0\0\0\0\0"
    message = message_of(ATTEST, scene.attestation)
    for kind in ("end", "reset"):
        peer = new_peer()
        for size in range(2, len(message), 37):
            with scene.connect(peer) as connection:
                connection.sendall(message[:size])
                if kind == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                else:
                    connection.shutdown(socket.SHUT_WR)
                    equal(receive_all(connection), b"")
            scene.expect(peer, "http.refused", "http.request-incomplete")


def http_attacks(scene):
    body = forge.roll_request(scene.protector, scene.health)
    scene.refuse_http("a roll above its limit", ROLL, body + b" " * KPS_LIMIT, 413, "http.body-too-large")
    scene.refuse_http(
        "an attestation above its limit", ATTEST, b" " * (ATTESTATION_LIMIT + 1), 413, "http.body-too-large"
    )
    scene.refuse_http("an unknown path above its limit", "/", b" " * (KPS_LIMIT + 1), 413, "http.body-too-large")
    scene.refuse_http("an unknown path", "/KeyProtection/rolltransportkey", body * 10, 404, "http.path-unknown")
    scene.refuse_http("a wrong method", ROLL, body * 10, 405, "http.method-wrong", method="PUT")
    scene.refuse_http(
        "an unknown path", "/KeyProtection/service/v3.0/rolltransportkey", body[:100], 404, "http.path-unknown"
    )
    scene.refuse_http("a long path", "/" + "x" * 5000, b"", 404, "http.path-unknown")
    scene.refuse_http(
        "a path that climbs",
        "/Attestation/../KeyProtection/service/v2.0/rolltransportkey",
        body[:100],
        404,
        "http.path-unknown",
    )
    scene.refuse_http("a NUL in the path", ROLL + "%00", body[:100], 400, "http.request-malformed")
    scene.refuse_http("a path that moves the cursor", "/%C2%9B2J%1B[2J%ff", b"", 400, "http.request-malformed")
    scene.refuse_http("a path that is no text", "/%C2%9B2J%E2%80%AE%ff%25", b"", 404, "http.path-unknown")
    paths = [event.get("path") for event in scene.fabric.events("http.refused")]
    check({"/%C2%9B2J%1B[2J%FF", "/%C2%9B2J%E2%80%AE%FF%25"} <= set(paths), paths)
    shown = scene.fabric.ctl("event", "list", "--event", "http.refused").stdout.decode()
    check(all(c.isprintable() or c == "\n" for c in shown), shown)
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X" * 30):
        scene.refuse_http(method, ROLL, None, 405, "http.method-wrong", method=method)
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    raw = {
        "a head without an end": (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 200000, 431, "http.head-too-large"),
        "10 000 lines": (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: x\r\n" * 40000, 431, "http.head-too-large"),
        "a line without an end": (b"GET /" + b"x" * 200000, 414, "http.head-too-large"),
        "no HTTP": (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\n\n",
            None,
            "http.request-malformed",
        ),
        "another version": (b"GET / HTTP/7.0\r\nHost: h\r\n\r\n", 505, "http.request-malformed"),
        "two lengths": (message_of(ROLL, b"", "Content-Length: 5\r\n"), 400, "http.request-malformed"),
        "a length and chunks": (message_of(ROLL, b"", "Transfer-Encoding: chunked\r\n"), 400, "http.request-malformed"),
        "a length behind a blank": (message_of(ROLL, b"", "Content-Length : 5\r\n"), 400, "http.request-malformed"),
        "another encoding": (post(ROLL) + b"Transfer-Encoding: gzip\r\n\r\n", 501, "http.encoding-unknown"),
        "chunks above the limit": (
            post(ROLL) + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20,
            413,
            "http.body-too-large",
        ),
        "a chunk that is none": (
            post(ROLL) + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
            400,
            "http.request-malformed",
        ),
    }
    connections = []  # kept: who ended first decides between malformed and incomplete
    for name, (text, status, code) in raw.items():
        peer = new_peer()
        connections.append(scene.connect(peer))
        try:
            connections[-1].sendall(text)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while it was still coming
        reply = receive_all(connections[-1])
        if status:
            check(reply.startswith(b"HTTP/1.1 %d " % status), f"{name}: {reply[:200]}")
        scene.expect(peer, "http.refused", code)
        wait_until(lambda peer=peer: any(e.get("peer") == peer for e in scene.fabric.events("http.refused")), name)


def slow_and_idle_connections(scene):
    """Of a service of its own, which has little patience; its events are looked at here."""
    with Fabric("[limits]\nidle = 500ms\nrequest = 500ms") as fabric:
        fabric.init()
        address = urllib.parse.urlsplit(fabric.url)
        message = message_of(ATTEST, scene.attestation)
        good = b"GET /Attestation/getinfo HTTP/1.1\r\nHost: h\r\n\r\n"
        slow = [message[:9], message[:60], message[:-1], message[:-200], good + message[:60], good + message[:-1]]
        drips = [b"GET /", b"GET / HTTP/1.1\r\nHost: h\r\nX: ", message_of(ATTEST, b"x" * 100000)[:-99999]]
        connections = []
        for number, text in enumerate([b"", good] + slow + drips):
            connection = socket.create_connection(
                (address.hostname, address.port), DEADLINE, (f"127.2.0.{number + 1}", 0)
            )
            connection.sendall(text)
            connections.append(connection)
        dripping = connections[-len(drips) :]
        end = time.monotonic() + DEADLINE
        while dripping and time.monotonic() < end:
            for connection in list(dripping):
                try:
                    connection.send(b"x")
                except (BrokenPipeError, ConnectionResetError):
                    dripping.remove(connection)
            time.sleep(0.02)
        equal(dripping, [])
        for number, connection in enumerate(connections):
            replies = receive_all(connection).count(b"HTTP/1.1 200 ")
            equal(replies, 1 if number in (1, 6, 7) else 0)
            connection.close()

        def told():
            return {event["peer"] for event in fabric.events("http.refused") if event["code"] == "http.request-slow"}

        expected = {f"127.2.0.{number + 1}" for number in range(2, len(connections))}
        try:
            wait_until(lambda: told() >= expected, "", 10)
        except Failed:
            pass
        equal(sorted(told()), sorted(expected))


def a_full_queue(_):
    """Whoever finds no place in it is told at once, and it is in the event list."""
    limits = "[limits]\nqueue = 1\nrelease-workers = 1\nattestation-workers = 1\n[keyholder]\ntimeout = 3s"
    with Fabric(limits) as fabric:
        fabric.init()
        scene = Scene(fabric)
        body = forge.roll_request(scene.protector, scene.health)
        keyholder = fabric.children()["keyholder"]
        os.kill(keyholder, signal.SIGSTOP)  # until it is started anew for that
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            tasks = [pool.submit(scene.ask, ROLL, body, XML) for _ in range(6)]
            tasks += [pool.submit(scene.ask, ATTEST, scene.attestation, JSON) for _ in range(6)]
            replies = [task.result() for task in tasks]
        rolls, attestations = replies[:6], replies[6:]
        equal({status for status, _ in rolls}, {503})
        equal({json.loads(reply)["__type"] for _, reply in attestations}, {"UnavailableErrorReply" + CORE})
        busy = sum(b"keyprotection.busy" in reply for _, reply in rolls)
        check(busy > 0, rolls)
        wait_until(lambda: fabric.show("server", "show")["keyholder_alive"], "a new keyholder")
        scene.roll(body)
        told = [event["path"] for event in fabric.events("http.refused") if event["code"] == "http.busy"]
        equal(told.count(ROLL), busy)
        check(ATTEST in told, told)
        equal(len(fabric.events("key.released")), scene.released)


def a_flood_of_refusals(_):
    """What is above the limit of records is counted: none is lost, and the trail does not grow with the flood."""
    with Fabric("[audit]\nrefusals = 2") as fabric:
        fabric.init()
        address = urllib.parse.urlsplit(fabric.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=DEADLINE)
        for _ in range(500):
            connection.request("GET", "/nowhere")
            connection.getresponse().read()
        connection.close()

        def counted():
            written = len(fabric.events("http.refused"))
            return written, sum(event["count"] for event in fabric.events("http.refused.suppressed"))

        wait_until(lambda: sum(counted()) >= 500, "all of them are counted")
        written, suppressed = counted()
        equal(written + suppressed, 500)
        check(suppressed > written, counted())


if __name__ == "__main__":
    perform(given_up, http_attacks, slow_and_idle_connections, a_full_queue, a_flood_of_refusals)
