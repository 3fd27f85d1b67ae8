namespace Grpc.Telemetry;

/// <summary>What OpenTelemetry is to listen to for the calls of this assembly's servers and clients.</summary>
public static class GrpcTelemetry
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "Grpc";

    /// <summary>Event id of the log line that says that a call was refused, with its status.</summary>
    public const int CallRefusedEvent = 1908;
}
