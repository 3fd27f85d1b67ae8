namespace Sidecar.Import.Inspection.Core;

/// <summary>What a caller learns about an image that was not refused.</summary>
/// <param name="DiskFormat">As Glance names it; empty while more bytes are needed to tell.</param>
/// <param name="Compression">Empty when the bytes are not compressed, so far as can be told.</param>
/// <param name="VirtualSize">Bytes that a guest would see; 0 where that is not known.</param>
internal readonly record struct ImageView(string DiskFormat, string Compression, long VirtualSize);
