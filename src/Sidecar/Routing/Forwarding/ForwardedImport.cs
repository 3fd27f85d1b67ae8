using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// One RunImport that runs at the owner. It has an import id before it is forwarded, so that a broken connection
/// attaches again to what runs there; an owner that was restarted runs it again under that id.
/// </summary>
internal sealed class ForwardedImport(
    RunImportRequest request, IServerStreamWriter<ImportEvent> responses, ServerCallContext caller,
    StreamForwarder streams, ForwardMark mark, OwnerMemory memory, OutputFetcher fetcher)
{
    private readonly ResourceId _import = ResourceId.Import(ImportIds.Parse(request.ImportId));
    private StreamedCall? _stream;
    private Glance.Sidecar.V1.Import? _succeeded;

    private StreamedCall Stream => _stream ??= new StreamedCall(
        "RunImport", _import, caller,
        $"Import {_import.Id} may still run there: run it again by the same id to attach to it.");

    /// <summary>Passes on the owner's events up to the last one.</summary>
    /// <exception cref="RpcException">What the owner answered; also that it has no such image any more.</exception>
    public async Task<bool> RunAsync(Peer owner)
    {
        // Wherever the output is wanted, to the owner it stays where it is.
        var request = Forwarded();
        await streams.CopyAsync(
            Stream, owner, (peer, options) => Task.FromResult(peer.Imports.RunImport(request, options)),
            message => PassOnAsync(owner, message), () => false);
        if (_succeeded is { } import) await fetcher.RunAsync(owner, import, responses, caller.CancellationToken);
        return true;
    }

    private RunImportRequest Forwarded()
    {
        var forwarded = request.Clone();
        forwarded.Forwarded = mark.Message();
        forwarded.OutputPlacement = OutputPlacement.StayWithOwner;
        return forwarded;
    }

    private Task PassOnAsync(Peer owner, ImportEvent message)
    {
        // From now on another caller of this pod, who wants to cancel it, finds it at once.
        memory.Remember(_import, owner.Name);
        // What is only made on its way to a store is nothing that could be brought.
        if (request.OutputPlacement == OutputPlacement.BringHere && message.Import.Result is { Deferred: false }
            && message.Import.State == Glance.Sidecar.V1.Import.Types.State.Succeeded)
        {
            // For the caller it has succeeded when the output is here.
            _succeeded = message.Import;
            return Task.CompletedTask;
        }

        return responses.WriteAsync(message, caller.CancellationToken);
    }
}
