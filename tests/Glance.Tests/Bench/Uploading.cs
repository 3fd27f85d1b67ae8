namespace Glance.Tests.Bench;

/// <summary>What is measured of uploads through the API, with units.</summary>
internal static class Uploading
{
    public const string Rate = "stage, MiB/s";
    public const string Cpu = "stage, CPU s per GiB";
    public const string Stall = "longest answer meanwhile, ms";
    public const string Idle = "longest answer in three seconds without an upload, ms";
    public const string DiskRate = "stage of qcow2, MiB/s";
    public const string DiskCpu = "stage of qcow2, CPU s per GiB";
    public const string Rate16 = "16 at once, MiB/s";
    public const string Memory16 = "the sidecar's most memory with 16 at once, MiB";
    public const string Rate40 = "40 at once on 4 threads of Glance, MiB/s";
    public const string Stall40 = "longest answer meanwhile, ms ";

    public static readonly string[] All = [Rate, Cpu, Stall, Idle, DiskRate, DiskCpu, Rate16, Memory16, Rate40, Stall40];
}
