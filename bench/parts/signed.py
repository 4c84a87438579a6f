"""CPU time of signed answers over UDP, beside our unsigned ones, Knot and NSD with a zone signed before, and Knot that signs by itself.

All queries set DO. Ours makes its signatures when it starts; the first round, which is not kept, finds what is missing.
"""

import subprocess
import time

import load
import names
import servers
from parts import peers

TARGETS = ["swingoverd"]
IN_ALL = False
DNSSEC_OK = ("-c", "8", "-q", "200", "-D")


def add_options(group):
    group.add_argument("--signed-names", type=int, default=100_000, help="static names of the signed zone, and services of each kind: a tenth")


class Signed(servers.Swingover):
    def configure(self):
        command = super().configure()
        config = self.work / "swingover.toml"
        config.write_text(config.read_text().replace('file = "bench.test.zone"\n', 'file = "bench.test.zone"\n[zone.dnssec]\nsignatures_max = 400000\n'))
        return command

    def start(self, ready_seconds=120):
        super().start(ready_seconds)
        spent = -1.0
        while self.cpu_seconds() - spent > 0.02:  # it signs ahead
            spent = self.cpu_seconds()
            time.sleep(0.5)
        return self


class PresignedKnot(servers.Knot):
    def zone_text(self):
        return self.names.signed_text


class PresignedNsd(servers.Nsd):
    def zone_text(self):
        return self.names.signed_text


class OnlineKnot(servers.Knot):
    def configure(self):
        command = super().configure()
        config = self.work / "knot.conf"
        text = config.read_text().replace("zone:\n", "mod-onlinesign:\n - id: default\n   nsec-bitmap: [A, AAAA]\nzone:\n")
        config.write_text(text.replace("zonefile-load: whole\n", "zonefile-load: whole\n   module: mod-onlinesign/default\n"))
        return command


def measure(bench):
    served = names.Names(bench.args.signed_names, bench.args.signed_names // 10)
    served.signed_text = signed_text(bench.work / "presigned", served)
    kinds = ["host", *names.SERVICES]
    for kind in kinds:
        (bench.work / kind).write_text(served.queries(kind))
    running = []
    try:
        for server in (servers.Swingover, Signed):
            running.append(server(bench.work, served, bench.server_cpu, bench.folder / "server/swingoverd"))
        for server in (PresignedKnot, PresignedNsd, OnlineKnot):
            if server.is_installed():
                running.append(server(bench.work, served, bench.server_cpu))
        for server in running:
            server.start()
        rows = [(server, kind) for kind in kinds for server in running[:2]] + [(server, "host") for server in running[2:]]
        peers.print_table(bench, rows, peers.run_all(bench, rows, DNSSEC_OK))
    finally:
        for server in running:
            server.stop()


def signed_text(folder, served):
    """The zone as BIND signs it: ECDSAP256SHA256, a KSK and a ZSK, NSEC."""
    folder.mkdir()
    zone = served.zone.rstrip(".")
    (folder / "zone").write_text(served.zone_text())
    for flags in (["-f", "KSK"], []):
        subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, zone], cwd=folder, check=True, capture_output=True)
    subprocess.run(["dnssec-signzone", "-S", "-o", zone, "-O", "full", "-f", "signed", "zone"], cwd=folder, check=True, capture_output=True)
    return (folder / "signed").read_text()
