using NUnit.Framework;
using Sidecar.Import.Disks;
using static Sidecar.Tests.Import.Disks.ScriptedNbdServer;

namespace Sidecar.Tests.Import.Disks;

/// <summary>What a program may say that an image has taken over: it ends the reading, and nothing else.</summary>
internal sealed class HostileServerTests
{
    // A block of data, one of holes and data, one of nothing, and a rest of data.
    private const int Rest = 1000;
    private const int Size = (3 * DiskMap.BlockBytes) + Rest;
    private const int Half = DiskMap.BlockBytes / 2;

    // Two requests for the map, and three reads.
    private const int BeforeReads = 3;
    private const int Requests = 5;

    private static readonly byte[] Data = Noise(DiskMap.BlockBytes);

    private static readonly byte[][] Good =
    [
        Handshake(Size), Status(0, (DiskMap.BlockBytes + Half, 0), (DiskMap.BlockBytes + Half, 3)), Status(1, (Rest, 0)),
        // Out of order, as they may come.
        Chunk(Nbd.ChunkHole, 1, [.. At(DiskMap.BlockBytes), .. Number((uint)Half)], isLast: false),
        Chunk(Nbd.ChunkData, 2, [.. At(3 * DiskMap.BlockBytes), .. Data[..Rest]]),
        Chunk(Nbd.ChunkData, 1, [.. At(DiskMap.BlockBytes + Half), .. Data[..Half]], isLast: false),
        Chunk(Nbd.ChunkNone, 1, []),
        Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data]),
    ];

    private static readonly (string Name, byte[][] Said)[] Greetings =
    [
        ("nothing", []),
        ("another protocol", ["HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()]),
        ("an old server", [[.. Number(Nbd.Greeting), .. Number(Nbd.OptionMagic), 0, 0]]),
        ("a reply that never ends", [Greeting, Reply(Nbd.OptionStructuredReply, Nbd.ReplyDone, new byte[5000])]),
        ("no structured replies", [Greeting, Reply(Nbd.OptionStructuredReply, Nbd.ReplyIsError | 1)]),
        ("a reply to another question", [Greeting, Reply(Nbd.OptionGo, Nbd.ReplyDone)]),
        ("no context", [Ready(), Reply(Nbd.OptionSetMetaContext, Nbd.ReplyDone)]),
        ("another context", [Ready(), Context("qemu:dirty-bitmap:x"), Reply(Nbd.OptionSetMetaContext, Nbd.ReplyDone)]),
        ("contexts for ever", [Ready(), .. Enumerable.Repeat(Context(), 100)]),
        ("no size", [Ready(), Context(), Reply(Nbd.OptionSetMetaContext, Nbd.ReplyDone), Reply(Nbd.OptionGo, Nbd.ReplyDone)]),
        ("a negative size", [Handshake(-1)]),
        ("information for ever",
            [Ready(), Context(), Reply(Nbd.OptionSetMetaContext, Nbd.ReplyDone),
                .. Enumerable.Repeat(Reply(Nbd.OptionGo, Nbd.ReplyInfo, [0, 3, 0]), 100)]),
    ];

    private static readonly (string Name, byte[] Said)[] Maps =
    [
        ("no extents", Status(0)),
        ("an extent of nothing", Status(0, (0, 0))),
        ("extents behind the end", Status(0, (Size, 0), (1, 0))),
        ("part of an extent", Chunk(Nbd.ChunkBlockStatus, 0, [0, 0, 0, 9, 0, 0, 0])),
        ("another context", Chunk(Nbd.ChunkBlockStatus, 0, [0, 0, 0, 8, .. Number(Size), 0, 0, 0, 0])),
        ("another question's answer", Status(7, (Size, 0))),
        ("an answer of gigabytes", Chunk(Nbd.ChunkBlockStatus, 0, [], length: 0xFFFFFFFC)),
        ("data", Chunk(Nbd.ChunkData, 0, [.. At(0), 1])),
        ("a second answer", [.. Chunk(Nbd.ChunkBlockStatus, 0, [0, 0, 0, 9, .. Number(Size), 0, 0, 0, 0], isLast: false), .. Status(0, (Size, 0))]),
        ("no answer", [1, 2, 3]),
    ];

    private static readonly (string Name, byte[] Said)[] Reads =
    [
        ("nothing", []),
        ("less than was asked", Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data[1..]])),
        ("nothing of what was asked", Chunk(Nbd.ChunkNone, 0, [])),
        ("more than was asked", Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data, 1])),
        ("gigabytes", Chunk(Nbd.ChunkData, 0, At(0), length: uint.MaxValue)),
        ("another place", Chunk(Nbd.ChunkData, 0, [.. At(1), .. Data])),
        ("the same place twice", [.. Chunk(Nbd.ChunkData, 0, [.. At(0), 1], isLast: false), .. Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data[1..]])]),
        ("no offset", Chunk(Nbd.ChunkData, 0, [0, 0, 0])),
        ("a hole of gigabytes", Chunk(Nbd.ChunkHole, 0, [.. At(0), .. Number(uint.MaxValue)])),
        ("a hole of nothing", Chunk(Nbd.ChunkHole, 0, [.. At(0), .. Number(0u)])),
        ("a hole with data", Chunk(Nbd.ChunkHole, 0, [.. At(0), .. Number(1u), 1])),
        ("nothing for ever", [.. Enumerable.Repeat(Chunk(Nbd.ChunkNone, 0, [], isLast: false), 50).SelectMany(bytes => bytes)]),
        ("a read that was not asked", Chunk(Nbd.ChunkData, 3, [.. At(0), .. Data])),
        ("a read that was never asked", Chunk(Nbd.ChunkData, ulong.MaxValue, [.. At(0), .. Data])),
        ("a read once more", [.. Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data]), .. Chunk(Nbd.ChunkData, 0, [.. At(0), .. Data])]),
        ("a map", Status(0, (Size, 0))),
        ("an unknown piece", Chunk(0x7FFF, 0, [.. At(0), .. Data])),
        ("a simple reply", [.. Number(0x67446698u), 0, 0, 0, 0, .. Number(0ul), .. Data]),
        ("an error without a number", Chunk(0x8001, 0, [0, 0])),
        ("an error with more text than there is", Chunk(0x8001, 0, [0, 0, 0, 5, 255, 255, 65])),
        ("an error of gigabytes", Chunk(0x8001, 0, [], length: uint.MaxValue)),
    ];

    [Test]
    public void Read_OfAGoodServer_IsTheDisk([Values(1, 2, 16)] int requests)
    {
        var expected = new byte[Size];
        Data.CopyTo(expected, 0);
        Data.AsSpan(0, Half).CopyTo(expected.AsSpan(DiskMap.BlockBytes + Half));
        Data.AsSpan(0, Rest).CopyTo(expected.AsSpan(3 * DiskMap.BlockBytes));

        Assert.That(ReadAll(Good, requests, waits: true), SameBytes.As(expected));
    }

    [TestCaseSource(nameof(Cases))]
    [CancelAfter(60_000)]
    public void Read_OfAHostileServer_EndsByItsFault(byte[][] said, bool waits)
    {
        Assert.That(() => ReadAll(said, 16, waits), Throws.TypeOf<NbdException>().With.Property("Fault").Not.EqualTo(NbdFault.Refused));
    }

    [Test]
    public void Read_ThatTheServerRefuses_TellsItsErrorOnOneLine()
    {
        byte[][] said = [.. Good[..3], Chunk(0x8001, 0, [0, 0, 0, 5, 0, 4, (byte)'a', (byte)'\n', 27, (byte)'b'])];

        Assert.That(
            () => ReadAll(said, 16, waits: true),
            Throws.TypeOf<NbdException>().With.Property("Fault").EqualTo(NbdFault.Refused)
                .And.Message.StartsWith("Input/output error: a").And.Message.Not.Contain("\n").And.Message.Not.Contain("\u001b"));
    }

    [Test]
    [CancelAfter(120_000)]
    public void Read_OfAServerThatLiesAtRandom_EndsByItsFaultOrWithADisk([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 100; round++)
        {
            var said = Good.Select(bytes => bytes.ToArray()).ToArray();
            // Whoever changes what comes before the reads does not know how many of them will be asked.
            var waits = random.Next(2) == 0;
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var part = waits ? said[random.Next(BeforeReads, said.Length)] : said[random.Next(BeforeReads)];
                // In the headers, as data is data.
                part[random.Next(Math.Min(part.Length, 100))] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                Assert.That(ReadAll(said, random.Next(1, 17), waits), Has.Length.LessThan(4 * Size));
            }
            catch (NbdException)
            {
                // As it should.
            }
        }
    }

    private static IEnumerable<TestCaseData> Cases() =>
    [
        .. Greetings.Select(one => new TestCaseData(one.Said, false).SetArgDisplayNames("greeting: " + one.Name)),
        .. Maps.Select(one => new TestCaseData(new[] { Good[0], one.Said }, false).SetArgDisplayNames("map: " + one.Name)),
        .. Reads.Select(one => new TestCaseData(new[] { Good[0], Good[1], Good[2], one.Said }, true).SetArgDisplayNames("read: " + one.Name)),
    ];

    // As the conversion does it, which does not believe the size either.
    private static byte[] ReadAll(byte[][] said, int requests, bool waits)
    {
        using var server = new ScriptedNbdServer(said, waits ? BeforeReads : said.Length, Requests);
        using var connection = NbdConnection.Open(server.Client);
        if (connection.Export.Size > 4L * Size) throw new NbdException(NbdFault.Violated, "It is too large.");
        using var reader = new DiskReader(connection, DiskMapReader.Read(connection), requests);
        var disk = new List<byte>();
        foreach (var piece in reader.Read()) disk.AddRange((piece.Data ?? new byte[piece.Length]).AsSpan(0, (int)piece.Length));
        return [.. disk];
    }

    private static byte[] Ready() => [.. Greeting, .. Reply(Nbd.OptionStructuredReply, Nbd.ReplyDone)];

    private static byte[] At(int offset) => Number((ulong)offset);

    private static byte[] Noise(int bytes)
    {
        var noise = new byte[bytes];
        new Random(3).NextBytes(noise);
        return noise;
    }
}
