namespace Sidecar.Import.Disks;

/// <summary>How reading from an NBD server ended before its time.</summary>
internal enum NbdFault
{
    /// <summary>The server hung up: its end tells why.</summary>
    Lost,

    /// <summary>It said what no server says.</summary>
    Violated,

    /// <summary>It told an error, mostly that it cannot read some of the disk.</summary>
    Refused,
}

/// <summary>The server of a disk failed. The text is for the log: some of it may be the server's own.</summary>
internal sealed class NbdException(NbdFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public NbdFault Fault { get; } = fault;

    public static NbdException Violated(string what) => new(NbdFault.Violated, $"It does not keep to the protocol: {what}.");
}
