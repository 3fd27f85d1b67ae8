using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Background;
using Sidecar.Import.Processes;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using DamagedRecord = Glance.Sidecar.V1.DamagedRecord;

namespace Sidecar.Rpc.Cluster;

/// <summary>What of this pod somebody should look after.</summary>
internal sealed class PodCondition(StagingLayout layout, LoopHealth loops, Sandbox sandbox)
{
    private const int MostRecords = 50;

    public Condition Look()
    {
        var damaged = DamagedRecords.List(layout, MostRecords);
        return new Condition
        {
            FailingLoops = { loops.Failing.Select(ToMessage) },
            DamagedRecordCount = (ulong)damaged.Count,
            DamagedRecords = { damaged.First.Select(ToMessage) },
            Confinement =
            {
                sandbox.DescribeLayers().Select(layer => new ConfinementLayer
                {
                    Mechanism = layer.Mechanism, Holds = layer.Holds, Missing = layer.Missing,
                }),
            },
        };
    }

    private static Glance.Sidecar.V1.FailingLoop ToMessage(Background.FailingLoop loop) => new()
    {
        Name = loop.Name, Since = loop.Since.ToTimestamp(), Failure = loop.Failure,
    };

    private static DamagedRecord ToMessage(Staging.Disk.DamagedRecord record) => new()
    {
        Name = record.Name, Why = record.Why, SetAsideAt = record.At?.ToTimestamp(),
    };
}
