#!/usr/bin/env python3
"""Asks Swingover and other authoritative servers the same questions about the same random zones, and
tells where their answers differ.

  compare_peers.py --daemon build/dev/server/swingoverd [--zones 100] [--questions 50] [--seed 1] [--first 0]
                   [--peers nsd,knot] [--keep]

Zones and questions come from the seed and a family's number alone, so that a difference can be looked at again:
`--first N --zones 1` asks about family N only. Differences that peer_differences.md explains are counted there; any other
one is printed with the question and both answers, and makes the exit code 1. Everything runs on 127.0.0.1, in a folder
of its own; zones are served some hundred at a time.
"""

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from dns_message import Answer, lower, name_text, query_packet  # noqa: E402
from peer_servers import (Asker, free_port, refused_by_nsd, start_knot, start_named, start_nsd,  # noqa: E402
                          start_ours)
from random_zone import family  # noqa: E402

CHAIN_MAX = 16  # zones::Resolver::chain_max
ZONES_AT_ONCE = 150


# ---- what differs ----

class Case:
    """One question, our answer, and a peer's."""

    def __init__(self, name, kind, ours, theirs, apexes, owners, has_nul):
        self.name = name_text(lower(name))
        self.kind = kind
        self.ours = ours
        self.theirs = theirs
        self.apexes = apexes  # of all zones that are served, in lower case
        self.owners = owners  # apex -> owners of its records, likewise
        self.has_nul = has_nul  # some label of these zones has an octet 0

    def same_but(self, *parts):
        """The answers differ in nothing but these of rcode, aa, tc, and the sections' numbers."""
        mine = {"rcode": self.ours.rcode, "aa": self.ours.aa, "tc": self.ours.tc, **dict(enumerate(self.ours.sections))}
        other = {"rcode": self.theirs.rcode, "aa": self.theirs.aa, "tc": self.theirs.tc,
                 **dict(enumerate(self.theirs.sections))}
        return all(mine[key] == other[key] for key in mine if key not in parts)

    def last_name(self):
        """Where our chain ends."""
        targets = {record[0]: record[3] for record in self.ours.answer if record[1] == "CNAME"}
        name, hops = self.name, 0
        while name in targets and hops <= len(targets):
            name, hops = targets[name], hops + 1
        return name

    def zone_of(self, name):
        """The longest apex at or above `name`, or nothing."""
        found = [apex for apex in self.apexes if name == apex or name.endswith("." + apex)]
        return max(found, key=len, default="")


def differences(ours, theirs):
    found = [f"ours has {fault}" for fault in ours.faults] + [f"theirs has {fault}" for fault in theirs.faults]
    if ours.rcode != theirs.rcode:
        found.append(f"rcode {ours.rcode}/{theirs.rcode}")
    if ours.aa != theirs.aa:
        found.append(f"aa {int(ours.aa)}/{int(theirs.aa)}")
    if ours.tc != theirs.tc:
        found.append(f"tc {int(ours.tc)}/{int(theirs.tc)}")
    if ours.tc and theirs.tc:
        return found  # what a truncated answer holds is not to be relied on (RFC 2181 section 9)
    for name, mine, other in zip(("answer", "authority", "additional"), ours.sections, theirs.sections):
        if mine == other:
            continue
        more = bool(set(mine) - set(other))
        less = bool(set(other) - set(mine))
        found.append(f"{name} {'differs' if more and less else 'has more' if more else 'has less'}")
    return found


def is_part(some, all_of_them):
    return set(some) <= set(all_of_them)


def chain_of(answer):
    return sum(record[1] == "CNAME" for record in answer.answer)


def refers(answer):
    return any(record[1] == "NS" for record in answer.authority)


# ---- rules: id -> whether it applies to a case. Who differs, who is right and why stands in peer_differences.md. ----

RULES = {}


def rule(name):
    def register(applies):
        RULES[name] = applies
        return applies
    return register


@rule("additional-helps")
def additional_helps(case):
    return case.same_but(2) and case.ours.aa and bool(case.ours.answer)


@rule("compression")
def compression(case):
    return case.theirs.tc and not case.ours.tc and is_part(case.theirs.answer, case.ours.answer)


@rule("glue-sets-tc")
def glue_sets_tc(case):
    return case.ours.tc and refers(case.ours) and case.same_but("tc", 2)


@rule("chain-limit")
def chain_limit(case):
    return chain_of(case.ours) == CHAIN_MAX <= chain_of(case.theirs)


@rule("knot-chain-5")
def knot_chain(case):
    return chain_of(case.ours) >= 4 and is_part(case.theirs.answer, case.ours.answer)


@rule("knot-dname-loop")
def knot_dname_loop(case):
    return bool(case.theirs.faults) and set(case.ours.answer) == set(case.theirs.answer)


@rule("named-chain-servfail")
def named_chain(case):
    return case.theirs.rcode == "SERVFAIL" and (case.ours.answer == case.theirs.answer or chain_of(case.ours) > 10)


@rule("knot-compresses-dname")
def knot_compresses_dname(case):
    return (case.ours.tc and 4 <= chain_of(case.ours) < chain_of(case.theirs)
            and is_part(case.ours.answer, case.theirs.answer))


@rule("knot-soa-left-out")
def knot_soa_left_out(case):
    return not case.theirs.authority and case.same_but("tc", 1)


@rule("nsd-dname-once")
def nsd_dname_once(case):
    return ((case.ours.rcode == "YXDOMAIN" or case.ours.tc and chain_of(case.ours) > chain_of(case.theirs))
            and is_part(case.theirs.answer, case.ours.answer))


@rule("named-soa-ttl-0")
def named_soa_ttl(case):
    def without_ttl(answer):
        return [(owner, kind, rdata) for owner, kind, _, rdata in answer.authority]
    return case.same_but(1) and without_ttl(case.ours) == without_ttl(case.theirs)


@rule("any-picks")
def any_picks(case):
    return case.kind == "ANY" and all(answer.answer or answer.tc for answer in (case.ours, case.theirs))


@rule("knot-type-0")
def knot_type_0(case):
    return case.kind == 0 and case.theirs.rcode == "NOTIMP"


@rule("nsd-shared-names")
def nsd_shared_names(case):
    if len([apex for apex in case.apexes if case.last_name().endswith("." + apex)]) < 2 or case.theirs.rcode != "NOERROR":
        return False
    denied = case.ours.rcode == "NXDOMAIN" and case.same_but("rcode")
    by_wildcard = case.name not in case.owners[case.zone_of(case.name)] and bool(case.ours.answer) and not case.theirs.answer
    return denied or by_wildcard


@rule("knot-wildcard-dname")
def knot_wildcard_dname(case):
    literal = {record for record in case.ours.answer if record[1] == "DNAME" and record[0].startswith("*.")}
    return bool(literal - set(case.theirs.answer))


def glue_of(answer):
    """The additional records at or below the delegation that the authority section has."""
    cut = next(record[0] for record in answer.authority if record[1] == "NS")
    return [record for record in answer.additional if record[0] == cut or record[0].endswith("." + cut)]


@rule("referral-help")
def referral_help(case):
    return refers(case.ours) and case.same_but(2) and glue_of(case.ours) == glue_of(case.theirs)


@rule("glue-left-out")
def glue_left_out(case):
    return (refers(case.ours) and case.same_but(2) and not case.ours.tc
            and is_part(glue_of(case.theirs), glue_of(case.ours)))


@rule("cname-rrsig")
def cname_rrsig(case):
    return case.kind in ("RRSIG", "NSEC") and chain_of(case.ours) > chain_of(case.theirs)


@rule("knot-yxdomain")
def knot_yxdomain(case):
    dnames = {record for record in case.ours.answer if record[1] == "DNAME"}
    return case.ours.rcode == "YXDOMAIN" and bool(dnames) and is_part(dnames, case.theirs.answer)


@rule("knot-nul")
def knot_nul(case):
    return case.has_nul and (case.ours.rcode != case.theirs.rcode or case.ours.aa != case.theirs.aa)


@rule("cross-zone-chain")
def cross_zone_chain(case):
    leaving = {record for record in case.ours.answer
               if record[1] == "CNAME" and case.zone_of(record[0]) != case.zone_of(record[3])}
    return bool(leaving) and (is_part(case.theirs.answer, case.ours.answer) or bool(leaving & set(case.theirs.answer)))


@rule("tc-rcode")
def tc_rcode(case):
    return case.ours.tc and case.theirs.tc


def explanations():
    """[(id, peers, why)] from the table of peer_differences.md: the first that applies explains a difference."""
    rows = []
    with open(os.path.join(HERE, "peer_differences.md")) as text:
        for line in text:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("| `"):
                rows.append((cells[0].strip("`"), cells[1].split(", "), f"{cells[2]}; {cells[3]} right, {cells[4]}"))
    names = [row[0] for row in rows]
    if set(names) != set(RULES) | {"nsd-names-below-dname"} or len(set(names)) != len(names):
        raise SystemExit(f"peer_differences.md and the rules differ: {sorted(set(names) ^ set(RULES))}")
    return rows


# ---- the comparison ----

class Comparison:
    def __init__(self):
        self.table = explanations()
        self.zones = 0
        self.asked = 0
        self.explained = collections.Counter()
        self.unexplained = collections.Counter()
        self.examples = {}
        self.refused = set()

    def explanation(self, peer, case):
        if case.ours.faults:
            return None
        for name, peers, why in self.table:
            if peer in peers and name in RULES and RULES[name](case):
                return f"{peer} {name}: {why}"
        return None

    def nsd_refused(self, zones):
        """They count as differences, and are not compared with NSD: it answers SERVFAIL for them."""
        self.refused = {name_text(lower(zone.apex)) for zone in zones}
        for name, _, why in self.table:
            if zones and name == "nsd-names-below-dname":
                self.explained[f"nsd {name}: {why}"] += len(zones)

    def ask_family(self, number, zones, questions, askers, seed):
        random.seed(f"{seed}/{number}/questions")
        self.owners = {name_text(lower(zone.apex)): {name_text(lower(owner + zone.apex)) for owner in zone.sets}
                       for zone in zones}
        self.has_nul = any(b"\0" in label for zone in zones for owner in zone.sets for label in owner)
        for zone in zones:
            self.zones += 1
            for name, kind in zone.questions(questions):
                tcp = random.random() < 0.2
                edns = random.choice([0, 512, 1232, 1232, 1232, 4096])
                query = query_packet(name, kind, edns, random.randrange(65536))
                self.ask(askers, query, name, kind, tcp, f"family {number}: {name_text(name)} {kind} "
                         f"{'tcp' if tcp else 'udp'} edns={edns}")

    def ask(self, askers, query, name, kind, tcp, title):
        answers = {}
        for server, asker in askers.items():
            reply = asker.ask(query, tcp)
            answers[server] = Answer(reply, query) if reply else None
        ours = answers.pop("ours")
        self.asked += 1
        for peer, theirs in answers.items():
            case = Case(name, kind, ours, theirs, self.apexes, self.owners, self.has_nul)
            if peer == "nsd" and self.touches_refused(case):
                continue
            found = differences(ours, theirs) if ours and theirs else ["silence"]
            if not found:
                continue
            why = self.explanation(peer, case) if ours and theirs else None
            self.note(peer, why, found, title, ours, theirs)

    def touches_refused(self, case):
        names = [case.name] + [record[3] for record in case.ours.answer if record[1] == "CNAME"]
        return any(case.zone_of(name) in self.refused for name in names)

    def note(self, peer, why, found, title, ours, theirs):
        key = why or f"{peer}: {', '.join(found)}"
        (self.explained if why else self.unexplained)[key] += 1
        shown = f"{key}\n  {title}\n" + "".join(
            f" {server}:\n{answer.text() if answer else '  silence'}\n" for server, answer in (("ours", ours), (peer, theirs)))
        if why:
            self.examples.setdefault(why, shown)
        elif self.unexplained[key] <= 3:
            print(shown)

    def report(self, seed, with_examples):
        print(f"{self.asked} questions about {self.zones} zones, seed {seed}")
        for title, counts in (("explained", self.explained), ("not explained", self.unexplained)):
            print(f"{title}: {sum(counts.values())}")
            for what, count in counts.most_common():
                print(f"{count:6} {what}")
        if with_examples:
            print("\n" + "\n".join(self.examples.values()))


def run_chunk(options, families, comparison):
    folder = tempfile.mkdtemp(prefix="compare-peers-")
    zones = [zone for group in families.values() for zone in group]
    for zone in zones:
        with open(os.path.join(folder, zone.file), "w") as out:
            out.write(zone.text())
    comparison.apexes = [name_text(lower(zone.apex)) for zone in zones]
    starts = {"nsd": start_nsd, "knot": start_knot, "named": start_named,
              "ours": lambda *where: start_ours(options.daemon, *where)}
    askers, processes, refused = {}, [], []
    try:
        for name in ["ours"] + options.peers.split(","):
            port = free_port()
            processes.append(starts[name](folder, zones, port))
            askers[name] = Asker(port)
        for name, asker in askers.items():
            if name == "nsd":
                asker.wait_until_ready(zones[:1], name)
                refused = list(refused_by_nsd(folder, zones))
                comparison.nsd_refused(refused)
            asker.wait_until_ready(zones, name, refused)
        for number, group in families.items():
            comparison.ask_family(number, group, options.questions, askers, options.seed)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        if options.keep:
            print(folder)
        else:
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description="Compares the answers of authoritative servers.")
    parser.add_argument("--daemon", required=True, help="swingoverd")
    parser.add_argument("--zones", type=int, default=100, help="at least so many")
    parser.add_argument("--questions", type=int, default=50, help="about each zone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first family")
    parser.add_argument("--peers", default="nsd,knot", help="of nsd, knot, named")
    parser.add_argument("--keep", action="store_true", help="the folder with zones, configs and logs")
    parser.add_argument("--examples", action="store_true", help="shows one case of each explained difference")
    options = parser.parse_args()
    comparison = Comparison()
    number = options.first
    while comparison.zones < options.zones:
        families = {}
        left = min(ZONES_AT_ONCE, options.zones - comparison.zones)
        while sum(map(len, families.values())) < left:
            families[number] = family(options.seed, number)
            number += 1
        run_chunk(options, families, comparison)
    comparison.report(options.seed, options.examples)
    return 1 if comparison.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
