"""What 20,000 probed endpoints cost: CPU, evenness, punctuality, memory, and what queries notice of it. Beside gdnsd's http_status.

The probes run on one CPU, their backends on the others. Per kind: so many targets that the wanted rate is reached, and CPU time a probe. At the full
count, by http alone, then http and tcp in turn, at intervals of 1 s to 10 s: probes a second, the deviation of starts in 10 ms over that of a Poisson process (below 1:
more even than chance), how late probes are sent, octets a target at rest, and what had to queue. gdnsd (whose least
interval is 2 s) and our daemon's probe library probe the same number of addresses by http at 2 s to 10 s. Last, answers of the daemon, asked each millisecond, while it
probes the same endpoints and while it does not; rounds take turns.
"""

import statistics
import subprocess
import time

import load
import names
import servers

TARGETS = ["probe_scale", "swingoverd", "late_probe"]
IN_ALL = False


def add_options(group):
    group.add_argument("--probe-targets", type=int, default=20_000)
    group.add_argument("--probe-seconds", type=int, default=15, help="length of a window of probing")
    group.add_argument("--probe-rounds", type=int, default=3, help="of answers with and without probing")
    group.add_argument("--probe-steps", default="cost,scale,gdnsd,answers", help="comma-separated")


def scale(bench, kinds, targets, seconds, least, most):
    command = ["taskset", "-c", str(bench.server_cpu), bench.folder / "bench/probe_scale", "run", kinds]
    told = subprocess.run([*command, *map(str, (targets, seconds, least, most))], capture_output=True, text=True, check=True, timeout=300)
    return {key: float(value) for key, value in (word.split("=") for word in told.stdout.split())}


def measure_cost(bench):
    print(f"{'kind':8} {'CPU us/probe':>20} {'probes/s a core':>16} {'at probes/s':>12} {'failed':>7}")
    for kind, wanted in (("http", 8_000), ("tcp", 20_000)):
        # Beats are 0.94 intervals apart in the mean.
        rows = [scale(bench, kind, wanted * 95 // 100, 5, 1_000, 1_000) for _ in range(3)]
        cost = statistics.median(row["cpu_us"] for row in rows)
        print(
            f"{kind:8} {load.spread([row['cpu_us'] for row in rows]):>20} {1e6 / cost:16.0f} {min(row['probes_per_second'] for row in rows):12.0f} "
            f"{sum(row['failed'] for row in rows):7.0f}   (wanted: {wanted} a core)"
        )


def measure_scale(bench):
    for kinds, words in (("http", "http"), ("mixed", "http and tcp")):
        print_scale(bench, scale(bench, kinds, bench.args.probe_targets, bench.args.probe_seconds, 1_000, 10_000), words)


def print_scale(bench, row, kinds):
    print(f"\n{row['targets']:.0f} targets, {kinds}, 1 s to 10 s, {bench.args.probe_seconds} s")
    print(f"  probes/s              {row['probes_per_second']:.0f}, {row['failed']:.0f} failed, {row['core']:.0%} of a core, {row['cpu_us']:.1f} us of CPU each")
    print(f"  starts in 10 ms       deviation {row['spread']:.2f} of a Poisson process's (wanted: at most 1)")
    print(f"  due to sent           p50 {row['lag_p50_ms']:.2f} ms, p99 {row['lag_p99_ms']:.2f} ms, worst {row['lag_max_ms']:.2f} ms (wanted: p99 below 20 ms)")
    print(f"  octets a target       {row['octets_per_target']:.0f} (wanted: at most 4,096)")
    print(f"  under way at most     {row['running_most']:.0f} of {row['running_max']:.0f} allowed; {row['queued']:.0f} queued")


class Monitoring(servers.Gdnsd):
    """gdnsd with so many addresses, ten service types of 2 s to 10 s."""

    targets = port_of_backends = 0

    def configure(self):
        zones = self.work / "zones"
        zones.mkdir()
        (zones / "bench.test").write_text(self.names.zone_text().split("\n", 1)[1])
        types = "".join(
            f"  web{i} => {{ plugin => http_status, port => {self.port_of_backends}, url_path => /, interval => {interval}, timeout => 1 }}\n"
            for i, interval in enumerate(self.intervals)
        )
        at_once = 50  # addresses of a resource
        resources = "".join(
            f"    r{start} => {{ service_types => [ web{start // at_once % len(self.intervals)} ], "
            + ", ".join(f"a{i} => {address(i)}" for i in range(start, min(start + at_once, self.targets)))
            + " }\n"
            for start in range(0, self.targets, at_once)
        )
        (self.work / "config").write_text(
            f"options => {{ listen => {servers.ADDRESS}:{self.port}, udp_threads => 1, tcp_threads => 1,\n"
            f"  run_dir => {self.work}/run, state_dir => {self.work}/state }}\n"
            f"service_types => {{\n{types}}}\nplugins => {{ multifo => {{\n{resources}}} }}\n"
        )
        return [self.binary, "-c", str(self.work), "start"]

    intervals = range(2, 11)


def address(i):
    return f"127.{4 + i // 62_500}.{i // 250 % 250}.{1 + i % 250}"


def measure_gdnsd(bench):
    if not Monitoring.is_installed():
        return print("\ngdnsd is not installed (packaging/install-deps bench): left out")
    targets, seconds = bench.args.probe_targets, bench.args.probe_seconds
    ours = scale(bench, "http", targets, seconds, 2_000, 10_000)
    backends = subprocess.Popen(
        ["taskset", "-c", str(bench.client_cpu), bench.folder / "bench/probe_scale", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def connections():
        backends.stdin.write("\n")
        backends.stdin.flush()
        return int(backends.stdout.readline())

    server = None
    try:
        Monitoring.targets, Monitoring.port_of_backends = targets, int(backends.stdout.readline())
        server = Monitoring(bench.work, names.Names(10), bench.server_cpu)
        before = server_without_targets_mib(bench)
        server.start(ready_seconds=180)
        time.sleep(max(Monitoring.intervals) + 1)
        counted, cpu, began = connections(), server.cpu_seconds(), time.monotonic()
        slices = []
        while time.monotonic() - began < seconds:
            time.sleep(0.01)
            slices.append((time.monotonic(), connections()))
        probes, used, took = slices[-1][1] - counted, server.cpu_seconds() - cpu, time.monotonic() - began
        octets = (server.resident_mib() - before) * 2**20 / targets
    finally:
        if server:
            server.stop()
        backends.kill()
        backends.wait()
    # What each 10 ms brought, by slices of the length that they really had.
    rate = probes / took
    parts = [(b[1] - a[1], (b[0] - a[0]) * rate) for a, b in zip(slices, slices[1:])]
    spread = (statistics.fmean((got - due) ** 2 for got, due in parts) / statistics.fmean(due for _, due in parts)) ** 0.5
    print(f"\n{targets} targets by http, 2 s to 10 s    {'probes/s':>9} {'CPU us each':>12} {'octets a target':>16} {'evenness':>9}")
    print(f"  ours                              {ours['probes_per_second']:9.0f} {ours['cpu_us']:12.1f} {ours['octets_per_target']:16.0f} {ours['spread']:9.2f}")
    print(f"  gdnsd                             {rate:9.0f} {1e6 * used / max(probes, 1):12.1f} {octets:16.0f} {spread:9.2f}")
    print("  evenness: deviation of starts (gdnsd: of connections accepted) in 10 ms over a Poisson process's")


def server_without_targets_mib(bench):
    folder = bench.work / "empty"
    folder.mkdir()
    server = servers.Gdnsd(folder, names.Names(10), bench.server_cpu).start()
    try:
        return server.resident_mib()
    finally:
        server.stop()


class Probing(servers.Swingover):
    """The daemon with a service of one endpoint for each target, probed or not."""

    targets = port_of_backends = 0
    probes = True

    def configure(self):
        command = super().configure()
        out = ['[rate_limit]\nresponses_per_second = 0\n']
        for i in range(10):
            for kind in ("http", "tcp"):
                out.append(f'[[monitor]]\nname = "{kind}-{i}"\nkind = "{kind}"\nport = {self.port_of_backends}\ninterval = "{i + 1}s"\ntimeout = "1s"\n')
        for i in range(self.targets):
            monitors = f'monitors = ["{("http", "tcp")[i % 2]}-{i // 2 % 10}"]\n' if self.probes else ""
            out.append(
                f'[[service]]\nname = "s-{i}.{self.names.zone}"\npolicy = "failover"\n{monitors}'
                f'  [[service.pool]]\n  cluster = "fra"\n  endpoints = ["{address(i)}"]\n'
            )
        with open(self.work / "swingover.toml", "a") as config:
            config.writelines(out)
        return command


def p99_of_answers(bench, server, seconds):
    """Of names of the zone, asked each millisecond from the other CPU; in microseconds."""
    told = subprocess.run(
        ["taskset", "-c", str(bench.client_cpu), bench.folder / "bench/late_probe", servers.ADDRESS, str(server.port), server.names.zone, "1000", str(seconds)],
        capture_output=True, text=True, check=True,
    ).stdout
    took = sorted(int(line.split()[1]) for line in told.splitlines() if int(line.split()[1]) >= 0)
    return took[int(0.99 * (len(took) - 1))] / 1e3


def measure_answers(bench):
    seconds = bench.args.probe_seconds
    backends = subprocess.Popen(
        ["taskset", "-c", str(bench.client_cpu), bench.folder / "bench/probe_scale", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    running = {}
    try:
        Probing.targets, Probing.port_of_backends = bench.args.probe_targets, int(backends.stdout.readline())
        results, resident = {True: [], False: []}, []
        plain = servers.Swingover(bench.work / "plain", names.Names(1000), bench.server_cpu, bench.folder / "server/swingoverd")
        plain.work.parent.mkdir()
        running[plain] = plain.start()
        before = plain.resident_mib()
        plain.stop()
        for turn in range(bench.args.probe_rounds):
            for probes in (True, False) if turn % 2 else (False, True):
                server = Probing(bench.work / f"{turn}-{probes}", names.Names(1000), bench.server_cpu, bench.folder / "server/swingoverd")
                server.work.parent.mkdir()
                server.probes = probes
                running[server] = server.start(ready_seconds=120)
                time.sleep(bench.args.probe_targets / 5000 + 11)  # first looks, then all beats
                results[probes].append(p99_of_answers(bench, server, seconds))
                if probes:
                    resident.append(server.resident_mib() - before)
                server.stop()
    finally:
        for server in running:
            server.stop()
        backends.kill()
        backends.wait()
    growth = statistics.median(results[True]) / statistics.median(results[False]) - 1
    print(f"\np99 of answers, asked each millisecond, one CPU for all of the daemon: {load.spread(results[False], 0)} us without probing,")
    print(f"  {load.spread(results[True], 0)} us while it probes: {growth:+.0%} (wanted: at most +10 %)")
    octets = statistics.median(resident) * 2**20 / bench.args.probe_targets
    print(f"  the daemon then holds {octets:.0f} octets an endpoint, its service, monitors and answers included (wanted: at most 4,096)")


def measure(bench):
    steps = {"cost": measure_cost, "scale": measure_scale, "gdnsd": measure_gdnsd, "answers": measure_answers}
    for name in bench.args.probe_steps.split(","):
        steps[name](bench)
