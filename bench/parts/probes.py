"""What a thousand HTTP probes a half second cost."""

import subprocess

TARGETS = ["probe_bench"]
IN_ALL = True


def measure(bench):
    # Not pinned: the backends need a CPU of their own.
    subprocess.run([bench.folder / "bench/probe_bench", "rate", "http", "1000", "5"], check=True)
