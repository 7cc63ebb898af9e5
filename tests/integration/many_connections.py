# SPDX-License-Identifier: Apache-2.0
"""10 000 open keep-alive connections leave the service answering. For the release build (./check --full): what
they take in memory is a part of it. `bench/run` measures speed."""
import json
import os
import resource
import socket
import urllib.parse

import forge
from fabric import DEADLINE, Fabric, case, check, equal, finish, wait_until
from scene import ATTEST, JSON, Scene, memory

CONNECTIONS = 10000
KIB_EACH = 100  # what a connection may cost the service
GOOD = b"GET /Attestation/getinfo HTTP/1.1\r\nHost: h\r\n\r\n"
LOW_LIMIT = ["prlimit", "--nofile=1024:"]  # the usual soft limit, which the service has to raise
LOWEST_LIMIT = ["prlimit", "--nofile=1024:1024"]


def receive_reply(connection):
    """One whole reply; its status, or None when the connection ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    return int(head.split()[1])


def open_connections(address, count):
    """Connections that have each had a reply, and stay."""
    connections = []
    for _ in range(count):
        connections.append(socket.create_connection((address.hostname, address.port), DEADLINE))
        connections[-1].sendall(GOOD)
    equal({receive_reply(connection) for connection in connections}, {200})
    return connections


def ten_thousand_connections(scene):
    before = memory(scene.pid, "VmRSS")
    scene.connections = open_connections(scene.address, CONNECTIONS)
    grown = memory(scene.pid, "VmRSS") - before
    print(f"# {CONNECTIONS} connections take {grown} KiB: {grown / CONNECTIONS:.1f} KiB each", flush=True)
    check(grown < CONNECTIONS * KIB_EACH, f"{grown} KiB")


def the_service_answers(scene):
    scene.roll(forge.roll_request(scene.protector, scene.health))
    status, reply = scene.ask(ATTEST, scene.attestation, JSON)
    check(status == 200 and "Content" in json.loads(reply), reply)
    scene.fabric.register(scene.fabric.host("n2"))


def all_are_open(scene):
    for connection in scene.connections:
        connection.sendall(GOOD)
    equal({receive_reply(connection) for connection in scene.connections}, {200})


def they_go_as_they_came(scene):
    for connection in scene.connections:
        connection.close()
    with scene.connect("127.0.0.1") as connection:
        connection.sendall(GOOD)
        equal(receive_reply(connection), 200)
    wait_until(lambda: len(os.listdir(f"/proc/{scene.pid}/fd")) < 200, "the service has closed them")


def a_smaller_head_costs_less(_):
    with Fabric("[limits]\nidle = 10min\nhead = 16KiB", LOW_LIMIT) as fabric:
        pid = fabric.children()["service"]
        address = urllib.parse.urlsplit(fabric.url)
        before = memory(pid, "VmRSS")
        connections = open_connections(address, 2000)
        grown = memory(pid, "VmRSS") - before
        check(grown < 2000 * KIB_EACH / 2, f"{grown} KiB")
        for connection in connections:
            connection.close()
        for size, status in ((12000, 404), (30000, 431)):
            with socket.create_connection((address.hostname, address.port), DEADLINE) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * size + b"\r\n\r\n")
                equal(receive_reply(connection), status)


def a_limit_that_cannot_be_raised_is_told(_):
    """And the service lives within it: the longest idle connection makes room."""
    with Fabric("[limits]\nidle = 10min", LOWEST_LIMIT) as fabric:
        fabric.init()
        check("1024 descriptors are too few for 16000 connections" in fabric.log_text(), fabric.log_text())
        address = urllib.parse.urlsplit(fabric.url)
        connections = open_connections(address, 1100)
        equal(fabric.http("/Attestation/getinfo")[0], 200)
        connections[-1].sendall(GOOD)
        equal(receive_reply(connections[-1]), 200)
        for connection in connections:
            connection.close()


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, CONNECTIONS + 1000),) * 2)
    with Fabric("[limits]\nidle = 10min", LOW_LIMIT) as fabric:
        fabric.init()
        scene = Scene(fabric)
        scene.pid = fabric.children()["service"]
        for body in (
            ten_thousand_connections,
            the_service_answers,
            all_are_open,
            they_go_as_they_came,
            a_smaller_head_costs_less,
            a_limit_that_cannot_be_raised_is_told,
        ):
            case(body.__name__.replace("_", " "), lambda body=body: body(scene))
    finish()


main()
