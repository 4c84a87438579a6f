#!/usr/bin/python3
"""A gRPC server (grpcio) with the health service, grpc.health.v1.Health/Check.

    grpc_backend.py --bind 127.0.1.1:8080 [--tls CERT KEY] [--health serving] [--hang] [--bare]

The server as a whole and the service "shop" have the health of --health; the service "sick" does not serve; all
others are unknown. --hang never answers; --bare has no health service. Prints `port=8080 control=0` when it
listens (port 0: it chooses).
"""

import argparse
import concurrent.futures
import threading

import grpc

HEALTH = {"unknown": 0, "serving": 1, "not-serving": 2, "service-unknown": 3}


def asked_service(message):
    return message[2:].decode() if message else ""


def health_service(options):
    def check(request, context):
        if options.hang:
            threading.Event().wait(30)
        service = asked_service(request)
        if service in ("", "shop"):
            return bytes([8, HEALTH[options.health]]) if HEALTH[options.health] else b""
        if service == "sick":
            return bytes([8, HEALTH["not-serving"]])
        context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {service}: 50% sure")

    handler = grpc.unary_unary_rpc_method_handler(check)
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bind", default="127.0.0.1:0")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--health", default="serving", choices=HEALTH)
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
    if not options.bare:
        server.add_generic_rpc_handlers((health_service(options),))
    if options.tls:
        certificate, key = (open(file, "rb").read() for file in options.tls)
        port = server.add_secure_port(options.bind, grpc.ssl_server_credentials([(key, certificate)]))
    else:
        port = server.add_insecure_port(options.bind)
    server.start()
    print(f"port={port} control=0", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
