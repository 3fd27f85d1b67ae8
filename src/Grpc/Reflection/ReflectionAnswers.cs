using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Routing;
using Request = Grpc.Reflection.V1.ServerReflectionRequest;

namespace Grpc.Reflection;

/// <summary>
/// Answers reflection requests about the services that this server maps. They are looked up with the first request,
/// when all of them are mapped.
/// </summary>
internal sealed class ReflectionAnswers(EndpointDataSource endpoints)
{
    private readonly Lazy<(string[] Services, ReflectedFiles Files)> _known = new(() => Discover(endpoints));

    public ServerReflectionResponse Answer(Request request)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case Request.MessageRequestOneofCase.FileByFilename:
                SetFile(response, Files.ByName(request.FileByFilename), request.FileByFilename);
                break;
            case Request.MessageRequestOneofCase.FileContainingSymbol:
                SetFile(response, Files.BySymbol(request.FileContainingSymbol), request.FileContainingSymbol);
                break;
            case Request.MessageRequestOneofCase.FileContainingExtension:
                SetExtension(response, request.FileContainingExtension);
                break;
            case Request.MessageRequestOneofCase.AllExtensionNumbersOfType:
                SetExtensionNumbers(response, request.AllExtensionNumbersOfType);
                break;
            case Request.MessageRequestOneofCase.ListServices:
                SetServices(response);
                break;
            default:
                SetError(response, StatusCode.InvalidArgument, "The request asks for nothing that is known here.");
                break;
        }

        return response;
    }

    private ReflectedFiles Files => _known.Value.Files;

    private static (string[] Services, ReflectedFiles Files) Discover(EndpointDataSource endpoints)
    {
        var methods = endpoints.Endpoints
            .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>())
            .OfType<GrpcMethodMetadata>()
            .ToList();
        string[] services = [.. methods.Select(method => method.Method.ServiceName).Distinct().Order()];
        var files = methods.Select(method => method.Descriptor).OfType<ServiceDescriptor>().Select(found => found.File);
        return (services, new ReflectedFiles(files));
    }

    private static void SetFile(ServerReflectionResponse response, FileDescriptor? file, string asked)
    {
        if (file is null)
        {
            SetError(response, StatusCode.NotFound, $"'{asked}' is not known.");
            return;
        }

        response.FileDescriptorResponse = new FileDescriptorResponse();
        response.FileDescriptorResponse.FileDescriptorProto.AddRange(ReflectedFiles.WithImports(file));
    }

    private static void SetError(ServerReflectionResponse response, StatusCode code, string message) =>
        response.ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message };

    private void SetExtension(ServerReflectionResponse response, ExtensionRequest asked) => SetFile(
        response,
        Files.ByExtension(asked.ContainingType, asked.ExtensionNumber),
        $"{asked.ContainingType} extension {asked.ExtensionNumber}");

    private void SetExtensionNumbers(ServerReflectionResponse response, string type)
    {
        if (Files.ExtensionsOf(type) is not { } numbers)
        {
            SetError(response, StatusCode.NotFound, $"'{type}' is not known.");
            return;
        }

        response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = type };
        response.AllExtensionNumbersResponse.ExtensionNumber.AddRange(numbers);
    }

    private void SetServices(ServerReflectionResponse response)
    {
        response.ListServicesResponse = new ListServiceResponse();
        foreach (var name in _known.Value.Services)
            response.ListServicesResponse.Service.Add(new ServiceResponse { Name = name });
    }
}
