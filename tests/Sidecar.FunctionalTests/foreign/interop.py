"""The interop cases with grpcio; prints a line of JSON for each.

Usage: interop.py STUBS_DIRECTORY TARGET TRACEPARENT [AUTHORITIES CERTIFICATE KEY SERVER_NAME]. With the latter it is a peer.
"""
import hashlib
import json
import os
import queue
import sys
import time
import uuid

import grpc

STUBS, TARGET, TRACEPARENT, *TLS = sys.argv[1:]
sys.path.insert(0, STUBS)
# The published services are generated into the package that the library is in.
grpc.__path__.append(os.path.join(STUBS, "grpc"))

from glance.sidecar.v1 import staging_pb2 as pb, staging_pb2_grpc  # noqa: E402
from google.protobuf import descriptor_pb2  # noqa: E402
from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc  # noqa: E402
from grpc.reflection.v1alpha import reflection_pb2 as alpha_pb2, reflection_pb2_grpc as alpha_pb2_grpc  # noqa: E402
from health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

# No call takes this long; without it a hang would have no name.
PATIENCE = 20
CONTENT = b"".join(b"%08x glance staging sidecar\n" % line for line in range(100_000))
DETAILS = "grpc-status-details-bin"
Code = grpc.StatusCode
Serving = health_pb2.HealthCheckResponse


def open_channel(*options):
    if not TLS:
        return grpc.insecure_channel(TARGET, options)
    authorities, certificate, key = (open(path, "rb").read() for path in TLS[:3])
    return grpc.secure_channel(
        TARGET, grpc.ssl_channel_credentials(authorities, key, certificate),
        [("grpc.ssl_target_name_override", TLS[3]), *options])


channel = open_channel()
staging, health = staging_pb2_grpc.StagingStub(channel), health_pb2_grpc.HealthStub(channel)


def expect(actual, wanted):
    if actual != wanted:
        raise AssertionError("%r instead of %r" % (actual, wanted))


def refused(code, reason, call):
    """Asserts how a call fails: its status, and the reason in the ErrorInfo that the trailers carry."""
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code(), code)
        expect(reason.encode() in dict(error.trailing_metadata() or ()).get(DETAILS, b""), True)
    else:
        raise AssertionError("the call succeeded")


def upload(image, start=0, end=len(CONTENT), chunk=65536, finish=True, **header):
    yield pb.StageRequest(header=pb.StageHeader(image_id=image, **header))
    for at in range(start, end, chunk):
        yield pb.StageRequest(chunk=pb.StageChunk(offset=at, data=CONTENT[at:min(at + chunk, end)]))
    if finish:
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        yield pb.StageRequest(finish=pb.StageFinish(total_size=len(CONTENT), expected_digests={"sha256": sha256}))


def stage(**how):
    image = str(uuid.uuid4())
    expect(staging.Stage(upload(image, **how), timeout=PATIENCE).size, len(CONTENT))
    return image


def until(condition, call):
    """Asks until the answer is as wanted."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            answer = call()
            if condition(answer):
                return answer
        except grpc.RpcError as error:
            expect(error.code(), Code.NOT_FOUND)
    raise AssertionError("it did not come about in %d s" % PATIENCE)


def unary():
    capacity = staging.GetCapacity(pb.GetCapacityRequest(), timeout=PATIENCE)
    expect((capacity.accepts_uploads, capacity.total_bytes > 0), (True, True))
    absent = pb.GetImageRequest(image_id=str(uuid.uuid4()))
    refused(Code.NOT_FOUND, "IMAGE_NOT_FOUND", lambda: staging.GetImage(absent, timeout=PATIENCE))


def client_streaming():
    for chunk in (10_000, 65536, 1 << 20, 3 << 20):
        stage(chunk=chunk)


def early_refusal():
    def requests():
        yield from upload(str(uuid.uuid4()), end=1 << 20, finish=False)
        misplaced = pb.StageRequest(chunk=pb.StageChunk(offset=1, data=CONTENT[:1 << 20]))
        for _ in range(64):
            yield misplaced
    refused(Code.OUT_OF_RANGE, "OFFSET_MISMATCH", lambda: staging.Stage(requests(), timeout=PATIENCE))


def server_streaming():
    image = stage()
    parts = staging.ReadImage(pb.ReadImageRequest(image_id=image), timeout=PATIENCE)
    expect(b"".join(part.data for part in parts) == CONTENT, True)
    listed = staging.ListImages(pb.ListImagesRequest(), timeout=PATIENCE)
    expect(image in [one.image_id for one in listed], True)


def deadline():
    watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=0.5)
    expect(next(watch).status, Serving.SERVING)
    refused(Code.DEADLINE_EXCEEDED, "", lambda: next(watch))


def deadline_at_server():
    # The client itself knows of none.
    watch = health.Watch(health_pb2.HealthCheckRequest(), metadata=[("grpc-timeout", "200m")])
    expect(next(watch).status, Serving.SERVING)
    refused(Code.DEADLINE_EXCEEDED, "", lambda: next(watch))


def cancellation():
    image, half, end = str(uuid.uuid4()), len(CONTENT) // 2, queue.Queue()

    def requests():
        yield from upload(image, end=half, finish=False)
        end.get()

    def look():
        return staging.GetUpload(pb.GetUploadRequest(image_id=image), timeout=PATIENCE)

    call = staging.Stage.future(requests())
    until(lambda known: known.received_offset == half, look)
    call.cancel()
    end.put(None)
    expect(call.code(), Code.CANCELLED)
    until(lambda known: known.state == pb.Upload.SUSPENDED, look)
    resumed = staging.Stage(upload(image, start=half, resume_offset=half), timeout=PATIENCE)
    expect(resumed.size, len(CONTENT))


def compression():
    image, gzip = str(uuid.uuid4()), grpc.Compression.Gzip
    expect(staging.Stage(upload(image), compression=gzip, timeout=PATIENCE).size, len(CONTENT))
    named = pb.GetImageRequest(image_id=image, owner_hint=" " * 1000)
    expect(staging.GetImage(named, compression=gzip, timeout=PATIENCE).size, len(CONTENT))


def metadata():
    sent = [("traceparent", TRACEPARENT), ("x-request-id", "interop"), ("x-some-bin", bytes(range(256)))]
    nonsense = pb.GetImageRequest(image_id="nonsense")
    refused(Code.INVALID_ARGUMENT, "INVALID_IMAGE_ID",
            lambda: staging.GetImage(nonsense, metadata=sent, timeout=PATIENCE))


def health_check_and_watch():
    for service in ("", "liveness", "glance.sidecar.v1.Staging"):
        asked = health_pb2.HealthCheckRequest(service=service)
        expect(health.Check(asked, timeout=PATIENCE).status, Serving.SERVING)
    unknown = health_pb2.HealthCheckRequest(service="nobody")
    refused(Code.NOT_FOUND, "", lambda: health.Check(unknown, timeout=PATIENCE))
    watch = health.Watch(unknown, timeout=PATIENCE)
    expect(next(watch).status, Serving.SERVICE_UNKNOWN)
    watch.cancel()


def health_list():
    method = channel.unary_unary("/grpc.health.v1.Health/List")
    refused(Code.UNIMPLEMENTED, "", lambda: method(b"", timeout=PATIENCE))


def reflect(messages, stub):
    def ask(**request):
        return next(stub.ServerReflectionInfo(
            iter([messages.ServerReflectionRequest(**request)]), timeout=PATIENCE))

    if TLS:
        refused(Code.UNIMPLEMENTED, "", lambda: ask(list_services=""))
        return
    services = [service.name for service in ask(list_services="").list_services_response.service]
    expect("glance.sidecar.v1.Staging" in services, True)
    files = ask(file_containing_symbol="glance.sidecar.v1.Staging").file_descriptor_response.file_descriptor_proto
    names = [descriptor_pb2.FileDescriptorProto.FromString(file).name for file in files]
    expect("glance/sidecar/v1/staging.proto" in names, True)


def reflection_v1():
    reflect(reflection_pb2, reflection_pb2_grpc.ServerReflectionStub(channel))


def reflection_v1alpha():
    reflect(alpha_pb2, alpha_pb2_grpc.ServerReflectionStub(channel))


def reserve():
    call = staging.Reserve(pb.ReserveRequest(image_id=str(uuid.uuid4()), bytes=4096), timeout=PATIENCE)
    if TLS:
        refused(Code.PERMISSION_DENIED, "NOT_FOR_PEERS", lambda: next(call))
        return
    expect(next(call).remaining_bytes, 4096)
    call.cancel()
    refused(Code.CANCELLED, "", lambda: next(call))


def authority():
    for name in ("localhost", "run%2Fsidecar.sock", "/run/sidecar.sock"):
        with open_channel(("grpc.default_authority", name)) as other:
            stub = staging_pb2_grpc.StagingStub(other)
            expect(stub.GetCapacity(pb.GetCapacityRequest(), timeout=PATIENCE).accepts_uploads, True)


CASES = [
    unary, client_streaming, early_refusal, server_streaming, deadline, deadline_at_server, cancellation, compression,
    metadata, health_check_and_watch, health_list, reflection_v1, reflection_v1alpha, reserve,
    *([] if TLS else [authority])]

for case in CASES:
    line = {"case": case.__name__, "ok": True, "detail": ""}
    try:
        case()
    except Exception as failure:  # whatever it is, the other cases are tried
        line.update(ok=False, detail=repr(failure))
    print(json.dumps(line), flush=True)
