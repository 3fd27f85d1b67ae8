using Sidecar.Staging.Core;

namespace Sidecar.Staging.Space;

/// <summary>The real file system under the staging directory.</summary>
internal static class Volume
{
    /// <summary>What <c>statvfs</c> says, asked afresh each time.</summary>
    public static Func<VolumeSpace> Measure(StagingLayout layout)
    {
        return () =>
        {
            var drive = new DriveInfo(layout.Directory);
            return new VolumeSpace(drive.TotalSize, drive.AvailableFreeSpace);
        };
    }
}
