#!/usr/bin/env python3
"""draw_day.py FILE: lines "MINUTE LOCALITY CLUSTER LOAD" as a picture, one band a cluster: who brings it which load."""

import sys

CAPACITY, TARGET = 1000, 700
COLOURS = {"fra-a": "#2b6cb0", "ber-a": "#dd8a1f", "nyc-a": "#4a8f5b"}
LEFT, WIDTH, TOP, HEIGHT, GAP = 70, 760, 46, 120, 28


def main():
    loads = {}
    with open(sys.argv[1]) as lines:
        for line in lines:
            minute, locality, cluster, load = line.split()
            loads.setdefault(cluster, {}).setdefault(int(minute), {})[locality] = float(load)
    bottom = TOP + len(loads) * (HEIGHT + GAP)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {bottom + 40}" '
          'font-family="sans-serif" font-size="13">')
    print('<rect width="100%" height="100%" fill="white"/>')
    for i, (locality, colour) in enumerate(COLOURS.items()):
        print(f'<rect x="{LEFT + 190 * i}" y="12" width="14" height="14" fill="{colour}"/>')
        print(f'<text x="{LEFT + 190 * i + 20}" y="24">clients of {locality}</text>')

    def x(minute):
        return LEFT + WIDTH * minute / 1440

    for band, (cluster, by_minute) in enumerate(loads.items()):
        base = TOP + band * (HEIGHT + GAP) + HEIGHT

        def y(load):
            return base - HEIGHT * load / CAPACITY

        minutes = sorted(by_minute)
        below = {minute: 0.0 for minute in minutes}
        for locality, colour in COLOURS.items():
            above = {m: below[m] + by_minute[m].get(locality, 0) for m in minutes}
            points = [f"{x(m):.1f},{y(above[m]):.1f}" for m in minutes]
            points += [f"{x(m):.1f},{y(below[m]):.1f}" for m in reversed(minutes)]
            print(f'<polygon points="{" ".join(points)}" fill="{colour}" fill-opacity="0.85"/>')
            below = above
        for load, name in ((CAPACITY, "limit"), (TARGET, "target")):
            dash = "" if load == CAPACITY else ' stroke-dasharray="5 4"'
            print(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(load):.1f}" y2="{y(load):.1f}" stroke="#555"{dash}/>')
            print(f'<text x="{LEFT + WIDTH + 6}" y="{y(load) + 4:.1f}">{name} {load:,}</text>')
        print(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{base}" y2="{base}" stroke="#333"/>')
        print(f'<text x="{LEFT - 8}" y="{base - HEIGHT / 2 + 5:.0f}" text-anchor="end" font-weight="bold">{cluster}</text>')
    for hour in range(0, 25, 3):
        print(f'<text x="{x(hour * 60):.0f}" y="{bottom + 4}" text-anchor="middle">{hour}:00</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
