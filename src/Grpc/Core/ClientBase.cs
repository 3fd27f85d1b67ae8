using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>What every generated client is.</summary>
[SuppressMessage("Design", "CA1052", Justification = "generated clients derive from it")]
public abstract class ClientBase
{
    private readonly CallInvoker? _callInvoker;

    /// <summary>For test doubles, which override every call.</summary>
    protected ClientBase()
    {
    }

    protected ClientBase(CallInvoker callInvoker)
    {
        ArgumentNullException.ThrowIfNull(callInvoker);
        _callInvoker = callInvoker;
    }

    protected ClientBase(ClientBaseConfiguration configuration)
        : this(configuration?.CallInvoker ?? throw new ArgumentNullException(nameof(configuration)))
    {
    }

    protected CallInvoker CallInvoker => _callInvoker
        ?? throw new InvalidOperationException("This client was made without a channel.");

    /// <summary>What a client passes on to a copy of itself.</summary>
    protected internal sealed class ClientBaseConfiguration
    {
        internal ClientBaseConfiguration(CallInvoker callInvoker) => CallInvoker = callInvoker;

        internal CallInvoker CallInvoker { get; }
    }
}
