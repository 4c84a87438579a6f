#!/usr/bin/env python3
"""Asks Swingover and other authoritative servers the same questions about the same random zones, and
tells where their answers differ.

  compare_peers.py --daemon build/dev/server/swingoverd [--zones 100] [--questions 50] [--seed 1]
                   [--peers nsd,knot]

Zones and questions come from the seed alone, so a difference can be looked at again. What EXPLAINED knows is
counted there; any other difference is printed with the question and both answers, and makes the exit code 1.
Everything runs on 127.0.0.1, in a folder of its own.
"""

import argparse
import collections
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from random_zone import Zone

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15, "TXT": 16,
         "RP": 17, "AFSDB": 18, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35, "DNAME": 39, "DS": 43,
         "SSHFP": 44, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "URI": 256, "CAA": 257, "TYPE731": 731}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
CHAIN_MAX = 16  # zones::Resolver::chain_max
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN"}

# ---- messages ----

def wire_name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def query_packet(name, kind, edns, ident):
    packet = struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 1 if edns else 0)
    packet += wire_name(name) + struct.pack(">HH", TYPES[kind], 1)
    if edns:
        packet += b"\0" + struct.pack(">HHIH", 41, edns, 0, 0)
    return packet


def read_name(packet, at):
    labels = []
    end = None
    for _ in range(200):
        length = packet[at]
        if length >= 0xc0:
            end = end if end is not None else at + 2
            at = (length & 0x3f) << 8 | packet[at + 1]
            continue
        if length == 0:
            return ".".join(labels).lower() + ".", end if end is not None else at + 1
        labels.append(packet[at + 1:at + 1 + length].decode("latin-1"))
        at += 1 + length
    raise ValueError("a name that does not end")


NAMES_IN_RDATA = {2: (0, 1), 5: (0, 1), 12: (0, 1), 39: (0, 1), 15: (2, 1), 18: (2, 1), 33: (6, 1), 6: (0, 2),
                  14: (0, 2), 17: (0, 2)}


def read_rdata(packet, at, size, kind):
    before, names = NAMES_IN_RDATA.get(kind, (size, 0))
    end = at + size
    parts = [packet[at:at + before].hex()]
    at += before
    for _ in range(names):
        name, at = read_name(packet, at)
        parts.append(name)
    parts.append(packet[at:end].hex())
    return " ".join(part for part in parts if part)


class Answer:
    def __init__(self, packet):
        _, flags, questions, *counts = struct.unpack(">HHHHHH", packet[:12])
        self.rcode = RCODES.get(flags & 15, str(flags & 15))
        self.aa = bool(flags & 0x0400)
        self.tc = bool(flags & 0x0200)
        at = 12
        for _ in range(questions):
            _, at = read_name(packet, at)
            at += 4
        self.faults = []
        self.sections = []
        for count in counts:
            records = []
            for _ in range(count):
                owner, at = read_name(packet, at)
                kind, _, ttl, size = struct.unpack(">HHIH", packet[at:at + 10])
                at += 10
                if kind != 41:
                    records.append((owner, TYPE_NAMES.get(kind, str(kind)), ttl, read_rdata(packet, at, size, kind)))
                at += size
            if len(set(records)) != len(records):
                self.faults.append("a record twice in a section")
            self.sections.append(sorted(records))
        if at != len(packet):
            self.faults.append("octets behind the last record")
        self.size = len(packet)

    def text(self):
        lines = [f"  {self.rcode}{' aa' if self.aa else ''}{' tc' if self.tc else ''} {self.size} octets"]
        for section, records in zip(("answer", "authority", "additional"), self.sections):
            lines += [f"    {section}: {' '.join(map(str, record))}" for record in records]
        return "\n".join(lines)


def ask(server, packet, tcp):
    for _ in range(3):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
                s.settimeout(2)
                s.connect(server)
                if not tcp:
                    s.send(packet)
                    return s.recv(65535)
                s.sendall(struct.pack(">H", len(packet)) + packet)
                buffer = b""
                while len(buffer) < 2 or len(buffer) < 2 + struct.unpack(">H", buffer[:2])[0]:
                    more = s.recv(65535)
                    if not more:
                        raise OSError("closed early")
                    buffer += more
                return buffer[2:]
        except OSError:
            continue
    return None


# ---- what differs ----

def differences(ours, theirs):
    found = [f"ours has {fault}" for fault in ours.faults] + [f"theirs has {fault}" for fault in theirs.faults]
    if ours.rcode != theirs.rcode and not (ours.tc and theirs.tc):
        found.append(f"rcode {ours.rcode}/{theirs.rcode}")
    if ours.aa != theirs.aa:
        found.append(f"aa {int(ours.aa)}/{int(theirs.aa)}")
    if ours.tc != theirs.tc:
        found.append(f"tc {int(ours.tc)}/{int(theirs.tc)}")
    if ours.tc or theirs.tc:
        return found  # what a truncated answer holds is not to be relied on
    for name, mine, other in zip(("answer", "authority", "additional"), ours.sections, theirs.sections):
        if mine == other:
            continue
        more = bool(set(mine) - set(other))
        less = bool(set(other) - set(mine))
        found.append(f"{name} {'differs' if more and less else 'has more' if more else 'has less'}")
    return found


def is_part(some, all_of_them):
    return set(some) <= set(all_of_them)


def same_but(ours, theirs, *parts):
    """The answers differ in nothing but these of rcode, aa, tc and the sections' numbers."""
    mine = {"rcode": ours.rcode, "aa": ours.aa, "tc": ours.tc, **dict(enumerate(ours.sections))}
    other = {"rcode": theirs.rcode, "aa": theirs.aa, "tc": theirs.tc, **dict(enumerate(theirs.sections))}
    return all(mine[key] == other[key] for key in mine if key not in parts)


def chain_of(answer):
    return sum(record[1] == "CNAME" for record in answer.sections[0])


def refers(answer):
    return any(record[1] == "NS" for record in answer.sections[1])


def without_ttl(answer):
    return [(owner, kind, rdata) for owner, kind, _, rdata in answer.sections[1]]


# Differences that are as they should be: who, when, why, and who is right by which RFC.
EXPLAINED = [
    ("*", lambda ours, theirs: same_but(ours, theirs, 2) and ours.aa and ours.sections[0],
     "addresses beside an answer only help (RFC 1034 section 4.3.2 step 6): all are right"),
    ("*", lambda ours, theirs: theirs.tc and not ours.tc and is_part(theirs.sections[0], ours.sections[0]),
     "truncated although it fits when names are compressed: ours is whole"),
    ("*", lambda ours, theirs: ours.tc and refers(ours) and same_but(ours, theirs, "tc", 2),
     "glue that does not fit sets TC (RFC 9471 section 3.1): ours"),
    ("*", lambda ours, theirs: chain_of(ours) == CHAIN_MAX < chain_of(theirs),
     f"we follow a chain {CHAIN_MAX} times (RFC 1034 section 3.6.2 names no limit): both are right"),
    ("knot", lambda ours, theirs: chain_of(ours) >= 4 and is_part(theirs.sections[0], ours.sections[0]),
     "Knot follows a chain 5 times (RFC 1034 section 3.6.2 names no limit): both are right"),
    ("knot", lambda ours, theirs: theirs.faults and set(ours.sections[0]) == set(theirs.sections[0]),
     "Knot goes round a loop of DNAMEs until it stops (RFC 2181 section 5): ours has each record once"),
    ("named", lambda ours, theirs: theirs.rcode == "SERVFAIL"
     and (ours.sections[0] == theirs.sections[0] or chain_of(ours) > 10),
     "BIND fails at a loop and at a chain of more than 10 (RFC 1034 section 3.6.2 asks for neither): ours"),
    ("knot", lambda ours, theirs: ours.tc and 4 <= chain_of(ours) < chain_of(theirs)
     and is_part(ours.sections[0], theirs.sections[0]),
     "Knot compresses a chain of synthesised CNAMEs better, so that more of it fits (RFC 1035 section 4.1.4): both"),
    ("knot", lambda ours, theirs: not theirs.sections[1] and same_but(ours, theirs, "tc", 1),
     "Knot leaves out an SOA that does not fit, without TC (RFC 2308 section 3): ours"),
    ("nsd", lambda ours, theirs: (ours.rcode == "YXDOMAIN" or ours.tc and chain_of(ours) > chain_of(theirs))
     and is_part(theirs.sections[0], ours.sections[0]),
     "NSD applies a DNAME once, although what it gives is redirected again and gets too long (RFC 6672 section 3.2): ours"),
    ("*", lambda ours, theirs: refers(ours) and same_but(ours, theirs, 2)
     and is_part(theirs.sections[2], ours.sections[2]),
     "addresses of name servers beside the delegation only help (RFC 9471 section 3.2): all are right"),
    ("named", lambda ours, theirs: same_but(ours, theirs, 1) and without_ttl(ours) == without_ttl(theirs),
     "BIND gives the SOA about which a negative answer was asked the TTL 0 (RFC 2308 section 3): ours"),
]


def explanation(peer, ours, theirs):
    for who, applies, why in EXPLAINED:
        if who in (peer, "*") and not ours.faults and applies(ours, theirs):
            return f"{peer}: {why}"
    return None


# ---- servers ----

def free_port():
    """A port that is free for UDP and TCP alike."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def start_nsd(folder, zones, port):
    config = os.path.join(folder, "nsd.conf")
    with open(config, "w") as out:
        out.write(f'server:\n ip-address: 127.0.0.1@{port}\n username: ""\n chroot: ""\n database: ""\n'
                  f' zonesdir: "{folder}"\n pidfile: "{folder}/nsd.pid"\n xfrdfile: "{folder}/xfrd.state"\n'
                  f' zonelistfile: "{folder}/zone.list"\n cookie-secret-file: "{folder}/cookie"\n'
                  f' minimal-responses: yes\n server-count: 1\nremote-control:\n control-enable: no\n')
        for zone in zones:
            out.write(f"zone:\n name: {zone.apex}\n zonefile: {zone.apex}zone\n")
    return subprocess.Popen(["nsd", "-d", "-c", config], stderr=open(f"{folder}/nsd.log", "w"))


def start_knot(folder, zones, port):
    config = os.path.join(folder, "knot.conf")
    with open(config, "w") as out:
        out.write(f"server:\n    rundir: {folder}/knot\n    listen: 127.0.0.1@{port}\n"
                  f"database:\n    storage: {folder}/knot\nlog:\n  - target: stderr\n    any: info\n"
                  f"template:\n  - id: default\n    storage: {folder}\n    file: \"%szone\"\n    zonefile-sync: -1\n"
                  "    journal-content: none\nzone:\n")
        for zone in zones:
            out.write(f"  - domain: {zone.apex}\n    file: {zone.apex}zone\n")
    os.makedirs(f"{folder}/knot")
    return subprocess.Popen(["knotd", "-c", config], stderr=open(f"{folder}/knot.log", "w"))


def start_named(folder, zones, port):
    config = os.path.join(folder, "named.conf")
    with open(config, "w") as out:
        out.write(f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
                  " recursion no; pid-file none; session-keyfile none; minimal-responses no-auth;"
                  " empty-zones-enable no; notify no; check-names primary ignore;"
                  " dnssec-validation no; }; controls {};\n")
        for zone in zones:
            out.write(f'zone "{zone.apex}" {{ type primary; file "{zone.apex}zone"; }};\n')
    return subprocess.Popen(["named", "-g", "-n", "1", "-c", config], stderr=open(f"{folder}/named.log", "w"))


def start_ours(daemon, folder, zones, port):
    config = os.path.join(folder, "swingover.toml")
    with open(config, "w") as out:
        out.write(f'[server]\nlisten = ["127.0.0.1:{port}"]\nstate_dir = "{folder}/state"\n'
                  # The peers amplify without a limit.
                  "[rate_limit]\namplification_max = 0\n")
        for zone in zones:
            out.write(f'[[zone]]\nname = "{zone.apex}"\nfile = "{zone.apex}zone"\n')
    return subprocess.Popen([daemon, "--config", config], stderr=open(f"{folder}/ours.log", "w"),
                            stdout=subprocess.DEVNULL)


def wait_until_ready(server, zones, name):
    deadline = time.time() + 30
    for zone in zones:
        while time.time() < deadline:
            packet = ask(server, query_packet(zone.apex, "SOA", 1232, 1), False)
            if packet and Answer(packet).rcode == "NOERROR":
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{name} does not serve {zone.apex}")


def compare(zones, servers, questions_a_zone):
    """Asks, prints what nothing explains; returns how much was asked, and counts of both kinds of difference."""
    asked, explained, unexplained = 0, collections.Counter(), collections.Counter()
    for zone in zones:
        for name, kind in zone.questions(questions_a_zone):
            tcp = random.random() < 0.2
            edns = random.choice([0, 1232, 1232, 1232])
            packet = query_packet(name, kind, edns, random.randrange(65536))
            replies = {server: ask(address, packet, tcp) for server, address in servers.items()}
            answers = {server: Answer(reply) if reply else None for server, reply in replies.items()}
            ours = answers.pop("ours")
            asked += 1
            for peer, theirs in answers.items():
                found = differences(ours, theirs) if ours and theirs else ["silence"]
                if not found:
                    continue
                why = explanation(peer, ours, theirs) if ours and theirs else None
                if why:
                    explained[why] += 1
                    continue
                what = f"{peer}: {', '.join(found)}"
                unexplained[what] += 1
                print(f"{what}\n  {name} {kind} {'tcp' if tcp else 'udp'} edns={edns}")
                for server, answer in (("ours", ours), (peer, theirs)):
                    print(f" {server}:\n{answer.text() if answer else '  silence'}")
    return asked, explained, unexplained


def main():
    parser = argparse.ArgumentParser(description="Compares the answers of authoritative servers.")
    parser.add_argument("--daemon", required=True, help="swingoverd")
    parser.add_argument("--zones", type=int, default=100)
    parser.add_argument("--questions", type=int, default=50, help="about each zone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", default="nsd,knot", help="of nsd, knot, named")
    parser.add_argument("--keep", action="store_true", help="the folder with zones, configs and logs")
    options = parser.parse_args()
    random.seed(options.seed)
    folder = tempfile.mkdtemp(prefix="compare-peers-")
    zones = [Zone(f"z{i}.test.") for i in range(options.zones)]
    for zone in zones:
        with open(f"{folder}/{zone.apex}zone", "w") as out:
            out.write(zone.text())
    starts = {"nsd": start_nsd, "knot": start_knot, "named": start_named,
              "ours": lambda *where: start_ours(options.daemon, *where)}
    servers, processes = {}, []
    try:
        for name in ["ours"] + options.peers.split(","):
            servers[name] = ("127.0.0.1", free_port())
            processes.append(starts[name](folder, zones, servers[name][1]))
        for name, server in servers.items():
            wait_until_ready(server, zones, name)
        asked, explained, unexplained = compare(zones, servers, options.questions)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        if options.keep:
            print(folder)
        else:
            shutil.rmtree(folder)
    print(f"{asked} questions about {len(zones)} zones, seed {options.seed}")
    for title, counts in (("explained", explained), ("not explained", unexplained)):
        print(f"{title}: {sum(counts.values())}")
        for what, count in counts.most_common():
            print(f"{count:6} {what}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
