"""Zones made of chance, which every authoritative server should accept, and questions that reach their corners."""

import random

LABELS = ["a", "b", "c", "www", "mail", "ns1", "Mixed", "under_score", "x-y", "9", "l" * 63]


DATA = ["A", "A", "A", "AAAA", "AAAA", "MX", "TXT", "SRV", "PTR", "CAA", "HINFO", "NAPTR", "RP", "AFSDB", "MINFO",
        "SSHFP", "TLSA", "URI", "LOC", "HTTPS", "SVCB", "TYPE731"]
# What is asked for. Not ANY: each server has its own way with it (RFC 8482 section 4).
TYPES = sorted(set(DATA)) + ["CNAME", "DNAME", "DS", "NS", "SOA"]


def in_rdata(kind, pick):
    """Data of one record; `pick` gives a name, mostly of the zone."""
    number = random.randrange(1, 255)
    forms = {
        "A": lambda: f"192.0.2.{number}",
        "AAAA": lambda: f"2001:db8::{number:x}",
        "MX": lambda: f"{number} {pick()}",
        "TXT": lambda: f'"text {number}" "{"y" * random.choice([0, 10, 200])}"',
        "SRV": lambda: f"1 2 {number} {pick()}",
        "PTR": pick,
        "CAA": lambda: f'0 issue "ca{number}.example.net"',
        "HINFO": lambda: f'"cpu{number}" "os"',
        "NAPTR": lambda: f'{number} 10 "u" "E2U+sip" "" {pick()}',
        "RP": lambda: f"{pick()} {pick()}",
        "AFSDB": lambda: f"1 {pick()}",
        "MINFO": lambda: f"{pick()} {pick()}",
        "SSHFP": lambda: f"1 1 {number:040x}",
        "TLSA": lambda: f"3 1 1 {number:064x}",
        "URI": lambda: f'{number} 1 "https://example.net/{number}"',
        "LOC": lambda: f"52 22 23.000 N 4 53 {number % 60}.000 E -2.00m 0.00m 10000m 10m",
        "HTTPS": lambda: f"1 {pick()} alpn=h2,h3 port={number}",
        "SVCB": lambda: f"{number} {pick()} alpn=h2",
        "TYPE731": lambda: f"\\# 4 c00c{number:04x}",
    }
    return forms[kind]()


class Zone:
    """A random zone that every server should accept, and questions that reach its corners."""

    def __init__(self, apex):
        self.apex = apex
        self.sets = {}  # (owner labels) -> {type: [rdata]}
        self.hidden = []  # cuts and DNAMEs: nothing else may stand below them
        self.fill()

    def text_of(self, labels):
        return ".".join(labels + (self.apex,)) if labels else self.apex

    def is_hidden(self, labels):
        return any(len(labels) > len(h) and labels[len(labels) - len(h):] == h for h in self.hidden)

    def has_below(self, labels):
        return any(len(o) > len(labels) and o[len(o) - len(labels):] == labels for o in self.sets)

    def new_name(self):
        while True:
            labels = tuple(random.choice(LABELS) for _ in range(random.choice([1, 1, 1, 2, 2, 3, 4])))
            if self.sets and random.random() < 0.3:  # below or beside what is there
                labels = (random.choice(LABELS),) + random.choice(list(self.sets))
            if random.random() < 0.2:
                labels = ("*",) + labels
            labels = tuple(label.lower() if label != "Mixed" else label for label in labels)
            if self.is_hidden(labels) or len(self.text_of(labels)) > 240 or labels in self.sets:
                continue
            if any(labels != o and tuple(map(str.lower, labels)) == tuple(map(str.lower, o)) for o in self.sets):
                continue
            return labels

    def pick(self):
        """A name for RDATA, in lower case: two spellings of one name are the same data."""
        name = self.any_name().lower()
        return name if len(name) <= 250 else self.apex

    def any_name(self):
        chance = random.random()
        if chance < 0.65 and self.sets:
            return self.text_of(random.choice(list(self.sets)))
        if chance < 0.75 and self.sets:
            return self.text_of((random.choice(LABELS),) + random.choice(list(self.sets)))
        if chance < 0.85:
            return self.text_of((random.choice(LABELS),))
        return random.choice(["host.example.net.", "example.org.", "."])

    def target(self):
        name = self.pick()
        return name if name != "." else "host.example.net."

    def dname_target(self, labels):
        chance = random.random()
        if chance < 0.2:  # so long that some results are longer than a name can be
            return ".".join(random.choice(["p", "q"]) * 60 for _ in range(3)) + ".example.net."
        if chance < 0.3:  # a redirection that grows until it is too long
            return "g" * random.choice([30, 60]) + "." + self.text_of(labels)
        return self.target()

    def fill(self):
        self.sets[()] = {"SOA": [f"ns1 hostmaster {random.randrange(1, 1 << 31)} 3600 600 86400 "
                                 f"{random.choice([60, 300, 7200])}"],
                         "NS": ["ns1", "ns.example.net."]}
        self.sets[("ns1",)] = {"A": ["192.0.2.53"]}
        if random.random() < 0.3:
            self.sets[()]["MX"] = ["10 ns1"]
        for _ in range(random.randrange(5, 40)):
            labels = self.new_name()
            chance = random.random()
            if chance < 0.15:
                self.sets[labels] = {"CNAME": [self.target()]}
                if self.text_of(labels) == self.sets[labels]["CNAME"][0]:
                    self.sets[labels]["CNAME"] = ["host.example.net."]
            elif chance < 0.25 and "*" not in labels and not self.has_below(labels):
                self.delegate(labels)
            elif chance < 0.33 and "*" not in labels and not self.has_below(labels):
                self.sets[labels] = {"DNAME": [self.dname_target(labels)]}
                if random.random() < 0.5:
                    self.sets[labels]["TXT"] = ['"beside"']
                self.hidden.append(labels)
            else:
                kinds = set(random.choice(DATA) for _ in range(random.choice([1, 1, 2, 3])))
                self.sets[labels] = {kind: self.rdatas(kind) for kind in sorted(kinds)}

    def rdatas(self, kind):
        count = random.choice([1, 1, 1, 2, 3, 12])
        return sorted({in_rdata(kind, self.pick if kind != "PTR" else self.target) for _ in range(count)})

    def delegate(self, labels):
        servers = {"ns.example.net."}
        glue = []
        for i in range(random.choice([0, 1, 2, 2, 5])):
            below = (f"ns{i}",) + labels
            servers.add(self.text_of(below))
            glue.append(below)
        if random.random() < 0.3:
            servers.add("ns1." + self.apex)
        self.sets[labels] = {"NS": sorted(servers)}
        if random.random() < 0.3:
            self.sets[labels]["DS"] = [f"12345 13 2 {'ab' * 32}"]
        self.hidden.append(labels)
        for below in glue:
            self.sets[below] = {"A": ["192.0.2.60"]}
            if random.random() < 0.7:
                self.sets[below]["AAAA"] = ["2001:db8::60"]

    def text(self):
        lines = [f"$ORIGIN {self.apex}"]
        for labels, sets in self.sets.items():
            for kind, rdatas in sets.items():
                ttl = random.choice([60, 300, 3600, 86400])
                lines += [f"{self.text_of(labels)} {ttl} IN {kind} {rdata}" for rdata in rdatas]
        return "\n".join(lines) + "\n"

    def questions(self, count):
        owners = list(self.sets)
        for _ in range(count):
            labels = random.choice(owners)
            chance = random.random()
            if chance < 0.15 and labels:  # an ancestor, perhaps an empty one
                labels = labels[random.randrange(len(labels)):]
            elif chance < 0.5:
                labels = tuple(random.choice(LABELS + ["zz", "*"]) for _ in range(random.choice([1, 1, 2, 3]))) + labels
            elif chance < 0.6 and labels:  # in place of a wildcard, beside a name
                labels = ("zz",) + labels[1:]
            name = self.text_of(labels)
            if len(name) > 250 or any(len(label) > 63 for label in name.split(".")):
                continue
            here = list(self.sets.get(labels, {}))
            kind = random.choice(here) if here and random.random() < 0.5 else random.choice(TYPES)
            yield name, kind
