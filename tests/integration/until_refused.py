#!/usr/bin/env python3
"""until_refused.py ADMIN TARGET SECONDS: drains and undrains TARGET until the daemon refuses; prints its words.

What fits into the room that the store's log has preallocated on a full disk is still taken; this uses it up. Leaves TARGET undrained
or refused. Exit status 1 when nothing was refused in time.
"""

import http.client
import json
import sys
import time

host, port = sys.argv[1].rsplit(":", 1)
connection = http.client.HTTPConnection(host, int(port), timeout=30)


def call(method, path, body=None):
    connection.request(method, path, json.dumps(body) if body else None)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


until = time.monotonic() + float(sys.argv[3])
while time.monotonic() < until:
    status, told = call("POST", "/v1/intents", {"kind": "drain", "target": sys.argv[2], "reason": "x" * 900, "owner": "story"})
    drained = status == 201
    if drained:
        status, told = call("DELETE", f"/v1/intents/{told['id']}")
    if status not in (200, 201):
        print(json.dumps({"status": status, "drained": drained, **told}))
        sys.exit(0)
sys.exit(1)
