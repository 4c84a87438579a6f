"""DNS messages for tests that compare servers: names of any octets, queries, and answers read without any help of
ours. A name is a tuple of labels, each `bytes`, without the root."""

import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15,
         "TXT": 16, "RP": 17, "AFSDB": 18, "X25": 19, "ISDN": 20, "RT": 21, "PX": 26, "AAAA": 28, "LOC": 29, "SRV": 33,
         "NAPTR": 35, "KX": 36, "CERT": 37, "DNAME": 39, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46,
         "NSEC": 47, "DNSKEY": 48, "DHCID": 49, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "HIP": 55, "CDS": 59,
         "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63, "SVCB": 64, "HTTPS": 65, "SPF": 99, "NID": 104,
         "L32": 105, "L64": 106, "LP": 107, "EUI48": 108, "EUI64": 109, "ANY": 255, "URI": 256, "CAA": 257,
         "TYPE731": 731, "TYPE65280": 65280, "TYPE65534": 65534}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 9: "NOTAUTH"}
OPT = 41

# Octets before the names of RDATA that somebody may compress, and how many names.
NAMES_IN_RDATA = {2: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2), 15: (2, 1),
                  17: (0, 2), 18: (2, 1), 21: (2, 1), 26: (2, 2), 33: (6, 1), 36: (2, 1), 39: (0, 1)}

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/")


def name_text(labels):
    """Presentation form, every unusual octet as \\DDD."""
    if not labels:
        return "."
    return "".join("".join(chr(c) if c in PLAIN else f"\\{c:03d}" for c in label) + "." for label in labels)


def name_wire(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def lower(labels):
    return tuple(label.lower() for label in labels)  # of bytes: ASCII alone


def query_packet(labels, kind, edns, ident):
    """`edns`: the size that the OPT says; 0: no OPT."""
    number = TYPES[kind] if isinstance(kind, str) else kind
    packet = struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 1 if edns else 0)
    packet += name_wire(labels) + struct.pack(">HH", number, 1)
    if edns:
        packet += b"\0" + struct.pack(">HHIH", OPT, edns, 0, 0)
    return packet


def read_name(packet, at):
    labels = []
    end = None
    for _ in range(256):
        length = packet[at]
        if length >= 0xc0:
            end = end if end is not None else at + 2
            at = (length & 0x3f) << 8 | packet[at + 1]
            continue
        if length == 0:
            return tuple(labels), end if end is not None else at + 1
        labels.append(packet[at + 1:at + 1 + length])
        at += 1 + length
    raise ValueError("a name that does not end")


def read_rdata(packet, at, size, kind):
    before, names = NAMES_IN_RDATA.get(kind, (size, 0))
    end = at + size
    parts = [packet[at:at + before].hex()]
    at += before
    for _ in range(names):
        name, at = read_name(packet, at)
        parts.append(name_text(lower(name)))
    parts.append(packet[at:end].hex())
    return " ".join(part for part in parts if part)


class Answer:
    """sections: three sorted lists of (owner, type, TTL, data), names in lower case, without the OPT.
    faults: what no answer may have, whatever it says."""

    def __init__(self, packet, query):
        ident, flags, questions, *counts = struct.unpack(">HHHHHH", packet[:12])
        self.rcode = RCODES.get(flags & 15, str(flags & 15))
        self.aa = bool(flags & 0x0400)
        self.tc = bool(flags & 0x0200)
        self.size = len(packet)
        self.faults = []
        self.sections = []
        question_end = len(query) - 11 if query[11] else len(query)
        if ident != struct.unpack(">H", query[:2])[0] or questions != 1 or packet[12:question_end] != query[12:question_end]:
            self.faults.append("another id or question")
        at = question_end
        for count in counts:
            records = []
            for _ in range(count):
                owner, at = read_name(packet, at)
                kind, _, ttl, size = struct.unpack(">HHIH", packet[at:at + 10])
                at += 10
                if kind != OPT:
                    records.append((name_text(lower(owner)), TYPE_NAMES.get(kind, f"TYPE{kind}"), ttl,
                                    read_rdata(packet, at, size, kind)))
                at += size
            if len(set(records)) != len(records):
                self.faults.append("a record twice in a section")
            self.sections.append(sorted(records))
        if at != len(packet):
            self.faults.append("octets behind the last record")

    answer = property(lambda self: self.sections[0])
    authority = property(lambda self: self.sections[1])
    additional = property(lambda self: self.sections[2])

    def text(self):
        lines = [f"  {self.rcode}{' aa' if self.aa else ''}{' tc' if self.tc else ''} {self.size} octets"]
        for section, records in zip(("answer", "authority", "additional"), self.sections):
            shown = [" ".join(map(str, record))[:160] for record in records[:12]]
            lines += [f"    {section}: {record}" for record in shown]
            if len(records) > len(shown):
                lines.append(f"    {section}: and {len(records) - len(shown)} more")
        return "\n".join(lines)
