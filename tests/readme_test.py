#!/usr/bin/env python3
"""What the README shows is true: its config and zone pass --check, its links lead somewhere, its commands exist.

  readme_test.py SOURCE_FOLDER SWINGOVERD SWINGCTL
"""

import pathlib
import re
import subprocess
import sys
import tempfile

root, swingoverd, swingctl = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
problems = []
pages = {page: page.read_text() for page in [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/*.md"), *root.glob("bench/*.md")]}
readme = pages[root / "README.md"]

blocks = dict(re.findall(r"^`(/etc/swingover/[^`]+)`.*?^```\w*\n(.*?)^```", readme, re.M | re.S))
with tempfile.TemporaryDirectory() as folder:
    for name, text in blocks.items():
        (pathlib.Path(folder) / pathlib.Path(name).name).write_text(text)
    config = blocks.get("/etc/swingover/swingover.toml", "")
    lines = [line for line in config.splitlines() if line.strip()]
    if not 5 < len(lines) <= 16:
        problems.append(f"README.md: the config has {len(lines)} lines, it promises about 15")
    told = subprocess.run([swingoverd, "--config", f"{folder}/swingover.toml", "--check"], capture_output=True, text=True)
    if told.returncode != 0 or told.stderr.strip():
        problems.append("README.md: its config does not pass --check without a word:\n" + told.stdout + told.stderr)

# Each service of the page to copy from, alone in the page's world, and all of them together.
services = pages[root / "docs/services.md"]
world = re.search(r"^```toml base\n(.*?)^```", services, re.M | re.S)[1]
copies = re.findall(r"^```toml\n(.*?)^```", services, re.M | re.S)
if len(copies) != 10:
    problems.append(f"docs/services.md: {len(copies)} services, its title says ten")
zone = "$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\nns IN A 192.0.2.1\n"
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "svc.example.com.zone").write_text(zone)
    for place, text in enumerate([*copies, "\n".join(copies)], 1):
        (pathlib.Path(folder) / "services.toml").write_text(world + text)
        told = subprocess.run([swingoverd, "--config", f"{folder}/services.toml", "--check"], capture_output=True, text=True)
        unused = re.compile(r": warning: the (monitor|cluster) .* (is used by|has no pool)")
        lines = [line for line in told.stderr.splitlines() if ": warning:" in line or ": error:" in line]
        lines = [line for line in lines if not unused.search(line)]
        if told.returncode != 0 or lines:
            problems.append(f"docs/services.md: service {place} does not pass --check:\n" + told.stdout + "\n".join(lines))

for page, text in pages.items():
    here = page.relative_to(root)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not (page.parent / target).exists():
            problems.append(f"{here}: the link to {target} leads nowhere")
    for command in set(re.findall(r"(?:^|[`\s(])((?:packaging|bench)/[a-z][a-z-]+)(?=[\s`)]|$)", text, re.M)):
        if not (root / command).exists():
            problems.append(f"{here}: there is no {command}")
    for verb in set(re.findall(r"swingctl ([a-z]+)", text)) - {"asks", "and", "service"}:
        if subprocess.run([swingctl, verb, "--help"], capture_output=True).returncode != 0:
            problems.append(f"{here}: swingctl has no {verb}")

print(*problems, sep="\n")
sys.exit(bool(problems))
