using Sidecar.Import.Processes;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Decompression.Core;

/// <summary>Starts a program that gets the file on standard input, up to where it is to be unpacked.</summary>
internal delegate Task<ChildFilter> StartFilter(Tool tool, IReadOnlyList<string> arguments, Extent input);
