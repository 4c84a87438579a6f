"""What steering drops, overloads and costs beside the rules of others, in simulated hours (tests/simulation)."""

import subprocess

TARGETS = ["steering_sim"]
IN_ALL = True


def add_options(group):
    group.add_argument("--seeds", type=int, default=10, help="runs of each variant of a scenario, each with its own chance")
    group.add_argument("--scenario", default="", help="those alone whose names have this text")


def measure(bench):
    command = [bench.folder / "tests/simulation/steering_sim", "--seeds", str(bench.args.seeds), "--only", bench.args.scenario]
    subprocess.run(command, check=True)
