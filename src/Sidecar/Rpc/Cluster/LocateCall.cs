using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Locating;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Cluster;

/// <summary>The Locate call: which pods have an image, or an import.</summary>
internal sealed class LocateCall(LocalTable local, Locator locator, ForwardMark mark, IOptions<PeersOptions> options)
{
    // Somebody wants to see all copies: those that answer at all are waited for.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    public async Task<LocateResponse> RunAsync(LocateRequest request, ServerCallContext caller)
    {
        var subject = ToSubject(request);
        IReadOnlyList<Copy> here = local.Find(subject) is { } copy ? [copy] : [];
        if (mark.IsOn(request.Forwarded, caller)) return ToMessage(here, 0);
        var outcome = options.Value.Enabled
            ? await locator.AskAllAsync(subject, Grace, caller)
            : new LocateOutcome([], 0, [], null);
        if (here.Count + outcome.Copies.Count > 0) return ToMessage(here.Concat(outcome.Copies), outcome.Asked);
        throw outcome.Silent.Count > 0 ? Locator.Incomplete(subject, outcome) : Locator.NotFound(subject, outcome.Asked);
    }

    private static ResourceId ToSubject(LocateRequest request) => request.SubjectCase switch
    {
        LocateRequest.SubjectOneofCase.ImageId => ResourceId.Image(ImageId.Parse(request.ImageId)),
        LocateRequest.SubjectOneofCase.ImportId => ResourceId.Import(ImportIds.Parse(request.ImportId)),
        LocateRequest.SubjectOneofCase.None => throw new StagingException(
            StagingError.InvalidRequest, "Locate needs an image id or an import id."),
    };

    private static LocateResponse ToMessage(IEnumerable<Copy> copies, int asked)
    {
        var newestFirst = copies.ToList();
        newestFirst.Sort(Copy.NewestFirst);
        return new LocateResponse
        {
            Locations =
            {
                newestFirst.Select(copy => new Location
                {
                    Owner = copy.Owner, CommittedAt = copy.CommittedAt.ToTimestamp(), Size = (ulong)copy.Size,
                }),
            },
            PeersAsked = (uint)asked,
        };
    }
}
