namespace Sidecar.Import.Core;

/// <summary>As in the API. The names are in journals on disk: never rename one.</summary>
internal enum ImportState
{
    Queued = 1,
    Running = 2,
    Succeeded = 3,
    Failed = 4,
    Cancelled = 5,
}

/// <summary>As in the API. The names are in journals on disk: never rename one.</summary>
internal enum StageState
{
    Pending = 1,
    Running = 2,
    Succeeded = 3,

    /// <summary>There was nothing to do.</summary>
    Skipped = 4,
    Failed = 5,
}
