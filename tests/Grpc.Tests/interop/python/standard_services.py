"""Health and reflection with stubs of the published protos."""

import grpc
from google.protobuf import descriptor_pb2
from grpc.health.v1 import health_pb2, health_pb2_grpc
from grpc.reflection.v1 import reflection_pb2 as v1
from grpc.reflection.v1 import reflection_pb2_grpc as v1_grpc
from grpc.reflection.v1alpha import reflection_pb2 as alpha
from grpc.reflection.v1alpha import reflection_pb2_grpc as alpha_grpc
from grpc.testing import empty_pb2, test_pb2_grpc

from cases import expect

PATIENCE = 20
NOT_FOUND = grpc.StatusCode.NOT_FOUND.value[0]
Status = health_pb2.HealthCheckResponse


def health_check(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    expect(stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status, Status.SERVING, "status")
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=PATIENCE)
    except grpc.RpcError as error:
        expect(error.code(), grpc.StatusCode.NOT_FOUND, "unknown service")
    else:
        raise AssertionError("an unknown service has a status")


def health_watch(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    switch = test_pb2_grpc.XdsUpdateHealthServiceStub(channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
    expect(next(watch).status, Status.SERVING, "first")
    switch.SetNotServing(empty_pb2.Empty(), timeout=PATIENCE)
    expect(next(watch).status, Status.NOT_SERVING, "second")
    switch.SetServing(empty_pb2.Empty(), timeout=PATIENCE)
    expect(next(watch).status, Status.SERVING, "third")
    watch.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"), timeout=PATIENCE)
    expect(next(unknown).status, Status.SERVICE_UNKNOWN, "unknown service")
    unknown.cancel()


def reflection(channel, stub_type, messages):
    stub = stub_type(channel)

    def ask(**request):
        answers = list(stub.ServerReflectionInfo(
            iter([messages.ServerReflectionRequest(**request)]), timeout=PATIENCE))
        expect(len(answers), 1, "answers")
        return answers[0]

    def names(**request):
        files = ask(**request).file_descriptor_response.file_descriptor_proto
        return [descriptor_pb2.FileDescriptorProto.FromString(file).name for file in files]

    listed = {service.name for service in ask(list_services="").list_services_response.service}
    for wanted in ("grpc.testing.TestService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                   "grpc.reflection.v1alpha.ServerReflection"):
        expect(wanted in listed, True, f"{wanted} in {listed}")
    closure = ["grpc/testing/empty.proto", "grpc/testing/messages.proto", "grpc/testing/test.proto"]
    expect(sorted(names(file_by_filename="grpc/testing/test.proto")), closure, "file")
    expect(sorted(names(file_containing_symbol="grpc.testing.TestService")), closure, "service")
    expect(sorted(names(file_containing_symbol="grpc.testing.TestService.EmptyCall")), closure, "method")
    expect(names(file_containing_symbol="grpc.testing.SimpleRequest"), closure[1:2], "message")
    expect(ask(all_extension_numbers_of_type="grpc.testing.SimpleRequest").all_extension_numbers_response.base_type_name,
           "grpc.testing.SimpleRequest", "extensions")
    extension = messages.ExtensionRequest(containing_type="grpc.testing.SimpleRequest", extension_number=100)
    for unknown in ({"file_by_filename": "nobody.proto"}, {"file_containing_symbol": "no.body"},
                    {"all_extension_numbers_of_type": "no.body"}, {"file_containing_extension": extension}):
        answer = ask(**unknown)
        expect(answer.error_response.error_code, NOT_FOUND, str(unknown))
        expect(answer.original_request, messages.ServerReflectionRequest(**unknown), "original request")


def cases(channel):
    return {
        "health_check": lambda: health_check(channel),
        "health_watch": lambda: health_watch(channel),
        "reflection_v1": lambda: reflection(channel, v1_grpc.ServerReflectionStub, v1),
        "reflection_v1alpha": lambda: reflection(channel, alpha_grpc.ServerReflectionStub, alpha),
    }
