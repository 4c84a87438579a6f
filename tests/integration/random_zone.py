"""Zones made of chance, which every authoritative server should accept, and questions that reach their corners.

A family is what some servers treat together: a zone, perhaps one below one of its delegations, perhaps a neighbour whose
names its own records point at. All of family I of a seed comes from that seed and I alone.
"""

import random
import re

from dns_message import TYPES, lower, name_text, name_wire

LABELS = [b"a", b"b", b"c", b"www", b"mail", b"ns1", b"Mixed", b"under_score", b"x-y", b"9", b"l" * 63]
# Not a\0b beside labels a and b: Knot takes it for b.a, and would not load some zones.
ODD_LABELS = [b"n\0l", b"dot.ted", b"\xc3\xe4\xff", b'quo"te', b"sp ace", b"back\\slash;", b"@", b"\x01", b"(", b"$", b"42"]
OUTSIDE = [(b"host", b"example", b"net"), (b"example", b"org"), ()]

# What is asked for beside the types that zones hold.
QUESTIONS_ONLY = ["CNAME", "DNAME", "DS", "NS", "SOA", "ANY", "RRSIG", "NSEC", "TYPE65534", 0, 65535]

NAME_SIZE_MAX = 255


def generic(octets):
    """RFC 3597 section 5, for types whose own form some server cannot read."""
    return f"\\# {len(octets) // 2} {octets}"


def character_string(text):
    return f"{len(text):02x}" + text.encode().hex()


def wire_hex(text):
    """A name of presentation form, as name_text() makes it."""
    octets = re.sub(rb"\\(\d\d\d)|\.", lambda at: bytes([int(at[1])]) if at[1] else b"\xff\xff", text.encode())
    return name_wire(tuple(label for label in octets.split(b"\xff\xff") if label)).hex()


def rdata_forms(pick):
    """Type -> one record's data; `pick` gives a name, mostly of the zone."""
    number = random.randrange(1, 255)
    return {
        "A": lambda: f"192.0.2.{number}",
        "AAAA": lambda: f"2001:db8::{number:x}",
        "AFSDB": lambda: f"1 {pick()}",
        "APL": lambda: f"1:192.0.2.0/24 !1:192.0.2.{number}/32",
        "CAA": lambda: f'0 issue "ca{number}.example.net"',
        "CDNSKEY": lambda: f"257 3 13 {'mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=='}",
        "CDS": lambda: f"{number} 13 2 {'cd' * 32}",
        "CERT": lambda: f"1 {number} 8 AQIDBA==",
        "CSYNC": lambda: f"{number} 3 A NS AAAA",
        "DHCID": lambda: "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
        "EUI48": lambda: f"00-00-5e-00-53-{number:02x}",
        "EUI64": lambda: f"00-00-5e-ef-10-00-00-{number:02x}",
        "HINFO": lambda: f'"cpu{number}" "os"',
        "HIP": lambda: generic("04020004" "01020304" "aabbccdd"),
        "HTTPS": lambda: f"{random.choice([0, 1, 1])} {random.choice([pick(), pick(), '.'])}",
        "IPSECKEY": lambda: f"10 1 2 192.0.2.{number} AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
        "ISDN": lambda: generic(character_string(f"15086202800{number}") + character_string("004")),
        "KX": lambda: f"{number} {pick()}",
        "L32": lambda: f"10 10.1.2.{number}",
        "L64": lambda: f"10 2001:0db8:1140:{number:04x}",
        "LOC": lambda: f"52 22 23.000 N 4 53 {number % 60}.000 E -2.00m 0.00m 10000m 10m",
        "LP": lambda: f"10 {pick()}",
        "MB": lambda: generic(wire_hex(pick())),
        "MG": lambda: generic(wire_hex(pick())),
        "MR": lambda: generic(wire_hex(pick())),
        "MINFO": lambda: f"{pick()} {pick()}",
        "MX": lambda: f"{number} {pick()}",
        "NAPTR": lambda: f'{number} 10 "u" "E2U+sip" "" {pick()}',
        "NID": lambda: f"10 0014:4fff:ff20:{number:04x}",
        "OPENPGPKEY": lambda: "AQIDBAUG",
        "PTR": pick,
        "PX": lambda: generic(f"{number:04x}" + wire_hex(pick()) + wire_hex(pick())),
        "RP": lambda: f"{pick()} {pick()}",
        "RT": lambda: f"{number} {pick()}",
        "SMIMEA": lambda: f"3 1 1 {number:064x}",
        "SPF": lambda: f'"v=spf1 ip4:192.0.2.{number} -all"',
        "SRV": lambda: f"1 2 {number} {pick()}",
        "SSHFP": lambda: f"1 1 {number:040x}",
        "SVCB": lambda: f"{random.choice([0, 1, 2])} {random.choice([pick(), pick(), '.'])}",
        "TLSA": lambda: f"3 1 1 {number:064x}",
        "TXT": lambda: f'"text {number}" "{"y" * random.choice([0, 10, 200])}"',
        "TYPE65280": lambda: f"\\# 5 ff00{number:02x}c00c",
        "TYPE731": lambda: f"\\# 4 c00c{number:04x}",
        "URI": lambda: f'{number} 1 "https://example.net/{number}"',
        "X25": lambda: generic(character_string(f"31106170{number:03d}")),
    }


ALL_TYPES = sorted(rdata_forms(lambda: "x."))
COMMON = ["A"] * 12 + ["AAAA"] * 8 + ["MX"] * 4 + ["TXT"] * 4 + ["SRV"] * 3 + ["HTTPS"] * 3 + ["SVCB"] * 3 + ["PTR"]
SET_SIZES = [1] * 12 + [2, 2, 3, 12]


class Zone:
    def __init__(self, apex, neighbours=()):
        self.apex = apex
        self.neighbours = neighbours  # zones that were made before, for names to point at
        self.sets = {}  # owner (labels left of the apex, as written) -> {type: [data]}
        self.known = set()  # the owners in lower case
        self.hidden = []  # cuts and DNAMEs: nothing else may stand below them
        self.cuts = []
        self.fill()

    file = property(lambda self: name_text(self.apex).replace("\\", "_").replace("/", "_") + "zone")

    # ---- names ----

    def text_of(self, labels):
        return name_text(labels + self.apex)

    def put(self, labels, kind, rdatas):
        self.sets.setdefault(labels, {})[kind] = rdatas
        self.known.add(lower(labels))

    def is_hidden(self, labels):
        labels = lower(labels)
        return any(len(labels) > len(h) and labels[len(labels) - len(h):] == h for h in self.hidden)

    def has_below(self, labels):
        labels = lower(labels)
        return any(len(o) > len(labels) and o[len(o) - len(labels):] == labels for o in self.known)

    def fits(self, labels):
        return len(name_wire(labels + self.apex)) <= NAME_SIZE_MAX

    def label(self):
        return random.choice(ODD_LABELS) if random.random() < 0.08 else random.choice(LABELS)

    def new_name(self):
        while True:
            labels = tuple(self.label() for _ in range(random.choice([1, 1, 1, 2, 2, 3, 4])))
            if self.sets and random.random() < 0.3:  # below or beside what is there
                labels = (self.label(),) + random.choice(list(self.sets))
            if random.random() < 0.2:
                labels = (b"*",) + labels
            if random.random() < 0.02:  # as deep or as long as can be
                label = random.choice([b"d", b"l" * 63])
                while self.fits((label,) + labels):
                    labels = (label,) + labels
            if self.fits(labels) and not self.is_hidden(labels) and lower(labels) not in self.known:
                return labels

    def pick(self):
        """A name for RDATA, in lower case: two spellings of one name are the same data."""
        return self.any_name().lower()

    def any_name(self):
        chance = random.random()
        if chance < 0.6:
            return self.text_of(random.choice(list(self.sets)))
        if chance < 0.7:
            below = (self.label(),) + random.choice(list(self.sets))
            return self.text_of(below if self.fits(below) else ())
        if chance < 0.8:
            return self.text_of((self.label(),))
        if chance < 0.9 and self.neighbours:
            other = random.choice(self.neighbours)
            return other.text_of(random.choice(list(other.sets)))
        return name_text(random.choice(OUTSIDE))

    def target(self):
        name = self.pick()
        return name if name != "." else "host.example.net."

    # ---- contents ----

    def fill(self):
        self.put((), "SOA", [f"ns1.{self.text_of(())} hostmaster.example.net. {random.randrange(1, 1 << 31)} 3600 600 86400 "
                             f"{random.choice([0, 60, 300, 7200])}"])
        self.put((), "NS", [self.text_of((b"ns1",)), "ns.example.net."])
        apex_dname = random.random() < 0.02
        if apex_dname:
            self.put((), "NS", ["ns.example.net."])
            self.put((), "DNAME", [name_text(random.choice(OUTSIDE[:2]))])
            self.hidden.append(())
            return
        self.put((b"ns1",), "A", ["192.0.2.53"])
        for kind in random.sample(["MX", "HTTPS", "CAA", "TXT", "A", "CSYNC"], random.choice([0, 0, 1, 3])):
            self.put((), kind, self.rdatas(kind))
        for _ in range(random.randrange(5, 40)):
            self.put_something(self.new_name())
        if random.random() < 0.3:
            self.put_chain()
        if random.random() < 0.15:
            self.put_large()

    def put_something(self, labels):
        chance = random.random()
        is_free = not self.has_below(labels)
        if chance < 0.15:
            target = self.target()
            is_self = target == self.text_of(labels).lower()  # which we refuse
            self.put(labels, "CNAME", ["host.example.net." if is_self else target])
        elif chance < 0.25 and b"*" not in labels and is_free:
            self.delegate(labels)
        elif chance < 0.33 and is_free:
            self.put(labels, "DNAME", [self.dname_target(labels)])
            if random.random() < 0.5:
                self.put(labels, "TXT", ['"beside"'])
            self.hidden.append(lower(labels))
        else:
            for _ in range(random.choice([1, 1, 2, 3])):
                kind = random.choice(COMMON if random.random() < 0.6 else ALL_TYPES)
                self.put(labels, kind, self.rdatas(kind))

    def rdatas(self, kind):
        pick = self.pick if kind not in ("PTR", "MB", "MG", "MR") else self.target
        return sorted({rdata_forms(pick)[kind]() for _ in range(random.choice(SET_SIZES))})

    def dname_target(self, labels):
        if random.random() < 0.3:  # a long one: what it makes of a long name is no name
            base = random.choice(list(self.sets))
            while self.fits((b"l" * 30,) + base) and random.random() < 0.8:
                base = (b"l" * 30,) + base
            return self.text_of(base)
        return self.target()

    def put_chain(self):
        """CNAMEs one behind the other, into data, nothing, a wildcard, a DNAME, or round in a ring."""
        size = random.choice([2, 3, 6, 9, 12, 18])
        names = [(b"chain%d" % i,) for i in range(size)]
        if any(self.is_hidden(name) or name in self.known for name in names):
            return
        for i, name in enumerate(names[:-1]):
            self.put(name, "CNAME", [self.text_of(names[i + 1])])
        end = random.choice([self.target, lambda: self.text_of(names[random.randrange(size - 1)])])()
        if random.random() < 0.3 or end == self.text_of(names[-1]).lower():
            self.put(names[-1], "A", ["192.0.2.77"])
        else:
            self.put(names[-1], "CNAME", [end])

    def put_large(self):
        """A set that is large for UDP, or for the reach of pointers, or for a message."""
        owner = (b"large",)
        if self.is_hidden(owner) or owner in self.known:
            return
        many = min(random.choice([60, 200, 900, 2500]), 60000 // (len(name_wire(self.apex)) + 45))
        kind = random.choice(["A", "TXT", "MX", "NS", "SRV"])
        if kind == "A":
            self.put(owner, kind, [f"10.{i >> 8}.{i & 255}.1" for i in range(many)])
        elif kind == "TXT":
            self.put(owner, kind, [f'"{"t" * random.randrange(1, 200)}" "{i}"' for i in range(min(many, 300))])
        elif kind == "NS":
            names = [(b"a-name-server-%d" % i,) + owner for i in range(many)]
            self.put(owner, kind, [self.text_of(name) for name in names])
            self.hidden.append(owner)
            for name in names:
                self.put(name, "A", ["192.0.2.61"])
        else:
            names = [self.text_of((b"host-%d" % i,) + owner) for i in range(many)]
            self.put(owner, kind, [f"{i} {name}" if kind == "MX" else f"{i} 1 2 {name}" for i, name in enumerate(names)])
            for i in range(0, len(names), 2):
                self.put((b"host-%d" % i,) + owner, "A", [f"192.0.2.{i % 250}"])

    def delegate(self, labels):
        servers = set()
        glue = []
        for i in range(random.choice([0, 1, 2, 2, 5])):
            below = (b"ns%d" % i,) + labels
            if self.fits(below):
                servers.add(self.text_of(below).lower())
                glue.append(below)
        if random.random() < 0.1:  # the cut itself
            servers.add(self.text_of(labels).lower())
            glue.append(labels)
        if random.random() < 0.3 and not self.is_hidden((b"ns1",)):
            servers.add(self.text_of((b"ns1",)))
        if self.cuts and random.random() < 0.3:  # of a sister, with glue or without
            sister = (random.choice([b"ns0", b"nowhere"]),) + random.choice(self.cuts)
            if self.fits(sister):
                servers.add(self.text_of(sister).lower())
        if not servers or random.random() < 0.5:
            servers.add("ns.example.net.")
        self.put(labels, "NS", sorted(servers))
        if random.random() < 0.3:
            self.put(labels, "DS", [f"12345 13 2 {'ab' * 32}"])
        self.hidden.append(lower(labels))
        self.cuts.append(labels)
        for below in glue:
            self.put(below, "A", ["192.0.2.60"])
            if random.random() < 0.7:
                self.put(below, "AAAA", ["2001:db8::60"])

    def text(self):
        lines = []
        for labels, sets in self.sets.items():
            for kind, rdatas in sets.items():
                ttl = random.choice([60, 300, 3600, 86400])
                word = f"TYPE{TYPES[kind]}" if rdatas[0].startswith("\\#") else kind
                lines += [f"{self.text_of(labels)} {ttl} IN {word} {rdata}" for rdata in rdatas]
        return "\n".join(lines) + "\n"

    # ---- questions ----

    def questions(self, count):
        """(name, type): of what is there, above it, beside it and below it, in any spelling."""
        owners = list(self.sets)
        while count > 0:
            labels = random.choice(owners)
            chance = random.random()
            if chance < 0.15 and labels:  # an ancestor, perhaps an empty one
                labels = labels[random.randrange(len(labels)):]
            elif chance < 0.45:
                labels = tuple(random.choice(LABELS + [b"zz", b"*"]) for _ in range(random.choice([1, 1, 2, 3]))) + labels
            elif chance < 0.5:  # as long as a name can be
                while self.fits((b"q" * 40,) + labels):
                    labels = (b"q" * 40,) + labels
                left = NAME_SIZE_MAX - len(name_wire(labels + self.apex))
                if left > 1:
                    labels = (b"q" * (left - 1),) + labels
            elif chance < 0.6 and labels:  # in place of a wildcard, beside a name
                labels = (b"zz",) + labels[1:]
            if not self.fits(labels):
                continue
            here = list(self.sets.get(labels, {}))
            kind = random.choice(here) if here and random.random() < 0.5 else random.choice(COMMON + ALL_TYPES + QUESTIONS_ONLY)
            count -= 1
            yield spelt_anyhow(labels + self.apex), kind


def spelt_anyhow(labels):
    if random.random() < 0.7:
        return labels
    return tuple(bytes(c ^ random.choice([0, 0x20]) if chr(c).isascii() and chr(c).isalpha() else c for c in label)
                 for label in labels)


def family(seed, number):
    """The zones of one family, none of which depends on another family. Leaves `random` seeded for its questions."""
    random.seed(f"{seed}/{number}")
    apex = (b"z%d" % number, b"test")
    zones = []
    if random.random() < 0.2:
        zones.append(Zone((b"n%d" % number, b"test")))
    parent = Zone(apex, tuple(zones))
    zones.append(parent)
    cuts = [cut for cut in parent.cuts if len(name_wire(cut + apex)) < 150 and "\\" not in name_text(cut)]
    if cuts and random.random() < 0.4:
        cut = random.choice(cuts)
        zones.append(Zone(cut + apex, (parent,)))
        if random.random() < 0.3:  # and one below that, with or without a delegation
            zones.append(Zone((b"b",) + cut + apex, tuple(zones)))
    return zones


assert set(ALL_TYPES) <= set(TYPES)
