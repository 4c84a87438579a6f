#!/usr/bin/env python3
"""What systemd hears: binds the datagram socket of sd_notify(3) and appends each message's lines to a file."""

import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, open(sys.argv[2], "a", buffering=1) as heard:
    s.bind(sys.argv[1])
    while True:
        heard.write(s.recv(65536).decode() + "\n")
