"""dnsperf: queries at full speed from another CPU, and what they cost the server."""

import dataclasses
import re
import shutil
import statistics
import subprocess
import sys

import servers


@dataclasses.dataclass
class Run:
    cpu_us: float  # of the server, a query
    rate: float  # queries a second
    lost: float  # share of those sent


OPTIONS = ("-c", "8", "-q", "200")


def dnsperf(server, queries, seconds, cpu, options=OPTIONS):
    """One run over UDP with the file `queries`; exits when an answer is anything but NOERROR."""
    if not shutil.which("dnsperf"):
        sys.exit("dnsperf is missing: packaging/install-deps bench")
    before = server.cpu_seconds()
    command = ["taskset", "-c", str(cpu), "dnsperf", "-s", servers.ADDRESS, "-p", str(server.port), "-d", str(queries)]
    told = subprocess.run(
        [*command, "-l", str(seconds), "-T", "1", *options], capture_output=True, text=True, check=True
    ).stdout
    spent = server.cpu_seconds() - before
    done = int(re.search(r"Queries completed:\s+(\d+)", told)[1])
    lost = int(re.search(r"Queries lost:\s+(\d+)", told)[1])
    codes = re.search(r"Response codes:\s+(.*)", told)[1]
    if "NOERROR" not in codes or "," in codes:
        sys.exit(f"{server.name} answered other codes than NOERROR: {codes}")
    return Run(1e6 * spent / done, float(re.search(r"Queries per second:\s+([\d.]+)", told)[1]), lost / max(done + lost, 1))


def spread(values, digits=2):
    """median [least-most]"""
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"
