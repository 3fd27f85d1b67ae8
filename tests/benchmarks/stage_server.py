"""The plainest Python gRPC server of the Stage call: writes each chunk to a file as it arrives, and syncs it at the end.
Usage: stage_server.py ADDRESS DIRECTORY
"""
import os
import sys
from concurrent import futures

import grpc

from glance.sidecar.v1 import staging_pb2 as messages


class Servicer:
    def __init__(self, directory):
        self.directory = directory

    def path(self, image_id):
        return os.path.join(self.directory, image_id)

    def stage(self, requests, _):
        file = None
        for request in requests:
            part = request.WhichOneof("part")
            if part == "header":
                file = open(self.path(request.header.image_id), "wb", buffering=0)
            elif part == "chunk":
                file.write(request.chunk.data)
        os.fsync(file.fileno())
        file.close()
        return messages.StagedImage()

    def delete(self, request, _):
        os.unlink(self.path(request.image_id))
        return messages.DeleteImageResponse()

    def capacity(self, _, __):
        return messages.Capacity()


def main():
    address, directory = sys.argv[1:]
    servicer = Servicer(directory)
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("glance.sidecar.v1.Staging", {
        "Stage": grpc.stream_unary_rpc_method_handler(
            servicer.stage, messages.StageRequest.FromString, messages.StagedImage.SerializeToString),
        "DeleteImage": grpc.unary_unary_rpc_method_handler(
            servicer.delete, messages.DeleteImageRequest.FromString, messages.DeleteImageResponse.SerializeToString),
        "GetCapacity": grpc.unary_unary_rpc_method_handler(
            servicer.capacity, messages.GetCapacityRequest.FromString, messages.Capacity.SerializeToString),
    })])
    server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
