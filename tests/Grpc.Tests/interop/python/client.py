"""The interop cases with grpcio as the client: client.py STUBS ADDRESS [CA_FILE]."""

import sys
import grpc
import stubs  # noqa: F401  (before the generated modules)
from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc

import cases
import standard_services
from cases import expect

ADDRESS = sys.argv[2]
CA_FILE = sys.argv[3] if len(sys.argv) > 3 else None
# No case takes this long; without it a hang would have no name.
PATIENCE = 20
SIZES_DOWN = [31415, 9, 2653, 58979]
SIZES_UP = [27182, 8, 1828, 45904]
ODD_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"


def open_channel():
    if not CA_FILE:
        return grpc.insecure_channel(ADDRESS)
    with open(CA_FILE, "rb") as ca:
        return grpc.secure_channel(ADDRESS, grpc.ssl_channel_credentials(ca.read()))


channel = open_channel()
stub = test_pb2_grpc.TestServiceStub(channel)


def payload(size):
    return messages_pb2.Payload(body=bytes(size))


def flag(value):
    return messages_pb2.BoolValue(value=value)


def status_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def empty_unary():
    expect(stub.EmptyCall(empty_pb2.Empty(), timeout=PATIENCE), empty_pb2.Empty(), "response")


def large_unary():
    request = messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828))
    expect(stub.UnaryCall(request, timeout=PATIENCE).payload.body, bytes(314159), "body")


def client_streaming():
    requests = (messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in SIZES_UP)
    expect(stub.StreamingInputCall(requests, timeout=PATIENCE).aggregated_payload_size, sum(SIZES_UP), "sum")


def server_streaming():
    request = messages_pb2.StreamingOutputCallRequest(
        response_parameters=[messages_pb2.ResponseParameters(size=size) for size in SIZES_DOWN])
    sizes = [len(r.payload.body) for r in stub.StreamingOutputCall(request, timeout=PATIENCE)]
    expect(sizes, SIZES_DOWN, "sizes")


class Requests:
    """An iterator that the case feeds while the call runs."""

    def __init__(self):
        import queue
        self.queue = queue.Queue()

    def send(self, down, up, **more):
        self.queue.put(messages_pb2.StreamingOutputCallRequest(
            response_parameters=[messages_pb2.ResponseParameters(size=down)], payload=payload(up), **more))

    def close(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


def ping_pong():
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests), timeout=PATIENCE)
    for down, up in zip(SIZES_DOWN, SIZES_UP):
        requests.send(down, up)
        expect(len(next(responses).payload.body), down, "size")
    requests.close()
    expect(list(responses), [], "rest")
    expect(responses.code(), grpc.StatusCode.OK, "status")


def empty_stream():
    expect(list(stub.FullDuplexCall(iter(()), timeout=PATIENCE)), [], "responses")


def cancel_after_begin():
    requests = Requests()
    call = stub.StreamingInputCall.future(iter(requests), timeout=PATIENCE)
    call.cancel()
    requests.close()
    expect(call.cancelled(), True, "cancelled")
    expect(call.code(), grpc.StatusCode.CANCELLED, "status")


def cancel_after_first_response():
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests), timeout=PATIENCE)
    requests.send(31415, 27182)
    expect(len(next(responses).payload.body), 31415, "size")
    responses.cancel()
    error = status_of(lambda: next(responses))
    requests.close()
    expect(error.code(), grpc.StatusCode.CANCELLED, "status")


def timeout_on_sleeping_server():
    requests = Requests()
    request = messages_pb2.StreamingOutputCallRequest(
        response_parameters=[messages_pb2.ResponseParameters(size=1, interval_us=5_000_000)])
    requests.queue.put(request)
    error = status_of(lambda: next(stub.FullDuplexCall(iter(requests), timeout=0.05)))
    requests.close()
    expect(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED, "status")


def custom_metadata():
    metadata = (("x-grpc-test-echo-initial", "test_initial_metadata_value"),
                ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"))
    request = messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828))
    _, call = stub.UnaryCall.with_call(request, metadata=metadata, timeout=PATIENCE)
    check_echo(call)
    requests = Requests()
    requests.send(31415, 27182)
    requests.close()
    call = stub.FullDuplexCall(iter(requests), metadata=metadata, timeout=PATIENCE)
    expect(len(list(call)), 1, "responses")
    check_echo(call)


def check_echo(call):
    expect(dict(call.initial_metadata())["x-grpc-test-echo-initial"], "test_initial_metadata_value", "header")
    expect(dict(call.trailing_metadata())["x-grpc-test-echo-trailing-bin"], b"\xab\xab\xab", "trailer")


def check_status(code, message):
    wanted = messages_pb2.EchoStatus(code=code, message=message)
    unary = status_of(lambda: stub.UnaryCall(
        messages_pb2.SimpleRequest(response_status=wanted), timeout=PATIENCE))
    requests = Requests()
    requests.queue.put(messages_pb2.StreamingOutputCallRequest(response_status=wanted))
    requests.close()
    duplex = status_of(lambda: list(stub.FullDuplexCall(iter(requests), timeout=PATIENCE)))
    for error in (unary, duplex):
        expect((error.code().value[0], error.details()), (code, message), "status")


def unimplemented(method):
    expect(status_of(method).code(), grpc.StatusCode.UNIMPLEMENTED, "status")


def client_compressed_unary():
    request = messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828), expect_compressed=flag(True))
    probe = status_of(lambda: stub.UnaryCall(request, timeout=PATIENCE))
    expect(probe.code(), grpc.StatusCode.INVALID_ARGUMENT, "probe")
    packed = stub.UnaryCall(request, compression=grpc.Compression.Gzip, timeout=PATIENCE)
    expect(len(packed.payload.body), 314159, "size")
    request.expect_compressed.value = False
    expect(len(stub.UnaryCall(request, timeout=PATIENCE).payload.body), 314159, "size")


def client_compressed_streaming():
    # grpcio cannot leave one message of a compressed call uncompressed: both messages are compressed.
    def requests(expected):
        for size in (27182, 45904):
            yield messages_pb2.StreamingInputCallRequest(payload=payload(size), expect_compressed=flag(expected))

    probe = status_of(lambda: stub.StreamingInputCall(requests(True), timeout=PATIENCE))
    expect(probe.code(), grpc.StatusCode.INVALID_ARGUMENT, "probe")
    answer = stub.StreamingInputCall(requests(True), compression=grpc.Compression.Gzip, timeout=PATIENCE)
    expect(answer.aggregated_payload_size, 73086, "sum")
    expect(stub.StreamingInputCall(requests(False), timeout=PATIENCE).aggregated_payload_size, 73086, "sum")


def server_compressed_unary():
    for compressed in (True, False):
        request = messages_pb2.SimpleRequest(
            response_size=314159, payload=payload(271828), response_compressed=flag(compressed))
        expect(stub.UnaryCall(request, timeout=PATIENCE).payload.body, bytes(314159), "body")


def server_compressed_streaming():
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
        messages_pb2.ResponseParameters(size=31415, compressed=flag(True)),
        messages_pb2.ResponseParameters(size=92653, compressed=flag(False))])
    sizes = [len(r.payload.body) for r in stub.StreamingOutputCall(request, timeout=PATIENCE)]
    expect(sizes, [31415, 92653], "sizes")


def main():
    other = test_pb2_grpc.UnimplementedServiceStub(channel)
    empty = empty_pb2.Empty()
    own = [empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, cancel_after_begin,
           cancel_after_first_response, timeout_on_sleeping_server, custom_metadata, client_compressed_unary,
           client_compressed_streaming, server_compressed_unary, server_compressed_streaming]
    cases.run_all({case.__name__: case for case in own} | {
        "status_code_and_message": lambda: check_status(2, "test status message"),
        "special_status_message": lambda: check_status(2, ODD_MESSAGE),
        "unimplemented_method": lambda: unimplemented(lambda: stub.UnimplementedCall(empty, timeout=PATIENCE)),
        "unimplemented_service": lambda: unimplemented(lambda: other.UnimplementedCall(empty, timeout=PATIENCE)),
    } | standard_services.cases(channel))


main()
