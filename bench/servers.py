"""The servers that are measured: how each is set up for the same names, started on one CPU, and read from /proc.

Each is given names.Names, serves them on ADDRESS with one worker, and says what it used of CPU and memory. Further peers, and
further settings of ours, are subclasses with a configure().
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ADDRESS = "127.0.0.1"


class Server:
    """A server under measurement. `program` is what must be installed; ours are given by path instead."""

    program = None

    def __init__(self, work, names, cpu, binary=None):
        self.name = type(self).__name__.lower()
        self.work, self.names, self.cpu = work / self.name, names, cpu
        self.binary = str(binary or shutil.which(self.program))
        self.port = free_port()
        self.process = None

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.program) is not None

    def configure(self):
        """Writes what it needs into self.work; the command line to run."""
        raise NotImplementedError

    def zone_text(self):
        return self.names.zone_text()

    def start(self, ready_seconds=120):
        self.work.mkdir()
        (self.work / "bench.test.zone").write_text(self.zone_text())
        log = open(self.work / "log", "w")
        command = ["taskset", "-c", str(self.cpu), *self.configure()]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.work)
        deadline = time.monotonic() + ready_seconds
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                sys.exit(f"{self.name} does not answer:\n" + (self.work / "log").read_text()[-2000:])
            time.sleep(0.02)
        return self

    def answers(self):
        """Whether it gives the right answer to one query, now."""
        name, address = self.names.sample()
        dig = ["dig", "+tries=1", "+time=1", "+short", f"@{ADDRESS}", "-p", str(self.port), name, "A"]
        return subprocess.run(dig, capture_output=True, text=True).stdout.strip() == address

    def pids(self):
        """The process and its children: NSD forks its workers."""
        found = [self.process.pid]
        for pid in found:
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    found += [int(child) for child in (task / "children").read_text().split()]
                except OSError:
                    continue  # this thread has just ended
        return found

    def cpu_seconds(self):
        """User and system time of all its threads; the scheduler counts it in nanoseconds."""
        spent = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    spent += int((task / "schedstat").read_text().split()[0])
                except OSError:
                    continue
        return spent / 1e9

    def resident_mib(self):
        """Pages that two of its processes share count in each."""
        kib = 0
        for pid in self.pids():
            found = re.search(r"^VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
            kib += int(found[1]) if found else 0
        return kib / 1024

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Swingover(Server):
    def configure(self):
        (self.work / "swingover.toml").write_text(
            f'[server]\nlisten = ["{ADDRESS}:{self.port}"]\nworkers = 1\nstate_dir = "{self.work}/state"\n'
            f'[admin]\nlisten = ["{ADDRESS}:0"]\n'
            f'[[zone]]\nname = "{self.names.zone}"\nfile = "bench.test.zone"\n' + self.names.services_toml()
        )
        return [self.binary, "--config", "swingover.toml"]


class Echo(Server):
    """bench/echo.cc: each query sent back, the limit of this kind of socket code."""

    def configure(self):
        return [self.binary, str(self.port)]

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            client.connect((ADDRESS, self.port))
            try:
                client.send(bytes(12))
                return client.recv(100)[2] & 0x80 != 0
            except OSError:
                return False


class Knot(Server):
    program = "knotd"

    def configure(self):
        (self.work / "knot.conf").write_text(
            f'server:\n  listen: {ADDRESS}@{self.port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n'
            f'  rundir: "{self.work}"\n  user: root\n'
            f'database:\n  storage: "{self.work}"\n'
            f'zone:\n - domain: {self.names.zone}\n   storage: "{self.work}"\n   file: bench.test.zone\n   zonefile-load: whole\n'
        )
        return [self.binary, "-c", "knot.conf"]


class Nsd(Server):
    program = "nsd"

    def configure(self):
        (self.work / "nsd.conf").write_text(
            f'server:\n  ip-address: {ADDRESS}\n  port: {self.port}\n  server-count: 1\n  username: ""\n  chroot: ""\n'
            f'  zonesdir: "{self.work}"\n  pidfile: "{self.work}/nsd.pid"\n  database: ""\n  rrl-ratelimit: 0\n'
            f'  zonelistfile: "{self.work}/zones"\n  xfrdfile: "{self.work}/xfrd"\n  xfrdir: "{self.work}"\n'
            'remote-control:\n  control-enable: no\n'
            f'zone:\n  name: {self.names.zone}\n  zonefile: bench.test.zone\n'
        )
        return [self.binary, "-d", "-c", str(self.work / "nsd.conf")]


class Gdnsd(Server):
    program = "gdnsd"

    def configure(self):
        zones = self.work / "zones"
        zones.mkdir()
        # The file's name is the zone's; it knows no $ORIGIN in front of the SOA.
        (zones / "bench.test").write_text(self.names.zone_text().split("\n", 1)[1])
        (self.work / "config").write_text(
            f"options => {{ listen => {ADDRESS}:{self.port}, udp_threads => 1, tcp_threads => 1,\n"
            f"  run_dir => {self.work}/run, state_dir => {self.work}/state }}\n"
        )
        return [self.binary, "-c", str(self.work), "start"]


PEERS = {"echo": Echo, "knot": Knot, "nsd": Nsd, "gdnsd": Gdnsd}


def free_port():
    """A port that is free for UDP and TCP; somebody else may still be faster, and the server then says so."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((ADDRESS, 0))
            try:
                tcp.bind((ADDRESS, udp.getsockname()[1]))
                return udp.getsockname()[1]
            except OSError:
                continue
    sys.exit("no port is free for UDP and TCP")
