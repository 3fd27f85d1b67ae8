"""Does the main job with grpcio, as Glance's side will: stages in two calls, imports, reads back, deletes.

Usage: stage.py STUBS_DIRECTORY TARGET IMAGE_FILE OUTPUT_FILE. Prints one JSON line with what it saw.
"""
import json
import sys
import uuid

stubs, target, image_file, output_file = sys.argv[1:]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from glance.sidecar.v1 import imports_pb2, imports_pb2_grpc, staging_pb2, staging_pb2_grpc  # noqa: E402

channel = grpc.insecure_channel(target)
staging, imports = staging_pb2_grpc.StagingStub(channel), imports_pb2_grpc.ImportsStub(channel)
image_id, content = str(uuid.uuid4()), open(image_file, "rb").read()
seen = {}


def requests(start, end, finish, **header):
    yield staging_pb2.StageRequest(header=staging_pb2.StageHeader(image_id=image_id, **header))
    for at in range(start, end, 100_000):
        yield staging_pb2.StageRequest(
            chunk=staging_pb2.StageChunk(offset=at, data=content[at:min(at + 100_000, end)]))
    if finish:
        yield staging_pb2.StageRequest(finish=staging_pb2.StageFinish(total_size=len(content)))


half = len(content) // 2
try:
    staging.Stage(requests(0, half, False, declared_size=len(content)), timeout=60)
except grpc.RpcError as unfinished:
    seen["unfinished"] = unfinished.code().name
received = staging.GetUpload(staging_pb2.GetUploadRequest(image_id=image_id)).received_offset
image = staging.Stage(requests(received, len(content), True, resume_offset=received), timeout=60)
seen["resumed_at_half"], seen["size"] = received == half, image.size

events = list(imports.RunImport(imports_pb2.RunImportRequest(image_id=image_id), timeout=60))
last = getattr(events[-1], "import")
seen["result"] = {"format": last.result.disk_format, "virtual_size": last.result.virtual_size}
with open(output_file, "wb") as output:
    for part in staging.ReadImage(
            staging_pb2.ReadImageRequest(image_id=image_id, import_id=last.import_id), timeout=60):
        output.write(part.data)

seen["deleted"] = staging.DeleteImage(staging_pb2.DeleteImageRequest(image_id=image_id)).existed
try:
    staging.GetImage(staging_pb2.GetImageRequest(image_id=image_id))
except grpc.RpcError as gone:
    seen["gone"] = gone.code().name
print(json.dumps(seen))
