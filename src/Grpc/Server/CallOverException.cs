namespace Grpc.Server;

/// <summary>A handler goes on writing after the deadline has ended its call.</summary>
internal sealed class CallOverException() : InvalidOperationException("The call is over: its status was sent.");
