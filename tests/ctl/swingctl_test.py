#!/usr/bin/env python3
"""The program swingctl as a person meets it: its help, its exit statuses, colour on a terminal only."""

import http.server
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

SWINGCTL = sys.argv.pop(1)
STATUS = {"version": "0.1.0", "identity": "edge-1", "generation": 1, "uptime_seconds": 5, "ready": True, "problems": [],
          "zones": 1, "services": 0,
          "clusters": [{"name": "fra", "health": "up", "eligible": True, "intent": None, "reason": "fine \x1b[31m"}]}


class Admin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == "/v1/status"
        body = json.dumps(STATUS if known else {"error": {"code": "not_found", "message": "no"}}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(dict(self.server.posted, id="1")).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Swingctl(unittest.TestCase):
    def setUp(self):
        self.admin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Admin)
        threading.Thread(target=self.admin.serve_forever, daemon=True).start()
        self.server = "127.0.0.1:%d" % self.admin.server_address[1]

    def tearDown(self):
        self.admin.shutdown()
        self.admin.server_close()

    def run_it(self, *words, **environment):
        clean = {k: v for k, v in os.environ.items() if k not in ("SUDO_USER", "SWINGCTL_SERVER", "NO_COLOR")}
        return subprocess.run([SWINGCTL, *words], capture_output=True, text=True, timeout=30,
                              env={**clean, "SWINGCTL_SERVER": self.server, **environment})

    def on_terminal(self, *words, **environment):
        master, slave = pty.openpty()
        done = subprocess.run([SWINGCTL, *words], stdout=slave, stderr=subprocess.DEVNULL, timeout=30,
                              env={**os.environ, "TERM": "xterm", "SWINGCTL_SERVER": self.server, **environment})
        os.close(slave)
        text = os.read(master, 65536).decode()
        os.close(master)
        self.assertEqual(done.returncode, 0)
        return text

    def test_the_man_page_has_every_verb_and_its_options(self):
        page = os.path.join(os.path.dirname(__file__), "..", "..", "packaging", "man", "swingctl.1")
        with open(page) as lines:
            told = {}
            for line in lines:
                words = line.split()
                if words[:2] == [".It", "Cm"]:
                    told.setdefault(words[2], set()).update(
                        words[k + 2] for k in range(len(words) - 2) if words[k:k + 2] == ["Fl", "Fl"])
        verbs = self.run_it("--help").stdout.split("Subcommands:\n")[1].split("\n\n")[0].splitlines()
        self.assertEqual({line.split()[0] for line in verbs if line.startswith("  ") and line[2] != " "}, set(told))
        for verb in ("drain", "swing", "freeze", "thaw", "weight"):
            options = self.run_it(verb, "--help").stdout.split("Options:\n")[1]
            shown = {line.split()[0][2:] for line in options.splitlines() if line.startswith("  --")}
            self.assertEqual(shown, told[verb], verb)

    def test_help_names_every_verb_and_no_verb_to_come(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for verb in ("status", "services", "service", "explain", "drain", "undrain", "force", "intents", "cancel", "history",
                     "reload", "check", "plan", "what-if", "n1", "swing", "freeze", "thaw", "weight", "dnssec"):
            self.assertRegex(done.stdout, r"(?m)^  %s +\w" % verb)
        self.assertNotRegex(done.stdout, r"(?m)^  backup ")
        self.assertEqual(self.run_it("drain", "--help").returncode, 0)
        self.assertIn("swingctl 0.", self.run_it("--version").stdout)

    def test_wrong_use_is_2_and_one_line(self):
        for words in ([], ["stauts"], ["freeze"], ["--no-such"], ["drain"], ["drain", "cluster/fra"], ["status", "extra"],
                      ["service"], ["--server", "a b", "status"], ["drain", "fra", "--reason", "x"],
                      ["drain", "cluster/fra", "--reason", "x", "--over"]):
            done = self.run_it(*words)
            self.assertEqual((words, done.returncode), (words, 2))
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertEqual(done.stdout, "")
        self.assertIn("(status?)", self.run_it("stauts").stderr)

    def test_done_refused_and_not_reached(self):
        self.assertEqual(self.run_it("status").returncode, 0)
        self.assertEqual(self.run_it("services").returncode, 1)
        self.assertEqual(self.run_it("--server", "unix:/nonexistent", "status").returncode, 3)
        self.assertEqual(self.run_it("status", "--server", "127.0.0.1:1").returncode, 3)

    def test_a_standard_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([SWINGCTL, "--server", self.server, "status"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)

    def test_json_is_the_daemons(self):
        self.assertEqual(json.loads(self.run_it("--json", "status").stdout), STATUS)
        self.assertEqual(json.loads(self.run_it("status", "--json").stdout), STATUS)

    def test_the_owner_is_the_person_behind_sudo_unless_given(self):
        drain = ["drain", "cluster/fra", "--reason", "x"]
        self.run_it(*drain, SUDO_USER="ada")
        self.assertEqual(self.admin.posted["owner"], "ada")
        self.run_it(*drain, "--owner", "grace", SUDO_USER="ada")
        self.assertEqual(self.admin.posted["owner"], "grace")
        self.run_it(*drain)
        self.assertNotIn(self.admin.posted["owner"], ("", "ada"))

    def test_colour_is_for_terminals_without_no_color(self):
        self.assertNotIn("\x1b", self.run_it("status", TERM="xterm").stdout)
        coloured = self.on_terminal("status", NO_COLOR="")
        self.assertIn("\x1b[32mup\x1b[0m", coloured)
        self.assertNotIn("\x1b[31m", coloured)  # the daemon's own text brings none
        self.assertIn("fine \\x1b[31m", coloured)
        self.assertNotIn("\x1b", self.on_terminal("status", NO_COLOR="1"))

    def test_json_on_a_terminal_has_no_control_bytes(self):
        self.assertNotIn("\x1b", self.on_terminal("--json", "status"))

    def test_check_runs_the_daemon_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            tool, daemon = os.path.join(folder, "swingctl"), os.path.join(folder, "swingoverd")
            shutil.copy(SWINGCTL, tool)
            with open(daemon, "w") as program:
                program.write('#!/bin/sh\necho "$@"\nexit 1\n')
            os.chmod(daemon, 0o755)
            done = subprocess.run([tool, "check", "a.toml"], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout), (1, "--config a.toml --check\n"))

    def test_plan_needs_no_daemon(self):
        case = {"target": 0.7, "limit": 1, "client_localities": [{"name": "a", "demand": 80}],
                "clusters": [{"name": "A", "capacity": 100}, {"name": "B", "capacity": 50}],
                "cost_per_unit": {"a": {"A": 0, "B": 1}}}
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "case.json")
            with open(file, "w") as out:
                json.dump(case, out)
            for words, stdin in (([file], ""), (["-"], json.dumps(case)), (["/dev/stdin"], json.dumps({"input": case}))):
                done = subprocess.run([SWINGCTL, "--server", "127.0.0.1:1", "plan", *words], input=stdin,
                                      capture_output=True, text=True, timeout=30)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                planned = json.loads(done.stdout)
                self.assertEqual(planned["weights_per_10000"], {"a": {"A": 8750, "B": 1250}})
                self.assertEqual(planned["cluster_load"], {"A": 70.0, "B": 10.0})
            case["clusters"][1]["capacity"] = -1
            case["limit"] = "full"
            with open(file, "w") as out:
                json.dump(case, out)
            done = self.run_it("plan", file)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, f"{file}: limit: not a number\n{file}: clusters[1].capacity: below 0\n")
            missing = self.run_it("plan", os.path.join(folder, "none.json"))
            self.assertEqual((missing.returncode, missing.stdout), (1, ""))
            self.assertIn("none.json: No such file", missing.stderr)
            self.assertEqual(self.run_it("plan", folder).returncode, 1)
        self.assertEqual(self.run_it("plan").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
