"""Queries over TCP, on long connections and on one-shot ones, beside Knot and NSD; and many idle connections held.

Long: dnsperf with 100 connections. One-shot: each client connects, asks once, closes (bench/tcp_client.cc). Idle: half of the
connections have asked once; then their memory is read, and one new client must be answered.
"""

import re
import statistics
import subprocess
import sys
import time

import load
import names
import servers

TARGETS = ["swingoverd", "tcp_client"]
IN_ALL = True
CLIENTS = 100


def add_options(group):
    group.add_argument("--idle", type=int, default=18_000, help="idle connections; descriptors must suffice (ulimit -Hn)")


class Swingover(servers.Swingover):
    def configure(self):
        command = super().configure()
        config = self.work / "swingover.toml"
        config.write_text('[tcp]\nidle = "10m"\n' + config.read_text())
        return command


class Knot(servers.Knot):
    def configure(self):
        command = super().configure()
        config = self.work / "knot.conf"
        more = "server:\n  tcp-idle-timeout: 600\n  tcp-max-clients: 30000\n"
        config.write_text(config.read_text().replace("server:\n", more, 1))
        return command


def measure(bench):
    served = names.Names(1000, 0)
    queries = bench.work / "host"
    queries.write_text(served.queries("host"))
    running = []
    try:
        running.append(Swingover(bench.work, served, bench.server_cpu, bench.folder / "server/swingoverd"))
        running += [kind(bench.work, served, bench.server_cpu) for kind in (Knot, servers.Nsd) if kind.is_installed()]
        for server in running:
            server.start()
        results = {(server.name, how): [] for server in running for how in ("long", "one-shot")}
        for turn in range(bench.args.runs + 1):
            for server in running if turn % 2 else reversed(running):
                seconds = bench.args.seconds if turn else 1
                long = load.dnsperf(server, queries, seconds, bench.client_cpu, ("-m", "tcp", "-c", str(CLIENTS), "-q", "1000"))
                once = oneshot(bench, server, served.sample()[0], seconds)
                if turn:
                    results[server.name, "long"].append(long)
                    results[server.name, "one-shot"].append(once)
        print_table(bench, running, results)
        # NSD's tcp-count is fixed by its memory; it is left out.
        for server in running[:2]:
            hold(bench, server, served.sample()[0])
    finally:
        for server in running:
            server.stop()


def client(bench, server, *words):
    return ["taskset", "-c", str(bench.client_cpu), str(bench.folder / "bench/tcp_client"), words[0], servers.ADDRESS,
            str(server.port), *map(str, words[1:])]


def oneshot(bench, server, name, seconds):
    before = server.cpu_seconds()
    told = subprocess.run(client(bench, server, "oneshot", name, seconds, CLIENTS), capture_output=True, text=True, check=True)
    spent = server.cpu_seconds() - before
    answers, failed, took = re.search(r"answers=(\d+) failed=(\d+) seconds=([\d.]+)", told.stdout).groups()
    if int(answers) == 0:
        sys.exit(f"{server.name} answers no one-shot client: {told.stdout}{told.stderr}")
    return load.Run(1e6 * spent / int(answers), int(answers) / float(took), int(failed) / (int(answers) + int(failed)))


def print_table(bench, running, results):
    print(f"TCP: {CLIENTS} clients, {bench.args.runs} runs of {bench.args.seconds:g} s each")
    print(f"{'server':10} {'clients':9} {'CPU us/query':>22} {'ratio':>6} {'queries/s':>10} {'ratio':>6} {'lost':>6}")
    for how in ("long", "one-shot"):
        ours = results[running[0].name, how]
        for server in running:
            runs = results[server.name, how]
            cpu = statistics.median(theirs.cpu_us / mine.cpu_us for theirs, mine in zip(runs, ours))
            rate = statistics.median(theirs.rate / mine.rate for theirs, mine in zip(runs, ours))
            print(
                f"{server.name:10} {how:9} {load.spread([run.cpu_us for run in runs]):>22} {cpu:6.2f} "
                f"{statistics.median(run.rate for run in runs):10.0f} {rate:6.2f} {max(run.lost for run in runs):6.1%}"
            )
    print("ratios are of what the peer needs or does to what we do, medians of those of one round's runs")


def hold(bench, server, name):
    before = server.resident_mib()
    holder = subprocess.Popen(client(bench, server, "idle", name, bench.args.idle), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        told = holder.stdout.readline()
        start = time.monotonic()
        is_answered = server_answers_tcp(server, name)
        took = 1000 * (time.monotonic() - start)
        held = int(re.search(r"held=(\d+)", told)[1])
        print(
            f"{server.name}: {held} idle connections, {server.resident_mib():.1f} MiB ({before:.1f} before); "
            f"a new client is {'answered' if is_answered else 'NOT answered'} ({took:.0f} ms, dig's start included)"
        )
        print("   ", holder.communicate(timeout=60)[0].strip())
    finally:
        holder.kill()


def server_answers_tcp(server, name):
    dig = ["dig", "+tcp", "+tries=1", "+time=2", "+short", f"@{servers.ADDRESS}", "-p", str(server.port), name, "A"]
    return subprocess.run(dig, capture_output=True, text=True).stdout.strip() != ""
