"""A zone of a million names: how soon it is served, what it takes, and who notices a reload. Beside gdnsd, NSD and Knot.

A round of a server: from exec to the first right answer; its memory; a reload of the whole zone with one name changed, until
the new answer is seen; the latest answers in front of the reload, and from there until three seconds after it. late_probe.cc
asks each millisecond from another CPU; the kernel dates the answers, so a probe that looks late makes none late. Servers take
turns; medians are printed. Of NSD's processes, pages that they share count once.
"""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

import names
import servers

TARGETS = ["swingoverd", "late_probe"]
IN_ALL = False


def add_options(group):
    group.add_argument("--big-names", type=int, default=1_000_000)
    group.add_argument("--big-peers", default="gdnsd,nsd,knot", help="comma-separated; none")
    group.add_argument("--mix", action="store_true", help="AAAA, MX, TXT, CNAME and NS among the A records")


class BigNames(names.Names):
    """host-N for each N, in no order that a server could profit from; host-0 tells the generations apart."""

    step = 611_953  # prime to every power of ten, so that each number comes once
    generation = 1

    def __init__(self, count, mixed):
        super().__init__(count)
        self.mixed = mixed

    def address(self, n):
        return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" if n else f"10.255.255.{self.generation}"

    def zone_text(self):
        out = [f"$ORIGIN {self.zone}\n$TTL 3600\n@ SOA ns1 hostmaster {self.generation} 3600 600 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\n"]
        for i in range(self.count):
            n = i * self.step % self.count
            out.append(f"host-{n} A {self.address(n)}\n")
            if self.mixed:
                out.append(self.further(n))
        return "".join(out)

    def further(self, n):
        kind = n % 20
        if kind < 4:
            return f"host-{n} AAAA 2001:db8::{n >> 16:x}:{n & 0xffff:x}\n"
        return {
            4: f"host-{n} MX 10 host-{(n + 7) % self.count}\n",
            5: f'host-{n} TXT "v=spf1 ip4:{self.address(n)} -all"\n',
            6: f"alias-{n} CNAME host-{n}\n",
            7: f"del-{n} NS ns.del-{n}\ndel-{n} NS ns1\nns.del-{n} A {self.address(n)}\n",
        }.get(kind, "")


class Running:
    """A server in a round."""

    def __init__(self, server):
        self.server, self.served = server, server.names
        self.log = server.work / "log"

    def exec(self):
        server = self.server
        server.work.mkdir()
        self.served.generation = 1
        (server.work / "bench.test.zone").write_text(server.zone_text())
        command = server.configure()
        log = open(self.log, "w")
        # The others of a shared machine should not be what is measured.
        first = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
        begun = time.time()
        server.process = subprocess.Popen(
            ["taskset", "-c", str(server.cpu), *first, *command], stdout=log, stderr=log, cwd=server.work
        )
        return begun

    def put_next_generation(self):
        """A new file in the old one's place, as a tool for deployment would."""
        self.served.generation = 2
        file, text = self.server.work / "bench.test.zone", self.server.zone_text()
        if self.server.name == "gdnsd":
            file, text = self.server.work / "zones" / "bench.test", text.split("\n", 1)[1]
        (self.server.work / "next").write_text(text)
        (self.server.work / "next").rename(file)

    def reload(self):
        if self.server.name == "gdnsd":
            subprocess.Popen(["gdnsdctl", "-c", str(self.server.work), "reload-zones"], stderr=subprocess.DEVNULL)
        else:
            self.server.process.send_signal(signal.SIGHUP)

    def cpu_seconds(self):
        """With that of children that ended: NSD's reload is one."""
        ticks = 0
        for pid in self.server.pids():
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14]) if pid == self.server.process.pid else 0)
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        """What several processes share is counted once; 0 while one of them goes."""
        pids = self.server.pids()
        try:
            if len(pids) == 1:  # without walking its pages: it is answering
                with open(f"/proc/{pids[0]}/statm", encoding="ascii") as statm:
                    return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
            total = 0
            for pid in pids:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                    total += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)[1])
            return total / 1024
        except (OSError, TypeError):
            return 0

    def wait_for_generation(self, watch=lambda: None):
        """Asks host-0 until it has this generation's address; when that was."""
        wire = b"".join(bytes([len(part)]) + part.encode() for part in f"host-0.{self.served.zone}".split("."))
        wanted = bytes(int(part) for part in self.served.address(0).split("."))
        deadline = time.monotonic() + 120
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect((servers.ADDRESS, self.server.port))
            asker.settimeout(0.2)
            while time.monotonic() < deadline and self.server.process.poll() is None:
                try:
                    asker.send(b"\0\1\0\0\0\1\0\0\0\0\0\0" + wire + b"\0\1\0\1")
                    if wanted in asker.recv(4096):
                        return time.time()
                except OSError:
                    pass
                watch()
                time.sleep(0.02)
        sys.exit(f"{self.server.name} does not answer as it should:\n" + self.log.read_text()[-2000:])


class Probe:
    """late_probe while it runs, and what it wrote."""

    def __init__(self, bench, server):
        self.path = bench.work / "probe"
        asked = [servers.ADDRESS, str(server.port), server.names.zone, str(server.names.count), "300"]
        command = ["taskset", "-c", str(bench.client_cpu), str(bench.folder / "bench/late_probe"), *asked]
        self.process = subprocess.Popen(command, stdout=open(self.path, "w"))

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def answers(self):
        """(sent, took, name, address), times in seconds; took None: lost."""
        for line in self.path.read_text().splitlines():
            sent, took, name, address = (int(word) for word in line.split())
            shown = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
            yield sent / 1e9, took / 1e9 if took >= 0 else None, name, shown


def latest(answers, since, until):
    """The latest and the 99th percentile of those asked then, in ms; how many were lost."""
    took = [time for sent, time, _, _ in answers if since <= sent < until]
    answered = sorted(time for time in took if time is not None)
    return 1e3 * answered[-1], 1e3 * answered[int(len(answered) * 0.99)], len(took) - len(answered)


def one_round(bench, running):
    probe = Probe(bench, running.server)
    try:
        time.sleep(0.2)
        begun = running.exec()
        running.wait_for_generation()
        start_cpu = running.cpu_seconds()
        time.sleep(3)
        resident = running.memory_mib()
        running.put_next_generation()
        time.sleep(2)
        cpu_before = running.cpu_seconds()
        peak = [resident]
        asked = time.time()
        running.reload()
        seen = running.wait_for_generation(lambda: peak.append(running.memory_mib()))
        time.sleep(3)  # to free the old generation belongs to the reload
        ended = time.time()
        spent = running.cpu_seconds() - cpu_before
        after = running.memory_mib()
    finally:
        probe.stop()
        running.server.stop()
    answers = list(probe.answers())
    first = min(sent + took for sent, took, _, address in answers if took is not None and address != "0.0.0.0")
    wrong = [name for sent, took, name, address in answers if sent > first and took is not None and name and address != running.served.address(name)]
    if wrong:
        sys.exit(f"{running.server.name} gave wrong answers, for host-{wrong[0]} first")
    before, during = latest(answers, asked - 1.5, asked), latest(answers, asked, ended)
    return {
        "ready": first - begun, "ready_cpu": start_cpu, "MiB": resident, "reload": seen - asked, "reload_cpu": spent, "peak": max(peak),
        "after": after, "worst_before": before[0], "worst": during[0], "p99": during[1], "lost": during[2],
    }


def measure(bench):
    args = bench.args
    served = BigNames(args.big_names, args.mix)
    results = {}
    for turn in range(args.runs):
        for name in ["swingover", *(peer for peer in args.big_peers.split(",") if peer not in ("", "none"))]:
            kind = servers.PEERS.get(name, servers.Swingover)
            if kind is not servers.Swingover and not kind.is_installed():
                print(f"{name} is not installed (packaging/install-deps bench): left out", file=sys.stderr)
                continue
            work = bench.work / str(turn)
            work.mkdir(exist_ok=True)
            binary = bench.folder / "server/swingoverd" if kind is servers.Swingover else None
            one = one_round(bench, Running(kind(work, served, bench.server_cpu, binary)))
            results.setdefault(name, []).append(one)
            print(f"# {name} " + " ".join(f"{key}={value:.3g}" for key, value in one.items()), file=sys.stderr, flush=True)
    print_table(results, args, served)


def print_table(results, args, served):
    print(f"{served.count:,} names{', several types' if args.mix else ''}, {len(served.zone_text()) / 2**20:.0f} MiB of text, {args.runs} rounds, medians")
    print(
        f"{'server':10} {'ready s':>8} {'CPU s':>6} {'MiB':>6} {'B/name':>7} {'reload s':>9} {'CPU s':>6} {'peak MiB':>9} {'after':>6}"
        f" {'latest ms: before':>18} {'during':>7} {'p99':>6} {'lost':>5}"
    )
    for name, rounds in results.items():
        m = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        print(
            f"{name:10} {m['ready']:8.2f} {m['ready_cpu']:6.2f} {m['MiB']:6.0f} {m['MiB'] * 2**20 / served.count:7.0f} {m['reload']:9.2f}"
            f" {m['reload_cpu']:6.2f} {m['peak']:9.0f} {m['after']:6.0f} {m['worst_before']:18.2f} {m['worst']:7.2f} {m['p99']:6.2f}"
            f" {sum(one['lost'] for one in rounds):5}"
        )
