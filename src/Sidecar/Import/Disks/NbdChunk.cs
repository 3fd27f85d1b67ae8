namespace Sidecar.Import.Disks;

/// <summary>The header of a piece of an answer; nothing of it is checked but that it is no error.</summary>
/// <param name="Length">Bytes that follow.</param>
internal readonly record struct NbdChunk(ushort Type, bool IsLast, ulong Cookie, uint Length);
