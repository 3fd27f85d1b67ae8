namespace Glance.Tests.Bench;

/// <summary>What is measured, with units.</summary>
internal static class Figures
{
    public const string StageRate = "stage, MiB/s";
    public const string StageCpu = "stage, CPU s per GiB";
    public const string ImportRaw = "import of raw, s";
    public const string ImportRawCpu = "the same, CPU s ";
    public const string ImportQcow2 = "import of qcow2, s";
    public const string ImportQcow2Cpu = "the same, CPU s  ";
    public const string ImportPacked = "web-download of gzip'd qcow2, s";
    public const string ImportPackedCpu = "the same, CPU s";
    public const string Memory = "most memory meanwhile, MiB";
    public const string TwoStores = "import of raw into two stores, s";
    public const string TwoDisks = "import of qcow2 into two stores, s";
    public const string Stall = "longest answer meanwhile, ms";

    public static readonly string[] All =
        [StageRate, StageCpu, ImportRaw, ImportRawCpu, Memory, ImportQcow2, ImportQcow2Cpu, TwoStores, TwoDisks, ImportPacked, ImportPackedCpu, Stall];
}
