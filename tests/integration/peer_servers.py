"""Other authoritative servers, and ours, started on 127.0.0.1 with the same zones for compare_peers.py. Each is the
foreground process that was started, its files in `folder`."""

import os
import socket
import subprocess
import time

from dns_message import Answer, name_text, query_packet


def free_port():
    """A port that is free for UDP and TCP alike."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def start_nsd(folder, zones, port):
    config = os.path.join(folder, "nsd.conf")
    with open(config, "w") as out:
        out.write(f'server:\n ip-address: 127.0.0.1@{port}\n username: ""\n chroot: ""\n database: ""\n'
                  f' zonesdir: "{folder}"\n pidfile: "{folder}/nsd.pid"\n xfrdfile: "{folder}/xfrd.state"\n'
                  f' zonelistfile: "{folder}/zone.list"\n cookie-secret-file: "{folder}/cookie"\n'
                  " minimal-responses: yes\n server-count: 1\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n")
        for zone in zones:
            out.write(f"zone:\n name: {name_text(zone.apex)}\n zonefile: {zone.file}\n")
    return subprocess.Popen(["nsd", "-d", "-c", config], stderr=open(f"{folder}/nsd.log", "w"))


def start_knot(folder, zones, port):
    config = os.path.join(folder, "knot.conf")
    with open(config, "w") as out:
        out.write(f"server:\n    rundir: {folder}/knot\n    listen: 127.0.0.1@{port}\n"
                  f"database:\n    storage: {folder}/knot\nlog:\n  - target: stderr\n    any: info\n"
                  f"template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n"
                  "    journal-content: none\nzone:\n")
        for zone in zones:
            out.write(f"  - domain: {name_text(zone.apex)}\n    file: {zone.file}\n")
    os.makedirs(f"{folder}/knot")
    return subprocess.Popen(["knotd", "-c", config], stderr=open(f"{folder}/knot.log", "w"))


def start_named(folder, zones, port):
    config = os.path.join(folder, "named.conf")
    with open(config, "w") as out:
        out.write(f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
                  " recursion no; pid-file none; session-keyfile none; minimal-responses no-auth;"
                  " empty-zones-enable no; notify no; max-records-per-type 0; max-types-per-name 0; check-names primary ignore; check-integrity no;"
                  " dnssec-validation no; }; controls {};\n")
        for zone in zones:
            out.write(f'zone "{name_text(zone.apex)}" {{ type primary; file "{zone.file}"; }};\n')
    return subprocess.Popen(["named", "-g", "-n", "1", "-c", config], stderr=open(f"{folder}/named.log", "w"))


def start_ours(daemon, folder, zones, port):
    config = os.path.join(folder, "swingover.toml")
    with open(config, "w") as out:
        out.write(f'[server]\nlisten = ["127.0.0.1:{port}"]\nworkers = 1\nstate_dir = "{folder}/state"\n[admin]\nlisten = ["127.0.0.1:0"]\n'
                  # The peers amplify without a limit.
                  "[rate_limit]\namplification_max = 0\n")
        for zone in zones:
            out.write(f'[[zone]]\nname = "{name_text(zone.apex)}"\nfile = "{zone.file}"\n')
    return subprocess.Popen([daemon, "--config", config], stderr=open(f"{folder}/ours.log", "w"),
                            stdout=subprocess.DEVNULL)


def refused_by_nsd(folder, zones):
    """Zones that NSD does not load although nothing is wrong with them: some zone's data names something below
    their DNAMEs, and NSD keeps the names of all zones in one tree."""
    with open(f"{folder}/nsd.log") as log:
        lines = log.read().splitlines()
    for zone in zones:
        errors = [line for line in lines if f"error: {zone.file}:" in line]
        if errors and all("has data below it" in line or "While checking node" in line for line in errors):
            yield zone


class Asker:
    """One server, asked over sockets that stay open."""

    def __init__(self, port):
        self.address = ("127.0.0.1", port)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.settimeout(2)
        self.udp.connect(self.address)
        self.tcp = None

    def ask(self, packet, tcp):
        """The answer's octets, or None after three tries."""
        for _ in range(3):
            try:
                return self.ask_tcp(packet) if tcp else self.ask_udp(packet)
            except OSError:
                if self.tcp:
                    self.tcp.close()
                self.tcp = None
        return None

    def ask_udp(self, packet):
        self.udp.send(packet)
        while True:
            answer = self.udp.recv(65535)
            if answer[:2] == packet[:2]:
                return answer

    def ask_tcp(self, packet):
        if not self.tcp:
            self.tcp = socket.create_connection(self.address, timeout=2)
        self.tcp.sendall(len(packet).to_bytes(2, "big") + packet)
        buffer = b""
        while len(buffer) < 2 or len(buffer) < 2 + int.from_bytes(buffer[:2], "big"):
            more = self.tcp.recv(65535)
            if not more:
                raise OSError("closed early")
            buffer += more
        return buffer[2:]

    def wait_until_ready(self, zones, name, refused=()):
        """`refused`: zones that this server is known not to load."""
        deadline = time.time() + 60
        for zone in zones:
            if zone in refused:
                continue
            query = query_packet(zone.apex, "SOA", 1232, 1)
            while True:
                reply = self.ask(query, False)
                if reply and Answer(reply, query).rcode == "NOERROR":
                    break
                if time.time() > deadline:
                    raise SystemExit(f"{name} does not serve {name_text(zone.apex)}")
                time.sleep(0.05)
