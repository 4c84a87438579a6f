#!/usr/bin/env python3
"""http_get.py ADDRESS:PORT PATH: prints the body; exit status 0 for 200, 22 for another status, 7 if nothing answers."""

import http.client
import sys

host, port = sys.argv[1].rsplit(":", 1)
connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=5)
try:
    connection.request("GET", sys.argv[2])
    response = connection.getresponse()
except OSError as problem:
    sys.exit(print(problem, file=sys.stderr) or 7)
print(response.read().decode(), end="")
sys.exit(0 if response.status == 200 else 22)
