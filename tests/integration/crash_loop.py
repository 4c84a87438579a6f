#!/usr/bin/env python3
"""Kills the daemon with SIGKILL at random instants while intents are on their way, and starts it again.

  crash_loop.py SWINGOVERD CONFIG --dns ADDRESS:PORT --admin ADDRESS:PORT --services N --rounds R --seed S

After every start: the first answer must come from the stored state (svc-0's first cluster is dead and must never be
answered; how soon it comes is printed); every intent that was acknowledged must be there, every one whose
cancellation was acknowledged must be gone; what was under way when the kill struck may be either.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time


def ask(server, name, timeout):
    """The A record that the server gives for `name`, or None."""
    host, port = server.rsplit(":", 1)
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    packet = struct.pack("!6H", random.randrange(65536), 0, 1, 0, 0, 0) + wire + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((host, int(port)))
        try:
            s.send(packet)
            answer = s.recv(1500)
        except OSError:
            return None
    return socket.inet_ntoa(answer[-4:]) if answer[3] & 15 == 0 and answer[6:8] != b"\0\0" else "none"


def first_answer(server, name, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = ask(server, name, 0.5)
        if got is not None:
            return got
        time.sleep(0.002)
    return None


def call(admin, method, path, body=None):
    host, port = admin.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()


class Operator(threading.Thread):
    """Drains and undrains pools as fast as it is answered; knows what was acknowledged and what was under way."""

    def __init__(self, admin, services, acknowledged, seed):
        super().__init__()
        self.admin, self.random = admin, random.Random(seed)
        self.targets = [f"pool/svc-{i}.svc.example.test./{c}" for i in range(1, services) for c in ("fra", "ams")]
        self.acknowledged = acknowledged  # target -> id
        self.under_way = None
        self.done = 0
        self.refused = []

    def run(self):
        try:
            while True:
                self.under_way = target = self.random.choice(self.targets)
                if target in self.acknowledged:
                    status, told = call(self.admin, "DELETE", f"/v1/intents/{self.acknowledged[target]}")
                    if status == 200:
                        del self.acknowledged[target]
                else:
                    body = {"kind": "drain", "target": target, "reason": "crash loop", "owner": "story"}
                    status, told = call(self.admin, "POST", "/v1/intents", body)
                    if status == 201:
                        self.acknowledged[target] = told["id"]
                if status not in (200, 201):
                    self.refused.append((status, told))
                    return
                self.under_way = None
                self.done += 1
        except (OSError, http.client.HTTPException, ValueError):
            return  # the kill struck


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("swingoverd")
    parser.add_argument("config")
    parser.add_argument("--dns", required=True)
    parser.add_argument("--admin", required=True)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    chance = random.Random(args.seed)
    acknowledged, maybe = {}, None
    starts, total = [], 0
    daemon = None
    log = open(args.config + ".log", "w")

    def check(condition, *words):
        if not condition:
            if daemon and daemon.poll() is None:
                daemon.kill()
                daemon.wait()
            print(*words, file=sys.stderr)
            sys.exit(1)

    for round_number in range(args.rounds + 1):
        started = time.monotonic()
        daemon = subprocess.Popen([args.swingoverd, "--config", args.config], stderr=log)
        if round_number == 0:  # nothing is stored yet: wait until the dead cluster was found out
            until = time.monotonic() + 60
            while first_answer(args.dns, "svc-0.svc.example.test.", 5) != "127.0.2.1":
                check(time.monotonic() < until, "svc-0 never left its dead cluster")
            time.sleep(0.5)  # one tick and its sync
        else:
            got = first_answer(args.dns, "svc-0.svc.example.test.", 30)
            starts.append(time.monotonic() - started)
            check(got == "127.0.2.1", f"round {round_number}: first answer {got}, not from the stored state")
            until = time.monotonic() + 30
            while True:  # the admin address may come a moment after the first answer
                try:
                    status, told = call(args.admin, "GET", "/v1/intents")
                    break
                except OSError:
                    check(time.monotonic() < until, "the admin address never came")
                    time.sleep(0.01)
            there = {intent["target"]: intent["id"] for intent in told["intents"]}
            for target in set(acknowledged) | set(there):
                if target == maybe:
                    continue
                check(target in there, f"round {round_number}: acknowledged intent on {target} is lost")
                check(target in acknowledged, f"round {round_number}: cancelled intent on {target} is back")
                check(there[target] == acknowledged[target], f"round {round_number}: {target} has another id")
            acknowledged = there
        operator = Operator(args.admin, args.services, acknowledged, chance.random())
        operator.start()
        time.sleep(chance.uniform(0.02, 0.4))
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        operator.join()
        check(not operator.refused, f"round {round_number}: refused {operator.refused}")
        maybe = operator.under_way
        total += operator.done
    check(total > args.rounds, f"only {total} intents were acknowledged in {args.rounds} rounds")
    starts.sort()
    print(json.dumps({"rounds": args.rounds, "acknowledged": total, "start_to_answer_ms": {
        "median": round(1000 * starts[len(starts) // 2], 1), "worst": round(1000 * starts[-1], 1)}}))


main()
