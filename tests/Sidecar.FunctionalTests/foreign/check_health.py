"""Asks the peer listener for its health with grpcio; prints OK or the status.

Usage: check_health.py TARGET SERVER_NAME AUTHORITIES [CERTIFICATE KEY].
"""
import sys

import grpc

target, name, authorities, *own = sys.argv[1:]
content = [open(path, "rb").read() for path in [authorities, *own]]
certificate, key = (content[1], content[2]) if own else (None, None)
channel = grpc.secure_channel(
    target,
    grpc.ssl_channel_credentials(content[0], key, certificate),
    [("grpc.ssl_target_name_override", name)])
check = channel.unary_unary("/grpc.health.v1.Health/Check", lambda request: request, lambda answer: answer)
try:
    check(b"", timeout=30)
    print("OK")
except grpc.RpcError as refused:
    print(refused.code().name)
