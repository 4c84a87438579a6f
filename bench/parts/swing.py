"""How soon a service swings when a backend fails, and swings back: beside gdnsd and PowerDNS, asked each millisecond.

All servers watch the same backend at once, each told alike: gdnsd (http_status) beside ours at the same interval and thresholds
(it knows no interval below 2 s), PowerDNS (ifurlup), which believes one check either way, beside ours told to do so, with and without a watched
connection. Ours at the thresholds of its default comes along. A trial is one fault and its end, each at a random moment within its share of 2 s:
all trials of a fault together meet each part of the servers' intervals alike.

  kill         the backend's process is killed; started again
  hang         it is stopped (SIGSTOP); goes on
  500          it answers 500; 200 again
  unreachable  its address leaves the network; returns

A swing ends with the last answer of the address that is left. bench/swing runs this part alone. Needs root: it runs in a network of its own.
"""

import ctypes
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

import servers

TARGETS = ["swingoverd", "late_probe"]
IN_ALL = False

PRIMARY, SECONDARY = "10.7.0.1", "127.3.0.2"
PORT = 8080
CLONE_NEWNET = 0x40000000
FAULTS = ("kill", "hang", "500", "unreachable")
GIVEN_UP_AFTER = 60


def add_options(group):
    group.add_argument("--swing-trials", type=int, default=10, help="of each fault")
    group.add_argument("--swing-faults", default=",".join(FAULTS), help="comma-separated")


class Service:
    """host-0 of the zone, a failover from PRIMARY to SECONDARY; what names.Names is to other parts."""

    zone = "bench.test."

    @staticmethod
    def head():
        return "@ 60 SOA ns1 hostmaster 1 3600 600 1209600 60\n@ 60 NS ns1\nns1 60 A 127.0.0.1\n"

    def zone_text(self):
        return f"$ORIGIN {self.zone}\n" + self.head()

    def sample(self):
        return f"host-0.{self.zone}", PRIMARY


def folder_of(work, name):
    return work / name.replace(" ", "-").replace("/", "-")


class Ours(servers.Swingover):
    def __init__(self, work, cpu, binary, name, interval, extra=""):
        super().__init__(work, Service(), cpu, binary)
        self.name, self.work = name, folder_of(work, name)
        self.interval, self.extra = interval, extra

    def configure(self):
        pools = "".join(
            f'  [[service.pool]]\n  cluster = "{cluster}"\n  priority = {place}\n  endpoints = ["{address}"]\n'
            for place, (cluster, address) in enumerate((("fra", PRIMARY), ("ams", SECONDARY)), 1)
        )
        (self.work / "swingover.toml").write_text(
            f'[server]\nlisten = ["{servers.ADDRESS}:{self.port}"]\nworkers = 1\nstate_dir = "{self.work}/state"\n'
            f'[admin]\nlisten = ["{servers.ADDRESS}:0"]\n[rate_limit]\nresponses_per_second = 0\n'
            f'[[zone]]\nname = "{Service.zone}"\nfile = "bench.test.zone"\n'
            '[[cluster]]\nname = "fra"\n[[cluster]]\nname = "ams"\n'
            f'[[monitor]]\nname = "web"\nkind = "http"\nport = {PORT}\npath = "/healthz"\n'
            f'interval = "{self.interval}s"\ntimeout = "1s"\nflap_half_life = "0s"\n{self.extra}\n'  # trials come thicker than flaps
            f'[[service]]\nname = "host-0.{Service.zone}"\npolicy = "failover"\nmonitors = ["web"]\n' + pools
        )
        return [self.binary, "--config", "swingover.toml"]


class Gdnsd(servers.Gdnsd):
    def configure(self):
        zones = self.work / "zones"
        zones.mkdir()
        (zones / "bench.test").write_text(Service.head() + "host-0 5 DYNA simplefo!shop\n")
        (self.work / "config").write_text(
            f"options => {{ listen => {servers.ADDRESS}:{self.port}, udp_threads => 1, tcp_threads => 1,\n"
            f"  run_dir => {self.work}/run, state_dir => {self.work}/state }}\n"
            f"service_types => {{ web => {{ plugin => http_status, port => {PORT}, url_path => /healthz,\n"
            "  interval => 2, timeout => 1, up_thresh => 2, ok_thresh => 2, down_thresh => 3 } }\n"
            f"plugins => {{ simplefo => {{ shop => {{ service_types => [ web ], primary => {PRIMARY}, secondary => {SECONDARY} }} }} }}\n"
        )
        return [self.binary, "-c", str(self.work), "start"]


class PowerDns(servers.Server):
    program = "pdns_server"

    def configure(self):
        record = f"ifurlup('http://shop.test:{PORT}/healthz', {{{{'{PRIMARY}'}},{{'{SECONDARY}'}}}}, {{timeout=1}})"
        (self.work / "zone").write_text("$TTL 5\n" + Service.head() + f'host-0 5 LUA A "{record}"\n')
        (self.work / "named.conf").write_text(f'zone "bench.test" {{ type master; file "{self.work}/zone"; }};\n')
        (self.work / "pdns.conf").write_text(
            f"launch=bind\nbind-config={self.work}/named.conf\nlocal-address={servers.ADDRESS}\nlocal-port={self.port}\n"
            f"socket-dir={self.work}\ndaemon=no\nguardian=no\nenable-lua-records=yes\nlua-health-checks-interval=1\n"
            "receiver-threads=1\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsecurity-poll-suffix=\n"
        )
        return [self.binary, f"--config-dir={self.work}"]


class Backend:
    """tests/support/bad_backend.py on one address."""

    def __init__(self, address):
        self.address, self.process = address, None

    def start(self):
        script = os.path.join(os.path.dirname(__file__), "../../tests/support/bad_backend.py")
        self.process = subprocess.Popen(
            [sys.executable, script, "--bind", self.address, "--port", str(PORT), "--mode", "ok"], stdout=subprocess.PIPE
        )
        self.process.stdout.readline()  # it listens

    def mode(self, query):
        # The moment that counts is when it has changed, not when it was asked to.
        urllib.request.urlopen(f"http://{self.address}:{PORT}/mode?{query}", timeout=5).read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def break_it(backend, fault):
    if fault == "kill":
        backend.stop()
    elif fault == "hang":
        backend.process.send_signal(signal.SIGSTOP)
    elif fault == "500":
        backend.mode("set=status&status=500")
    else:
        subprocess.run(["ip", "address", "del", f"{PRIMARY}/32", "dev", "lo"], check=True)


def mend_it(backend, fault):
    if fault == "kill":
        backend.start()
    elif fault == "hang":
        backend.process.send_signal(signal.SIGCONT)
    elif fault == "500":
        backend.mode("set=ok")
    else:
        subprocess.run(["ip", "address", "add", f"{PRIMARY}/32", "dev", "lo"], check=True)


class Watcher:
    """late_probe on one server, and what it heard."""

    def __init__(self, bench, server):
        self.server, self.file = server, server.work / "heard"
        self.process = subprocess.Popen(
            [bench.folder / "bench/late_probe", servers.ADDRESS, str(server.port), Service.zone, "1", "86400"],
            stdout=open(self.file, "w"),
        )

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def answers(self):
        """(when asked, whether it was PRIMARY), in the order of asking."""
        primary = int.from_bytes(bytes(int(part) for part in PRIMARY.split(".")), "big")
        found = []
        with open(self.file) as lines:
            for line in lines:
                at, took, _, address = map(int, line.split())
                if took >= 0 and address:
                    found.append((at, address == primary))
        return sorted(found)


def answer_of(server):
    dig = ["dig", "+tries=1", "+time=1", "+short", f"@{servers.ADDRESS}", "-p", str(server.port), f"host-0.{Service.zone}", "A"]
    return subprocess.run(dig, capture_output=True, text=True).stdout.strip()


def wait_for(running, address):
    """When all answer it, or nobody waits any longer."""
    until = time.monotonic() + GIVEN_UP_AFTER
    left = list(running)
    while left and time.monotonic() < until:
        left = [server for server in left if answer_of(server) != address]
        time.sleep(0.1)
    return [server.name for server in left]


def swing_milliseconds(answers, began, ended, leaves_primary):
    """From `began` to the last answer of the address that is left, within the trial; nothing: it did not swing, or was not there."""
    second = 1_000_000_000
    if not any(began - second <= at < began and is_primary == leaves_primary for at, is_primary in answers):
        return None
    old = [at for at, is_primary in answers if began <= at < ended and is_primary == leaves_primary]
    new = [at for at, is_primary in answers if began <= at < ended and is_primary != leaves_primary]
    if not new:
        return None
    return max(0.0, (max(old, default=began) - began) / 1e6)


def sleep_into_share(least, number, count):
    """For `least` seconds at least, until a random moment of this number's share of an interval of 2 s (and so of 1 s)."""
    time.sleep(least)
    longest = 2.0
    moment = longest * (number + random.random()) / count
    time.sleep((moment - time.monotonic()) % longest)


def trials(bench, running, backend):
    """fault -> list of (began, mended, ended), times of the wall clock in ns."""
    done = {}
    for fault in bench.args.swing_faults.split(","):
        done[fault] = []
        for number in range(bench.args.swing_trials):
            # Longer than any server needs to forget the trial before.
            sleep_into_share(6, number, bench.args.swing_trials)
            began = time.time_ns()
            break_it(backend, fault)
            late = wait_for(running, SECONDARY)
            sleep_into_share(3, number, bench.args.swing_trials)
            mended = time.time_ns()
            mend_it(backend, fault)
            late += wait_for(running, PRIMARY)
            time.sleep(1)
            done[fault].append((began, mended, time.time_ns()))
            if late:
                print(f"  {fault}, trial {number + 1}: not within {GIVEN_UP_AFTER} s: {', '.join(late)}", flush=True)
    return done


def print_table(running, watchers, done):
    heard = {watcher.server.name: watcher.answers() for watcher in watchers}
    pairs = (("ours 2s 3/2", "gdnsd 2s 3/2"), ("ours 1s 1/1", "pdns 1s 1/1"), ("ours 1s 1/1 watched", "pdns 1s 1/1"))
    print(f"{'':24}" + "".join(f"{server.name:>22}" for server in running))
    medians = {}
    for fault, rows in done.items():
        for direction, leaves_primary in (("out", True), ("back", False)):
            cells = []
            for server in running:
                spans = [(began, mended) if leaves_primary else (mended, ended) for began, mended, ended in rows]
                took = [swing_milliseconds(heard[server.name], *span, leaves_primary) for span in spans]
                known = [t for t in took if t is not None]
                medians[(fault, direction, server.name)] = statistics.median(known) if known else float("inf")
                cell = f"{statistics.median(known):.0f} [{max(known):.0f}]" if known else "never"
                cells.append(cell + (f" -{len(took) - len(known)}" if len(known) < len(took) else ""))
            print(f"{fault + ', ' + direction:24}" + "".join(f"{cell:>22}" for cell in cells))
    print("ms from the fault to the last answer of the address that is left: median [worst]; -n: did not swing in n trials")
    names = {server.name for server in running}
    for ours, theirs in pairs:
        if theirs not in names:
            continue
        lost = [f"{fault}, {way}" for fault, way, name in medians if name == ours and medians[(fault, way, ours)] >= medians[(fault, way, theirs)]]
        print(f"{ours} beside {theirs}: " + ("sooner in every case" if not lost else "not sooner: " + "; ".join(lost)))


def own_network():
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit("swing needs a network of its own, and that needs root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{PRIMARY}/32", "dev", "lo"], check=True)


def measure(bench):
    own_network()
    backends = [Backend(PRIMARY), Backend(SECONDARY)]
    binary, cpu = bench.folder / "server/swingoverd", bench.server_cpu
    running = [
        Ours(bench.work, cpu, binary, "ours 2s 3/2", 2, "fall_hard = 3"),
        Ours(bench.work, cpu, binary, "ours 1s 1/1", 1, "rise = 1\nfall = 1"),
        Ours(bench.work, cpu, binary, "ours 1s 1/1 watched", 1, "rise = 1\nfall = 1\nwatch = true"),
        Ours(bench.work, cpu, binary, "ours 1s 3/2 watched", 1, "watch = true"),
    ]
    for kind, name in ((Gdnsd, "gdnsd 2s 3/2"), (PowerDns, "pdns 1s 1/1")):
        if not shutil.which(kind.program or "gdnsd"):
            print(f"{name}: not installed (packaging/install-deps bench): left out", file=sys.stderr)
            continue
        server = kind(bench.work, Service(), cpu)
        server.name, server.work = name, folder_of(bench.work, name)
        running.append(server)
    watchers = []
    try:
        for backend in backends:
            backend.start()
        for server in running:
            server.start()
        watchers = [Watcher(bench, server) for server in running]
        done = trials(bench, running, backends[0])
        for watcher in watchers:
            watcher.stop()
        print_table(running, watchers, done)
    finally:
        for watcher in watchers:
            watcher.stop()
        for server in running:
            server.stop()
        for backend in backends:
            if backend.process:
                backend.stop()
