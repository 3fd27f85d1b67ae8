"""Stages many images at once over one connection with grpcio.

Usage: many.py STUBS_DIRECTORY TARGET IMAGES. Prints one JSON line: how many calls ended with each status and its text.
"""
import collections
import json
import sys
import uuid

stubs, target, images = sys.argv[1:]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from glance.sidecar.v1 import staging_pb2, staging_pb2_grpc  # noqa: E402

CHUNK, CHUNKS = bytes(256 * 1024), 4
staging = staging_pb2_grpc.StagingStub(grpc.insecure_channel(target))


def requests():
    yield staging_pb2.StageRequest(header=staging_pb2.StageHeader(image_id=str(uuid.uuid4())))
    for _ in range(CHUNKS):
        yield staging_pb2.StageRequest(chunk=staging_pb2.StageChunk(data=CHUNK))
    yield staging_pb2.StageRequest(finish=staging_pb2.StageFinish(total_size=CHUNKS * len(CHUNK)))


calls = [staging.Stage.future(requests(), timeout=120) for _ in range(int(images))]
print(json.dumps(collections.Counter("%s %s" % (call.code().name, call.details()) for call in calls)))
