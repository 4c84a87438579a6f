"""How long a killed backend stays up in our eyes."""

import subprocess

TARGETS = ["probe_bench"]
IN_ALL = True


def measure(bench):
    # Not pinned: the backends need a CPU of their own.
    for watch in [], ["--watch"]:
        print("watched" if watch else "by probes alone", flush=True)
        subprocess.run([bench.folder / "bench/probe_bench", "detect", "30", *watch], check=True)
