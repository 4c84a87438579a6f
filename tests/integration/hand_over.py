#!/usr/bin/env python3
"""Opens a UDP and a TCP socket as a systemd socket unit does, and becomes the command with both handed over (sd_listen_fds(3)).

  hand_over.py ADDRESS:PORT -- COMMAND...
"""

import os
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_STREAM)]
sockets[1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for s in sockets:
    s.bind((host, int(port)))
sockets[1].listen(128)
moved = [os.dup(s.fileno()) for s in sockets]  # out of the way of 3 and 4
for place, descriptor in enumerate([os.dup2(m, 20 + i) for i, m in enumerate(moved)]):
    os.dup2(descriptor, 3 + place, inheritable=True)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="dns:dns")
os.execvp(sys.argv[3], sys.argv[3:])
