#!/usr/bin/env python3
"""A small DNS client for the stories: what dig cannot do, by the millisecond or by the octet.

Every command prints one JSON object and exits 0 when what it was asked to see was seen, else 1.

  poll SERVER NAME WANTED --seconds S     asks each millisecond until the A answer is WANTED (addresses, sorted,
                                          joined by blanks; "-" for none); prints the milliseconds it took, and
                                          when that was
  steady SERVER NAME --seconds S          asks as fast as answers come, until S seconds are over or standard input
                                          closes; prints how many were asked, lost, and each set of answers seen
  cut SERVER NAME                         the query cut at every octet, and with every octet garbled in turn
  frames SERVER NAME                      TCP: lying lengths, zero lengths, octet by octet, FIN after the query, fifty at once
  idle SERVER NAME --connections N        N connections that say nothing, then a new one must be answered
"""

import argparse
import json
import random
import socket
import struct
import sys
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "ANY": 255}


def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def query(name, qtype="A", ident=None, edns=1232, flags=0):
    ident = random.randrange(65536) if ident is None else ident
    packet = struct.pack("!6H", ident, flags, 1, 0, 0, 1 if edns else 0)
    packet += wire_name(name) + struct.pack("!2H", TYPES[qtype], 1)
    if edns:
        packet += b"\0" + struct.pack("!2HIH", 41, edns, 0, 0)
    return packet


def skip_name(packet, at):
    while True:
        size = packet[at]
        if size >= 192:
            return at + 2
        at += 1 + size
        if size == 0:
            return at


def addresses(packet):
    """The rcode, and the A and AAAA records of the answer section, sorted."""
    counts = struct.unpack("!6H", packet[:12])
    at = 12
    for _ in range(counts[2]):
        at = skip_name(packet, at) + 4
    found = []
    for _ in range(counts[3]):
        at = skip_name(packet, at)
        rtype, _, _, size = struct.unpack("!2HIH", packet[at : at + 10])
        data = packet[at + 10 : at + 10 + size]
        at += 10 + size
        if rtype == 1:
            found.append(socket.inet_ntop(socket.AF_INET, data))
        if rtype == 28:
            found.append(socket.inet_ntop(socket.AF_INET6, data))
    return counts[1] & 15, sorted(found)


def split(server):
    host, port = server.rsplit(":", 1)
    return host.strip("[]"), int(port)


def udp_socket(server, timeout):
    host, port = split(server)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    s.connect((host, port))
    return s


def ask(s, packet):
    """The answer to this query, or None; answers to earlier ones are passed over."""
    s.send(packet)
    until = time.monotonic() + s.gettimeout()
    while time.monotonic() < until:
        try:
            answer = s.recv(65535)
        except (socket.timeout, ConnectionRefusedError):
            return None
        if answer[:2] == packet[:2]:
            return answer
    return None


def text_of(answer):
    rcode, found = addresses(answer)
    return f"rcode {rcode}" if rcode else " ".join(found) or "-"


def poll(args):
    s = udp_socket(args.server, 0.25)
    start = time.monotonic()
    last = None
    while (gone := time.monotonic() - start) < args.seconds:
        answer = ask(s, query(args.name))
        if answer:
            last = text_of(answer)
            if last == args.wanted:
                took = round(1000 * (time.monotonic() - start), 1)
                return True, {"milliseconds": took, "at": round(1000 * time.time())}
        time.sleep(0.001)
    return False, {"milliseconds": round(1000 * gone, 1), "last": last}


def steady(args):
    import select

    s = udp_socket(args.server, 1.0)
    asked = lost = 0
    seen = {}
    until = time.monotonic() + args.seconds
    while time.monotonic() < until:
        answer = ask(s, query(args.name))
        asked += 1
        if answer is None:
            lost += 1
        else:
            seen[text_of(answer)] = seen.get(text_of(answer), 0) + 1
        if asked % 64 == 0 and select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.read(1):
            break
    return lost == 0, {"asked": asked, "lost": lost, "seen": seen}


def cut(args):
    whole = query(args.name, ident=0x1234)
    s = udp_socket(args.server, 0.2)
    rcodes = {}
    for size in range(len(whole)):
        s.send(whole[:size])
    for at in range(2, len(whole)):
        garbled = bytearray(whole)
        garbled[at] ^= random.randrange(1, 256)
        s.send(bytes(garbled))
    try:
        while True:
            answer = s.recv(65535)
            if len(answer) < 12 or not answer[2] & 0x80:
                return False, {"error": "not an answer", "packet": answer.hex()}
            rcodes[answer[3] & 15] = rcodes.get(answer[3] & 15, 0) + 1
    except socket.timeout:
        pass
    # An answer must never be answered, and a good query still is.
    s.send(query(args.name, flags=0x8000))
    try:
        return False, {"error": "an answer was answered", "packet": s.recv(65535).hex()}
    except socket.timeout:
        pass
    return ask(s, query(args.name)) is not None, {"rcodes": rcodes}


def read_frame(s):
    head = b""
    while len(head) < 2:
        part = s.recv(2 - len(head))
        if not part:
            return None
        head += part
    size = struct.unpack("!H", head)[0]
    body = b""
    while len(body) < size:
        part = s.recv(size - len(body))
        if not part:
            return None
        body += part
    return body


def connect(server, timeout=5):
    return socket.create_connection(split(server), timeout)


def frame(packet):
    return struct.pack("!H", len(packet)) + packet


def frames(args):
    def answered(s):
        answer = read_frame(s)
        return answer is not None and answer[3] & 15 == 0

    told = {}
    with connect(args.server) as s:
        for octet in frame(query(args.name)):
            s.send(bytes([octet]))
        told["octet by octet"] = answered(s)
    with connect(args.server) as s:
        s.send(frame(query(args.name)))
        s.shutdown(socket.SHUT_WR)
        told["FIN after the query"] = answered(s)
    with connect(args.server) as s:
        idents = list(range(50))
        s.sendall(b"".join(frame(query(args.name, ident=i)) for i in idents))
        got = sorted(struct.unpack("!H", read_frame(s)[:2])[0] for _ in idents)
        told["fifty at once"] = got == idents
    liars = []
    for head in (b"\0\0", b"\0\1", b"\xff\xff"):
        s = connect(args.server)
        s.sendall(head + query(args.name))
        liars.append(s)
    with connect(args.server) as s:
        s.send(frame(query(args.name)))
        told["beside lying lengths"] = answered(s)
    for s in liars:
        s.close()
    return all(told.values()), told


def idle(args):
    held = [connect(args.server) for _ in range(args.connections)]
    start = time.monotonic()
    with connect(args.server) as s:
        s.send(frame(query(args.name)))
        served = read_frame(s) is not None
    took = round(1000 * (time.monotonic() - start), 1)
    for s in held:
        s.close()
    return served, {"connections": args.connections, "milliseconds": took}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["poll", "steady", "cut", "frames", "idle"])
    parser.add_argument("server", help="ADDRESS:PORT")
    parser.add_argument("name")
    parser.add_argument("wanted", nargs="?", default="-")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=1000)
    args = parser.parse_args()
    good, told = globals()[args.command](args)
    print(json.dumps(told))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
