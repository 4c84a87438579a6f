#!/usr/bin/env python3
"""The clients of a service, and the clusters that they come to: what closes the loop from answers to load.

  crowd.py SERVER ADMIN NAME --demand FILE --seen FILE --cluster fra=127.0.1.1 … --locality fra-a=127.0.21.7 …

Each second: asks from an address of each locality, as its many resolvers would, and counts which cluster each answer
leads to; each cluster then reports to ADMIN what of the localities' demand has come to it. --demand has one line a
locality, "fra-a 1100", and is read anew each second; --seen is written anew each second: "fra-a ber 36" for 36 of its 100
answers. Ends when it is killed.
"""

import argparse
import json
import os
import socket
import sys
import time
import urllib.request

import dns_client

QUESTIONS = 100  # a second, from each locality


def ask_from(address, server, name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.bind((address, 0))
    s.connect(dns_client.split(server))
    s.send(dns_client.query(name))
    found = dns_client.addresses(s.recv(4096))[1]
    s.close()
    return found


def demands(file):
    with open(file) as lines:
        return {name: float(demand) for name, demand in (line.split() for line in lines)}


def tell(file, seen):
    with open(file + ".new", "w") as lines:
        for (locality, cluster), answers in seen.items():
            print(locality, cluster, answers, file=lines)
    os.rename(file + ".new", file)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("server")
    options.add_argument("admin")
    options.add_argument("name")
    options.add_argument("--demand", required=True)
    options.add_argument("--seen", required=True)
    options.add_argument("--cluster", action="append", default=[])
    options.add_argument("--locality", action="append", default=[])
    given = options.parse_args()
    cluster_of = {address: name for name, address in (c.split("=") for c in given.cluster)}
    source_of = dict(l.split("=") for l in given.locality)
    while True:
        begun = time.monotonic()
        loads = {name: {} for name in cluster_of.values()}
        seen = {(locality, cluster): 0 for locality in source_of for cluster in loads}
        for locality, demand in demands(given.demand).items():
            for _ in range(QUESTIONS):
                try:
                    answer = ask_from(source_of[locality], given.server, given.name)
                except OSError:
                    continue
                for cluster in {cluster_of[a] for a in answer if a in cluster_of}:
                    seen[locality, cluster] += 1
                    loads[cluster][locality] = loads[cluster].get(locality, 0) + demand / QUESTIONS
        tell(given.seen, seen)
        reports = [
            {"cluster": c, "service": given.name, "load": sum(by.values()), "by_locality": by} for c, by in loads.items()
        ]
        request = urllib.request.Request(
            f"http://{given.admin}/v1/load", json.dumps(reports).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=2).read()
        except OSError as problem:
            print(problem, file=sys.stderr)
        time.sleep(max(0, 1 - (time.monotonic() - begun)))


if __name__ == "__main__":
    main()
