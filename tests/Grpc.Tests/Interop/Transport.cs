namespace Grpc.Tests.Interop;

public enum Transport
{
    Plaintext,
    Tls,
}
