"""Twice the load that we can carry: what goodput stays, and how late swings and the admin address get.

Goodput: one worker pinned to one CPU, the flood on another. A program that only counts shares the server's CPU, or one CPU could not
send twice what another one answers. Peak is the most that comes back at any offer; then twice the peak is offered, whatever comes
back, turn about. An answer counts within a second. What an answer costs the server in CPU time tells as much as goodput does.

Swings: workers = CPUs and nothing pinned, as in production, the flood beside. A backend is killed, and the time until the first
changed answer is taken, by turns without and with the flood.
"""

import itertools
import json
import os
import pathlib
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.request

import load
import names
import servers

TARGETS = ["swingoverd", "flood"]
IN_ALL = True
WINDOWS = (100, 400, 1000)


def add_options(group):
    group.add_argument("--kills", type=int, default=10, help="backends killed, without and with the flood each")


def measure(bench):
    goodput(bench)
    swings(bench)


def flood(bench, port, queries, *options, cpu=None):
    pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
    command = [*pinned, bench.folder / "bench/flood", servers.ADDRESS, str(port), queries, *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def flooded(*args, **kwargs):
    return json.loads(flood(*args, **kwargs).communicate()[0])


def goodput(bench):
    served = names.Names(1000)
    queries = bench.work / "queries"
    queries.write_text(served.queries())
    ours = servers.Swingover(bench.work, served, bench.server_cpu, bench.folder / "server/swingoverd").start()
    busy = subprocess.Popen(["taskset", "-c", str(bench.server_cpu), sys.executable, "-c", "while True: pass"])
    try:
        def run(*options):
            before = ours.cpu_seconds()
            told = flooded(bench, ours.port, queries, *options, "--seconds", bench.args.seconds, cpu=bench.client_cpu)
            told["cpu_us"] = 1e6 * (ours.cpu_seconds() - before) / (told["answered"] * bench.args.seconds)
            return told

        run("--window", WINDOWS[0])
        ratios, peaks, offered, waits, costs = [], [], [], [], []
        for _ in range(bench.args.runs):
            at_peak = find_peak(run)
            peak = at_peak["answered"]
            over = run("--rate", 2 * peak)
            costs.append((at_peak["cpu_us"], over["cpu_us"]))
            peaks.append(peak)
            offered.append(over["sent"] / peak)
            ratios.append(over["answered"] / peak)
            waits.append((over["p50_us"] / 1000, over["p99_us"] / 1000))
        print(f"peak, answers/s           {load.spread(peaks, 0)}")
        print(f"offered then, of the peak {load.spread(offered)}")
        print(f"goodput, of the peak      {load.spread(ratios)}")
        at_peak, under = zip(*costs)
        print(f"CPU us an answer          {load.spread(at_peak)} at the peak, {load.spread(under)} under the flood")
        print(f"waiting, ms: median {load.spread([p50 for p50, _ in waits], 1)}, 99 % {load.spread([p99 for _, p99 in waits], 1)}")
    finally:
        busy.kill()
        busy.wait()
        ours.stop()


def find_peak(run):
    """The most answers a second at any offer: with a number under way, then at rates that rise until no more comes back."""
    answered = lambda told: told["answered"]
    best = max((run("--window", window) for window in WINDOWS), key=answered)
    rate = answered(best)
    for _ in range(8):
        told = run("--rate", rate)
        best = max(best, told, key=answered)
        if answered(told) < 0.95 * rate:
            break
        rate *= 1.2
    return best


class Swinging(servers.Swingover):
    """A service with two real backends, as many workers as CPUs, on all CPUs."""

    def configure(self):
        command = super().configure()
        config = pathlib.Path(self.work / "swingover.toml")
        admin = servers.free_port()
        config.write_text(
            config.read_text().replace("workers = 1", "workers = 0").replace(f'["{servers.ADDRESS}:0"]', f'["{servers.ADDRESS}:{admin}"]')
            + '[[monitor]]\nname = "web"\nkind = "tcp"\nport = 8080\ninterval = "1s"\ntimeout = "500ms"\nflap_half_life = "0s"\n'
            f'[[service]]\nname = "shop.{self.names.zone}"\nmonitors = ["web"]\n'
            '  [[service.pool]]\n  cluster = "fra"\n  priority = 1\n  endpoints = ["127.0.1.1"]\n'
            '  [[service.pool]]\n  cluster = "ams"\n  priority = 2\n  endpoints = ["127.0.2.1"]\n'
        )
        self.admin = admin
        return command


class Asker:
    """Asks for one name every millisecond or so; under a flood most queries are lost, and the next one tells."""

    def __init__(self, port, name):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((servers.ADDRESS, port))
        self.socket.settimeout(0.02)
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
        self.question = labels + b"\0" + struct.pack("!2H", 1, 1)
        self.ids = itertools.cycle(range(65536))

    def wait_for(self, address, seconds=30):
        start = time.monotonic()
        wanted = socket.inet_aton(address)
        while time.monotonic() - start < seconds:
            self.socket.send(struct.pack("!6H", next(self.ids), 0, 1, 0, 0, 0) + self.question)
            try:
                if self.socket.recv(512).endswith(wanted):
                    return time.monotonic() - start
            except OSError:
                continue
            time.sleep(0.001)
        sys.exit(f"no answer with {address} in {seconds} s")


def backend(address):
    # The listener alone: the probe connects. A process of its own, so that its death is one.
    code = f"import socket, signal; s = socket.create_server(('{address}', 8080), backlog=100)\nwhile True: s.accept()[0].close()"
    process = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(500):
        try:
            socket.create_connection((address, 8080), 1).close()
            return process
        except OSError:
            time.sleep(0.02)
    sys.exit(f"the backend on {address} does not start")


def livez(port):
    start = time.monotonic()
    urllib.request.urlopen(f"http://{servers.ADDRESS}:{port}/livez", timeout=10).read()
    return 1000 * (time.monotonic() - start)


def swings(bench):
    served = names.Names(1000, services=1)
    queries = bench.work / "many"
    queries.write_text(served.queries())
    folder = bench.work / "swings"
    folder.mkdir()
    ours = Swinging(folder, served, ",".join(map(str, sorted(os.sched_getaffinity(0)))), bench.folder / "server/swingoverd")
    backends = {}
    results = {False: [], True: []}
    admin = {False: [], True: []}
    try:
        backends = {address: backend(address) for address in ("127.0.1.1", "127.0.2.1")}
        ours.start()
        asker = Asker(ours.port, f"shop.{served.zone}")
        rate = 2 * flooded(bench, ours.port, queries, "--window", WINDOWS[-1], "--seconds", 2)["answered"]
        for _ in range(bench.args.kills):
            for is_flooded in (False, True):
                asker.wait_for("127.0.1.1")
                stream = flood(bench, ours.port, queries, "--rate", rate, "--seconds", 4) if is_flooded else None
                time.sleep(1 + os.getpid() % 7 / 7 + len(results[is_flooded]) * 0.137 % 1)  # at any moment between two probes
                admin[is_flooded] += [livez(ours.admin) for _ in range(10)]
                backends["127.0.1.1"].send_signal(signal.SIGKILL)
                backends["127.0.1.1"].wait()
                results[is_flooded].append(asker.wait_for("127.0.2.1"))
                if stream:
                    stream.communicate()
                backends["127.0.1.1"] = backend("127.0.1.1")
        for is_flooded, words in ((False, "without the flood"), (True, f"under {rate:.0f} queries/s")):
            print(f"{words:24} swing, s: {load.spread(results[is_flooded])}   /livez, ms: {load.spread(admin[is_flooded], 1)}")
        print(f"ratio of medians         swing: {statistics.median(results[True]) / statistics.median(results[False]):.2f}")
    finally:
        ours.stop()
        for process in backends.values():
            process.kill()
            process.wait()
