#!/usr/bin/env python3
"""A backend that behaves, or misbehaves, as it is told.

    bad_backend.py --bind 127.0.1.1 --port 8080 --mode ok [--status 503] [--body ok]
                   [--tls CERT KEY [--tls-refuse]] [--control PORT]

Prints `port=8080 control=9080` when it listens (port 0: the kernel chooses). The control port is on
the same address. On either port `GET /mode?set=hang` changes the mode (and `&status=503`, `&body=text`);
`GET /mode` tells it and how many connections came. On the port itself that works without --tls, and in
no mode that does not listen. With --tls-refuse every handshake ends in an alert.

Modes
    ok         200 and the body
    status     the status of --status
    hang       accepts, reads, never answers
    slow       the answer, one octet a second
    slow-body  headers at once, the body one octet a second
    huge       200 and 1 GiB of `x`
    reset      reads the request, then resets the connection
    close      reads the request, then closes without an answer
    redirect   302 to /elsewhere, which answers 200
    garbage    octets that are no HTTP
    headers    headers without end
    partial    closes in the middle of the body
    refuse     does not listen
"""

import argparse
import json
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse


class Backend:
    def __init__(self, options):
        self.options = options
        self.mode, self.status, self.body = options.mode, options.status, options.body
        self.lock = threading.Lock()
        self.connections = 0
        self.listener = None
        self.port = options.port
        self.tls = None
        if options.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*options.tls)
            if options.tls_refuse:  # no cipher that a certificate with an ECDSA key could serve
                self.tls.maximum_version = ssl.TLSVersion.TLSv1_2
                self.tls.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")

    def apply(self, query):
        with self.lock:
            if "status" in query:
                self.status = int(query["status"][0])
            if "body" in query:
                self.body = query["body"][0]
            if "set" in query:
                self.mode = query["set"][0]
        self.listen_or_not()
        return json.dumps({"mode": self.mode, "connections": self.connections}) + "\n"

    def listen_or_not(self):
        if self.mode == "refuse":
            if self.listener:
                self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
            self.listener = None
        elif not self.listener:
            self.listener = listening(self.options.bind, self.port)
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            path = request_path(connection)
            if path is None:
                return
            url = urllib.parse.urlsplit(path)
            if url.path == "/mode" and not self.tls:
                answer(connection, 200, self.apply(urllib.parse.parse_qs(url.query)))
            else:
                getattr(self, "do_" + self.mode.replace("-", "_"))(connection, url.path)
        except (OSError, ValueError):
            pass  # the other end has gone: what a probe may do
        finally:
            connection.close()

    def do_ok(self, connection, _):
        answer(connection, 200, self.body)

    def do_status(self, connection, _):
        answer(connection, self.status, self.body)

    def do_hang(self, connection, _):
        while connection.recv(4096):
            pass

    def do_slow(self, connection, _):
        trickle(connection, response(200, self.body))

    def do_slow_body(self, connection, _):
        whole = response(200, self.body * 100)
        end = whole.index(b"\r\n\r\n") + 4
        connection.sendall(whole[:end])
        trickle(connection, whole[end:])

    def do_huge(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        block = b"x" * 65536
        for _ in range(16384):
            connection.sendall(block)

    def do_reset(self, connection, _):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def do_close(self, connection, _):
        pass

    def do_redirect(self, connection, path):
        if path == "/elsewhere":
            return answer(connection, 200, self.body)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    def do_garbage(self, connection, _):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\nnothing of HTTP here\r\n\r\n")

    def do_headers(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"y" * 1000 + b"\r\n")

    def do_partial(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")


def listening(bind, port):
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((bind, port))
    listener.listen(1024)
    return listener


def request_path(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(4096)
        if not more or len(request) > 65536:
            return None
        request += more
    return request.split(b" ", 2)[1].decode("ascii")


def response(status, body):
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


def answer(connection, status, body):
    connection.sendall(response(status, body))


def trickle(connection, octets):
    for octet in octets:
        connection.sendall(bytes([octet]))
        time.sleep(1)


def serve_control(listener, backend):
    while True:
        connection, _ = listener.accept()
        try:
            path = request_path(connection)
            if path:
                url = urllib.parse.urlsplit(path)
                answer(connection, 200, backend.apply(urllib.parse.parse_qs(url.query)))
        except (OSError, ValueError) as problem:
            print(problem, file=sys.stderr)
        finally:
            connection.close()


def main():
    modes = [name[3:].replace("_", "-") for name in dir(Backend) if name.startswith("do_")] + ["refuse"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", default="ok", choices=modes)
    parser.add_argument("--status", type=int, default=503)
    parser.add_argument("--body", default="ok")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--tls-refuse", action="store_true")
    parser.add_argument("--control", type=int, metavar="PORT")
    backend = Backend(parser.parse_args())
    backend.listen_or_not()
    control = None
    if backend.options.control is not None:
        control = listening(backend.options.bind, backend.options.control)
    port = control.getsockname()[1] if control else 0
    print(f"port={backend.port} control={port}", flush=True)
    if control:
        serve_control(control, backend)
    threading.Event().wait()


if __name__ == "__main__":
    main()
