"""What it costs to decide who serves whom, by size and kind of problem."""

import subprocess

TARGETS = ["allocation_bench", "steering_scale"]
IN_ALL = True


def measure(bench):
    pinned = ["taskset", "-c", str(bench.server_cpu)]
    subprocess.run([*pinned, bench.folder / "bench/allocation_bench"], check=True)
    subprocess.run([*pinned, bench.folder / "bench/steering_scale"], check=True)
