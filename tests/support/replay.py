#!/usr/bin/env python3
"""Clients that write down what they were answered and when, and hold all of it against the explanations of then.

  replay.py record SERVER FILE --seconds S [--rate N]
      asks the questions below in turn, from many addresses, some N a second, and appends a line of JSON for each answer:
      the time before it was asked for and after it had come, in milliseconds since 1970. No answer: no line.
  replay.py check ADMIN FILE [--least N]
      has every one of them explained as of then. Exit status 0: each is what the state of then gives.

What is held against what: between `before` and `after`, widened by the resolution of the log, a millisecond each way, one
state held, or several. The RCODE and every record must be what one of those gives. Where there is a choice, it must
be one with a share above 0, with as many of its addresses as it says; a client that sticks must have got the one that it
sticks to. Of the answers that one and the same choice was made for, in a row, the pools' counts must be their shares.
"""

import argparse
import http.client
import itertools
import json
import math
import socket
import struct
import sys
import time

import dns_client

ZONE = "svc.example.test."
ASKERS = ["127.0.21.7", "127.0.22.7", "127.0.23.7", "127.0.9.9"]  # fra-a, ber-a, nyc-a by the map, nowhere
SERVICES = ["order", "turn", "near", "shop", "outer", "alias", "all", "gone"]
PLAIN = [("www", "A"), ("www", "AAAA"), ("nothing", "A"), ("www", "TXT"), ("fra.on.order", "A"), ("all", "AAAA")]
STICKY_NETWORKS = 100
RESOLUTION = 1  # millisecond
TYPE_NAMES = {1: "A", 5: "CNAME", 28: "AAAA"}


def name_at(packet, at):
    labels = []
    end = None
    while True:
        size = packet[at]
        if size >= 192:
            end = end or at + 2
            at = (size & 63) << 8 | packet[at + 1]
            continue
        at += 1
        if size == 0:
            return ".".join(labels) + ".", end or at
        labels.append(packet[at : at + size].decode().lower())
        at += size


def records(packet):
    """The rcode, and [owner, ttl, type, data] of each record of the answer section."""
    counts = struct.unpack("!6H", packet[:12])
    at = 12
    for _ in range(counts[2]):
        at = name_at(packet, at)[1] + 4
    found = []
    for _ in range(counts[3]):
        owner, at = name_at(packet, at)
        rtype, _, ttl, size = struct.unpack("!2HIH", packet[at : at + 10])
        at += 10
        data = packet[at : at + size]
        if rtype == 5:
            text = name_at(packet, at)[0]
        elif rtype in (1, 28):
            text = socket.inet_ntop(socket.AF_INET if rtype == 1 else socket.AF_INET6, data)
        else:
            text = data.hex()
        found.append([owner, ttl, TYPE_NAMES.get(rtype, str(rtype)), text])
        at += size
    return counts[1] & 15, found


def questions():
    """For ever: (asker, name, type)."""
    sticky = itertools.cycle(range(STICKY_NETWORKS))
    plain = itertools.cycle(PLAIN)
    while True:
        for service in SERVICES:
            for asker in ASKERS:
                yield asker, f"{service}.{ZONE}", "A"
        for asker in ASKERS:
            name, qtype = next(plain)
            yield asker, f"{name}.{ZONE}", qtype
        # Seldom enough that no network is many caches: four answers a TTL of 30 s.
        yield f"127.0.{100 + next(sticky)}.7", f"stick.{ZONE}", "A"


def record(args):
    sockets = {}
    with open(args.file, "a") as out:
        until = time.monotonic() + args.seconds
        due = time.monotonic()
        for asker, name, qtype in questions():
            if asker not in sockets:
                s = sockets[asker] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((asker, 0))
                s.settimeout(0.5)
                s.connect(dns_client.split(args.server))
            now = time.monotonic()
            if now > until:
                return 0
            due = max(due + 1 / args.rate, now - 0.1)
            if due > now:
                time.sleep(due - now)
            before = time.time_ns()
            try:
                answer = dns_client.ask(sockets[asker], dns_client.query(name, qtype))
            except OSError:
                answer = None
            after = time.time_ns()
            if answer is None:
                time.sleep(0.02)
                continue
            rcode, found = records(answer)
            line = {
                "name": name, "type": qtype, "client": asker, "rcode": rcode, "records": found,
                "before": before // 1_000_000, "after": -(-after // 1_000_000),
            }
            print(json.dumps(line), file=out, flush=True)


class Daemon:
    """Asks for explanations, many at a time."""

    MOST = 500

    def __init__(self, admin):
        host, port = dns_client.split(admin)
        self.connection = http.client.HTTPConnection(host, port, timeout=120)

    def explain(self, asked):
        """asked: [(line, millisecond)]; the explanations in this order."""
        out = []
        for at in range(0, len(asked), self.MOST):
            body = {"questions": [
                {"name": l["name"], "type": l["type"], "client": l["client"], "at": rfc3339(t)}
                for l, t in asked[at : at + self.MOST]
            ]}
            self.connection.request("POST", "/v1/explain", json.dumps(body), {"Content-Type": "application/json"})
            reply = self.connection.getresponse()
            text = reply.read()
            if reply.status != 200:
                sys.exit(f"POST /v1/explain: {reply.status} {text.decode()}")
            out += json.loads(text)["explanations"]
        return out


def rfc3339(milliseconds):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{whole}.{milliseconds % 1000:03d}Z"


RCODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}


def told_records(explanation):
    found = []
    for line in explanation["answers"]:
        owner, ttl, _, rtype, data = line.split(" ", 4)
        found.append([owner.lower(), int(ttl), rtype, data.lower() if rtype == "CNAME" else data])
    return found


def difference(line, explanation):
    """Why the answer cannot be of this state; nothing if it can. Second: the choices that it tells, (service, pool)."""
    if "error" in explanation:
        return explanation["error"]["message"], []
    if RCODES.get(explanation["rcode"]) != line["rcode"]:
        return f"rcode {line['rcode']}, told {explanation['rcode']}", []
    told = told_records(explanation)
    if line["records"] and told and line["records"][0][:3:2] == told[0][:3:2] and line["records"][0][1] != told[0][1]:
        return f"TTL {line['records'][0][1]}, told {told[0][1]}", []
    services = {s["service"]: s for s in explanation["choices"]}
    left = [list(r) for r in line["records"]]
    if not services:
        plain = lambda rs: sorted(r[:1] + r[2:] for r in rs)
        return (None if plain(left) == plain(told) else f"records {left}, told {told}"), []
    picks = []
    owner = line["name"].lower()
    for _ in range(20):
        here = [r for r in left if r[0] == owner]
        left = [r for r in left if r[0] != owner]
        cnames = [r[3] for r in here if r[2] == "CNAME"]
        if owner not in services:
            if [r[2:] for r in here] != [r[2:] for r in told if r[0] == owner]:
                return f"{owner} has {here}, told {told}", picks
        else:
            got = sorted(r[3] for r in here)
            choices = services[owner]["choices"]
            if services[owner]["sticks"]:
                choices = [services[owner]["sticks"]]
            fits = [c for c in choices if len(got) == c["count"] and set(got) <= set(c["may"]) and c["share"] > 0]
            if not fits and (choices or got):
                return f"{owner} got {got}, may be {choices}", picks
            picks.append((owner, fits[0]["pool"] if len(fits) == 1 else None))
        if len(cnames) != 1:
            break
        owner = cnames[0]
    return (f"{left} too many" if left else None), picks


def same_state(one, other):
    return "error" not in one and "error" not in other and (
        (one["since"], one["generation"]) == (other["since"], other["generation"])
        and not one["changing"] and not other["changing"] and one["unsure"] == other["unsure"])


def check_counts(rows):
    """rows: (line, explanation, picks) of certain states. The problems, and how many runs of picks were counted."""
    problems = []
    counted = 0
    runs = {}

    def close(key):
        nonlocal counted
        choices, counts = runs.pop(key)
        n = sum(counts.values())
        if n < 20:
            return
        counted += 1
        for choice in choices:
            wanted = n * choice["share"]
            got = counts.get(choice["pool"], 0)
            # Other names take picks of the same sequence, and so do additional sections: what is left of it is as good as
            # random, and four deviations off is not by its share.
            if abs(got - wanted) > 1 + 4 * math.sqrt(n * choice["share"] * (1 - choice["share"])):
                problems.append(f"{key}: {choice['pool']} got {got} of {n} answers, share {choice['share']}: {choices}")

    for line, explanation, picks in rows:
        by_name = {s["service"]: s for s in explanation["choices"]}
        for service, pool in picks[:1]:
            told = by_name[service]
            if len(told["choices"]) < 2 or told["sticks"] or pool is None:
                continue
            # A service counts its picks for itself, a steered one for each locality.
            locality = explanation["locality"] if service.startswith("shop.") else ""
            if line["type"] != "A" or line["name"] != service:
                continue
            key = (service, locality)
            state = (explanation["generation"], json.dumps(told["choices"]))
            if key in runs and runs[key][2] != state:
                old = runs[key]
                runs[key] = old[:2]
                close(key)
            if key not in runs:
                runs[key] = (told["choices"], {}, state)
            runs[key][1][pool] = runs[key][1].get(pool, 0) + 1
    for key in list(runs):
        runs[key] = runs[key][:2]
        close(key)
    return problems, counted


def check(args):
    daemon = Daemon(args.admin)
    with open(args.file) as file:
        lines = [json.loads(line) for line in file]
    low = [(l, l["before"] - RESOLUTION) for l in lines]
    high = [(l, l["after"] + RESOLUTION) for l in lines]
    first, last = daemon.explain(low), daemon.explain(high)
    certain, wrong, unsure = [], [], []
    states = set()
    for line, one, other in zip(lines, first, last):
        if not same_state(one, other):
            unsure.append(line)
            continue
        states.add((one["generation"], one["since"]))
        why, picks = difference(line, one)
        if why:
            why, picks = difference(line, other)  # the same state, the TTL of another second
        if why:
            wrong.append((line, why))
        else:
            certain.append((line, one, picks))
    # A change lies in between: every state from before to after it may have been.
    asked = [(l, t) for l in unsure for t in range(l["before"] - RESOLUTION, l["after"] + RESOLUTION + 1)]
    told = iter(daemon.explain(asked))
    for line in unsure:
        whys = {difference(line, next(told))[0] for _ in range(line["before"] - RESOLUTION, line["after"] + RESOLUTION + 1)}
        if None not in whys:
            wrong.append((line, " | ".join(sorted(whys))))
    problems, counted = check_counts(certain)
    by_name = {}
    for line, _ in wrong:
        by_name[line["name"]] = by_name.get(line["name"], 0) + 1
    if wrong:
        print("WRONG by name: " + ", ".join(f"{name} {count}" for name, count in sorted(by_name.items())))
    for line, why in wrong[:20]:
        print(f"WRONG {line}: {why}")
    for problem in problems[:20]:
        print(f"COUNTS {problem}")
    kinds = {}
    for line, _, _ in certain:
        kinds[line["name"].split(".")[0]] = kinds.get(line["name"].split(".")[0], 0) + 1
    killed = sum(bool(e["unsure"]) for _, e, _ in certain)
    print(f"{len(lines)} answers ({killed} of the last seconds before a kill), {len(states)} states, {len(unsure)} beside a change, {len(wrong)} wrong, "
          f"{counted} runs of picks counted, {len(problems)} not by their shares")
    print(", ".join(f"{name} {count}" for name, count in sorted(kinds.items())))
    if len(lines) < args.least or len(certain) < 0.9 * len(lines):
        print(f"too few: {args.least} answers are wanted, nine of ten in states that are certain")
        return 1
    if counted == 0:
        print("no run of picks was long enough to count")
        return 1
    return 1 if wrong or problems else 0


def main():
    options = argparse.ArgumentParser()
    verbs = options.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record")
    verb.add_argument("server")
    verb.add_argument("file")
    verb.add_argument("--seconds", type=float, required=True)
    verb.add_argument("--rate", type=float, default=250)
    verb.set_defaults(run=record)
    verb = verbs.add_parser("check")
    verb.add_argument("admin")
    verb.add_argument("file")
    verb.add_argument("--least", type=int, default=0)
    verb.set_defaults(run=check)
    given = options.parse_args()
    sys.exit(given.run(given))


if __name__ == "__main__":
    main()
