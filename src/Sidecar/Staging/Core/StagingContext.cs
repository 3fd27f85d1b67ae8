
namespace Sidecar.Staging.Core;

/// <summary>What every part of the staging slice needs and none of them owns.</summary>
internal sealed record StagingContext(
    StagingOptions Options, StagingLayout Layout, StagingMetrics Metrics, TimeProvider Clock, ILogger Log,
    ValidateImage Validate, ForeseeDigests Foresee);
