"""How long a killed backend stays up in our eyes."""

import subprocess

TARGETS = ["probe_bench"]
IN_ALL = True


def measure(bench):
    # Not pinned: the backends need a CPU of their own.
    subprocess.run([bench.folder / "bench/probe_bench", "detect", "30"], check=True)
