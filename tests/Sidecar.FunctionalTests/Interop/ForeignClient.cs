namespace Sidecar.FunctionalTests.Interop;

/// <summary>A client library of others.</summary>
internal enum ForeignClient
{
    Grpcio,
    Cpp,
    GrpcJs,
}
