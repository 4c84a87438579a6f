#!/usr/bin/env python3
"""Asks one question very often, as a client of the rate limit does, and prints what came back as one JSON object.

  dns_flood.py SERVER NAME --from ADDRESS --count N     N queries, some dozens under way at a time
      --cookie     with a DNS cookie: the server's own, fetched first (RFC 7873)
      --client-cookie   with a client cookie alone, as a client that comes for the first time
  dns_flood.py SERVER NAME --from ADDRESS --endless     sends without reading, until it is killed

`whole` are answers with data, `truncated` those with TC and nothing else, `badcookie` asks for one; `lost` is the rest.
`seconds` is the time from the first query to the last answer.
"""

import argparse
import json
import os
import select
import socket
import struct
import time

WINDOW = 50
OPTION_COOKIE = 10


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def query(name, ident, cookie=b""):
    option = struct.pack("!2H", OPTION_COOKIE, len(cookie)) + cookie if cookie else b""
    return (
        struct.pack("!6H", ident, 0, 1, 0, 0, 1)
        + wire_name(name)
        + struct.pack("!2H", 1, 1)
        + b"\0"
        + struct.pack("!2HIH", 41, 1232, 0, len(option))
        + option
    )


def cookie_in(answer, client):
    """The whole cookie of an answer: ours, then the server's."""
    at = answer.find(client)
    size = struct.unpack("!H", answer[at - 2 : at])[0]
    return answer[at : at + size]


def kind_of(answer):
    flags, _, answers = struct.unpack("!3H", answer[2:8])
    if flags & 15 == 7 and answers == 0:  # the lower bits of BADCOOKIE, 23
        return "badcookie"
    if flags & 0x0200 and answers == 0:
        return "truncated"
    return "whole" if answers else "other"


def asked(s, name, count, cookie):
    told = {"asked": count, "whole": 0, "truncated": 0, "badcookie": 0, "other": 0}
    start = end = time.monotonic()
    for sent in range(count):
        s.send(query(name, sent % 65536, cookie))
        is_last = sent + 1 == count
        while (is_last or sent % WINDOW == WINDOW - 1) and select.select([s], [], [], 1.0 if is_last else 0.005)[0]:
            told[kind_of(s.recv(4096))] += 1
            end = time.monotonic()
    told["lost"] = count - sum(told[kind] for kind in ("whole", "truncated", "badcookie", "other"))
    told["seconds"] = round(end - start, 3)
    return told


def endless(s, name):
    packets = [query(name, ident) for ident in range(256)]
    while True:
        for packet in packets:
            try:
                s.send(packet)
            except ConnectionRefusedError:
                pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="ADDRESS:PORT")
    parser.add_argument("name")
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--cookie", action="store_true")
    parser.add_argument("--client-cookie", action="store_true")
    parser.add_argument("--endless", action="store_true")
    args = parser.parse_args()

    host, port = args.server.rsplit(":", 1)
    s = socket.socket(socket.AF_INET6 if "]" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((args.source, 0))
    s.connect((host.strip("[]"), int(port)))
    cookie = b""
    if args.cookie or args.client_cookie:
        cookie = os.urandom(8)
    for _ in range(200 if args.cookie else 0):  # over the limit half of these are dropped
        s.send(query(args.name, 0, cookie))
        if select.select([s], [], [], 0.5)[0]:
            cookie = cookie_in(s.recv(4096), cookie)
            break
    if args.endless:
        endless(s, args.name)
    print(json.dumps(asked(s, args.name, args.count, cookie)))


main()
