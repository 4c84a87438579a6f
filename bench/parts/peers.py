"""CPU time a query and queries a second over UDP, beside Knot, NSD, gdnsd and an echo of packets.

The runs go round and round, forwards and backwards in turn, so that a machine whose speed drifts slows all alike.
"""

import statistics
import sys

import load
import names
import servers

TARGETS = ["swingoverd", "echo"]
IN_ALL = True


def add_options(group):
    group.add_argument("--names", type=int, default=1000, help="static names; 1,000 if not given, a million is fine")
    group.add_argument("--services", type=int, help="of each kind; if not given as many as names, 10,000 at most; 0: none")
    group.add_argument("--peers", default="echo,knot,nsd,gdnsd", help="comma-separated; what is not installed is left out")


def measure(bench):
    args = bench.args
    count = min(args.names, 10_000) if args.services is None else args.services
    served = names.Names(args.names, count)
    kinds = ["host"] + (list(names.SERVICES) if count else [])
    for kind in kinds:
        (bench.work / kind).write_text(served.queries(kind))
    running = []
    try:
        ours = servers.Swingover(bench.work, served, bench.server_cpu, bench.folder / "server/swingoverd")
        for server in [ours, *peers(bench, served)]:
            running.append(server)
            server.start()
        rows = [(ours, kind) for kind in kinds] + [(server, "host") for server in running[1:]]
        print_table(bench, rows, run_all(bench, rows))
    finally:
        for server in running:
            server.stop()


def peers(bench, served):
    for name in filter(None, bench.args.peers.split(",")):
        kind = servers.PEERS[name]
        if kind is servers.Echo:
            yield kind(bench.work, served, bench.server_cpu, bench.folder / "bench/echo")
        elif kind.is_installed():
            yield kind(bench.work, served, bench.server_cpu)
        else:
            print(f"{name} is not installed (packaging/install-deps bench): left out", file=sys.stderr)


def run_all(bench, rows, options=load.OPTIONS):
    """Runs of each row; the first round warms up and is not kept."""
    results = {(server.name, kind): [] for server, kind in rows}
    for turn in range(bench.args.runs + 1):
        for server, kind in rows if turn % 2 else reversed(rows):
            one = load.dnsperf(server, bench.work / kind, bench.args.seconds if turn else 1, bench.client_cpu, options)
            if turn:
                results[(server.name, kind)].append(one)
    return results


def print_table(bench, rows, results):
    def cpu(key):
        return [run.cpu_us for run in results[key]]

    def ratio(key, base):
        """Of runs of the same round: what slowed one slowed the other."""
        if base not in results:
            return ""
        return f"{statistics.median(mine / theirs for mine, theirs in zip(cpu(key), cpu(base))):.2f}"

    served = rows[0][0].names
    print(
        f"{served.count} names, {served.services} services of each kind, one worker on CPU {bench.server_cpu}, "
        f"dnsperf on CPU {bench.client_cpu}, {bench.args.runs} runs of {bench.args.seconds:g} s each"
    )
    print(f"{'server':10} {'answers':9} {'CPU us/query':>20} {'/static':>8} {'/echo':>6} {'queries/s':>10} {'lost':>6} {'MiB':>7}")
    for server, kind in rows:
        key = (server.name, kind)
        print(
            f"{server.name:10} {'static' if kind == 'host' else kind:9} {load.spread(cpu(key)):>20} "
            f"{ratio(key, ('swingover', 'host')):>8} {ratio(key, ('echo', 'host')):>6} "
            f"{statistics.median(run.rate for run in results[key]):10.0f} "
            f"{max(run.lost for run in results[key]):6.1%} {server.resident_mib():7.1f}"
        )
    print("CPU is user + system time of the server's processes; ratios are medians of those of one round's runs")
