namespace Sidecar.HotPaths;

/// <summary>Bytes that one operation may allocate, once warm; tests hold the daemon to it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BudgetAttribute(long bytes) : Attribute
{
    /// <summary>Of the daemon as it ships.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Of a debug build on top, where the compiler makes the state of each asynchronous method an object.</summary>
    public long BytesOfDebugBuild { get; init; }
}
