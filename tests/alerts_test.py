#!/usr/bin/env python3
"""packaging/prometheus/swingover-alerts.yml: rules as Prometheus reads them, of metrics that docs/metrics.md has."""

import re
import sys

import yaml


def problems(rules_file, metrics_page):
    with open(metrics_page, encoding="utf-8") as page:
        metrics = dict(re.findall(r"^\| `(swingover_\w+)(?:\{([\w,]*)\})?`", page.read(), re.M))
    with open(rules_file, encoding="utf-8") as rules:
        groups = yaml.safe_load(rules)["groups"]
    names = set()
    for rule in (rule for group in groups for rule in group["rules"]):
        name = rule["alert"]
        if not re.fullmatch(r"Swingover\w+", name) or name in names:
            yield f"{name}: no name, or a second one"
        names.add(name)
        if not {"alert", "expr", "labels", "annotations"} <= set(rule) <= {"alert", "expr", "for", "labels", "annotations"}:
            yield f"{name}: keys are {sorted(rule)}"
        if rule["labels"].get("severity") not in ("info", "warning", "critical"):
            yield f"{name}: severity {rule['labels'].get('severity')}"
        used = re.findall(r"swingover_\w+", rule["expr"])
        if not used:
            yield f"{name}: asks for no metric of ours"
        labels = {"instance"}
        for metric in used:
            if metric not in metrics:
                yield f"{name}: docs/metrics.md has no {metric}"
            labels |= set(metrics.get(metric, "").split(","))
        text = " ".join(rule["annotations"].values())
        by = re.findall(r"by \((\w+)\)", rule["expr"]) + re.findall(r"\$labels\.(\w+)", text)
        for label in by:
            if label not in labels:
                yield f"{name}: no metric of it has a label {label}"
    if not names:
        yield "no rules"


if __name__ == "__main__":
    found = list(problems(sys.argv[1], sys.argv[2]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
