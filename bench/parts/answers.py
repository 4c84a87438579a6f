"""What an answer costs without sockets, by kind."""

import subprocess

TARGETS = ["respond_bench"]
IN_ALL = True


def measure(bench):
    # One process asks and answers, so one CPU is enough, and always the same one.
    pinned = ["taskset", "-c", str(bench.server_cpu)]
    subprocess.run([*pinned, bench.folder / "bench/respond_bench", "100000", "1"], check=True)
