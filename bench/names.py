"""The names that all servers serve, and what is asked of them."""

import random

# Kinds of services, each answered from two clusters: what the [[service]] says of its policy.
SERVICES = {
    "failover": ('policy = "failover"', "priority = 1", "priority = 2"),
    "local": ('policy = "local"', "", ""),
    "shares": ('policy = "active-active"', "weight = 70", "weight = 30"),
}


class Names:
    """One zone of `count` static names with one A record each, and of each kind of `services` so many."""

    zone = "bench.test."

    def __init__(self, count, services=0):
        self.count, self.services = count, services

    def zone_text(self):
        head = f"$ORIGIN {self.zone}\n$TTL 3600\n@ SOA ns1 hostmaster 1 3600 600 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\n"
        return head + "".join(f"host-{i} A {self.address(i)}\n" for i in range(self.count))

    @staticmethod
    def address(i):
        return f"192.0.2.{i % 250 + 1}"

    def sample(self):
        """A name and the address that it has."""
        return f"host-{self.count - 1}.{self.zone}", self.address(self.count - 1)

    def services_toml(self):
        """Two clusters in two localities; the clients of the benchmark, 127.0.0.1, belong to the second."""
        out = [
            '[[region]]\nname = "eu"\n[[locality]]\nname = "fra-a"\nregion = "eu"\nclients = ["198.18.0.0/15"]\n'
            '[[locality]]\nname = "ams-a"\nregion = "eu"\nclients = ["127.0.0.0/8"]\n'
            '[[cluster]]\nname = "fra"\nlocalities = ["fra-a"]\n[[cluster]]\nname = "ams"\nlocalities = ["ams-a"]\n'
        ]
        for kind, (policy, fra, ams) in SERVICES.items():
            out += [
                f'[[service]]\nname = "{kind}-{i}.{self.zone}"\n{policy}\n'
                f'  [[service.pool]]\n  cluster = "fra"\n  {fra}\n  endpoints = ["{self.address(i)}"]\n'
                f'  [[service.pool]]\n  cluster = "ams"\n  {ams}\n  endpoints = ["198.51.100.{i % 250 + 1}"]\n'
                for i in range(self.services)
            ]
        return "".join(out)

    def queries(self, kind="host"):
        """dnsperf's input: every name of the kind once, in an order without pattern."""
        order = list(range(self.count if kind == "host" else self.services))
        random.Random(1).shuffle(order)
        return "".join(f"{kind}-{i}.{self.zone} A\n" for i in order)
