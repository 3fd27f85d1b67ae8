using Sidecar.Benchmarks;

// What pods cost each other, and what they do. Usage: Sidecar.Benchmarks locate [PEERS [one]] (one process for all) | forward [ROUNDS [MIB]] |
// telemetry [ROUNDS [MIB]] | unpack [ROUNDS [MIB]] | mixed [ROUNDS [MIB]] | libraries [ROUNDS [MIB]] | limit SOCKET (a server, for the uploads' table)
switch (args)
{
    case ["locate", .. var rest]:
        await LocateBench.RunAsync(rest is [var peers, ..] ? Numbers.Parse(peers) : 100, processes: rest is not [_, "one", ..]);
        return 0;
    case ["forward", .. var rest]:
        await ForwardBench.RunAsync(
            rest is [var rounds, ..] ? Numbers.Parse(rounds) : 5, rest is [_, var mib, ..] ? Numbers.Parse(mib) : 512);
        return 0;
    case ["telemetry", .. var rest]:
        await TelemetryBench.RunAsync(
            rest is [var turns, ..] ? Numbers.Parse(turns) : 5, rest is [_, var size, ..] ? Numbers.Parse(size) : 1024);
        return 0;
    case ["unpack", .. var rest]:
        await UnpackBench.RunAsync(
            rest is [var times, ..] ? Numbers.Parse(times) : 5, rest is [_, var length, ..] ? Numbers.Parse(length) : 512);
        return 0;
    case ["mixed", .. var rest]:
        await MixedBench.RunAsync(
            rest is [var passes, ..] ? Numbers.Parse(passes) : 3, rest is [_, var each, ..] ? Numbers.Parse(each) : 128);
        return 0;
    case ["libraries", .. var rest]:
        LibraryBench.Run(rest is [var again, ..] ? Numbers.Parse(again) : 5, rest is [_, var bytes, ..] ? Numbers.Parse(bytes) : 256);
        return 0;
    case ["limit", var socket]:
        await BareServer.RunAsync(socket);
        return 0;
    default:
        Console.Error.WriteLine(
            "usage: Sidecar.Benchmarks locate [PEERS [one]] | forward [ROUNDS [MIB]] | telemetry [ROUNDS [MIB]] "
            + "| unpack [ROUNDS [MIB]] | mixed [ROUNDS [MIB]] | libraries [ROUNDS [MIB]] | limit SOCKET");
        return 2;
}
