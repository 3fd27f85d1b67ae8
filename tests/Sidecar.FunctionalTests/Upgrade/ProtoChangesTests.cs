using Google.Protobuf.Reflection;
using NUnit.Framework;
using Field = Google.Protobuf.Reflection.FieldDescriptorProto.Types;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>The protos may grow; what was there stays, under its number and of its type.</summary>
internal sealed class ProtoChangesTests
{
    private static readonly object[] Breaks =
    [
        new object[] { "renumbered", (DescriptorProto type) => { type.Field[0].Number = 99; } },
        new object[] { "of another type", (DescriptorProto type) => { type.Field[0].Type = Field.Type.Sfixed64; } },
        new object[] { "renamed", (DescriptorProto type) => { type.Field[0].Name = "name"; } },
        new object[] { "repeated", (DescriptorProto type) => { type.Field[0].Label = Field.Label.Repeated; } },
        new object[] { "taken away", (DescriptorProto type) => type.Field.RemoveAt(0) },
        new object[] { "taken away, and its number used again", (DescriptorProto type) =>
        {
            type.ReservedName.Add(type.Field[0].Name);
            type.Field[0].Name = "other";
        } },
    ];

    [TestCase("older.binpb")]
    [TestCase("0.1.0.binpb")]
    public void Protos_SinceTheyWereRecorded_HaveOnlyGrown(string recorded)
    {
        var set = Files(recorded).ToList();
        Assert.That(set, Has.Count.GreaterThanOrEqualTo(4));
        Assert.That(set.SelectMany(file => ProtoChanges.Find(file, Today(file.Name))), Is.Empty);
    }

    [TestCaseSource(nameof(Breaks))]
    public void Field_Changed_IsFound(string how, Action<DescriptorProto> change)
    {
        var before = Recorded("staging.proto");
        for (var index = 0; index < before.MessageType.Count; index++)
        {
            if (before.MessageType[index].Field.Count == 0) continue;
            var now = before.Clone();
            // In a oneof the first field becomes another one's; that is found all the same.
            change(now.MessageType[index]);
            Assert.That(ProtoChanges.Find(before, now), Is.Not.Empty, $"{before.MessageType[index].Name}: {how}");
        }
    }

    [Test]
    public void EnumValueOrMethod_Changed_IsFound()
    {
        var before = Recorded("imports.proto");
        var renumbered = before.Clone();
        renumbered.EnumType[0].Value[1].Number = 9;
        var streaming = before.Clone();
        streaming.Service[0].Method[0].ServerStreaming ^= true;
        Assert.That(ProtoChanges.Find(before, renumbered).Count(), Is.EqualTo(1));
        Assert.That(ProtoChanges.Find(before, streaming).Count(), Is.EqualTo(1));
    }

    [Test]
    public void Field_TakenAwayAndReserved_IsAllowed()
    {
        var before = Recorded("peers.proto");
        var now = before.Clone();
        var type = now.MessageType.Single(message => message.Name == "Commit");
        type.ReservedName.Add(type.Field[0].Name);
        var number = type.Field[0].Number;
        type.ReservedRange.Add(new DescriptorProto.Types.ReservedRange { Start = number, End = number + 1 });
        type.Field.RemoveAt(0);
        Assert.That(ProtoChanges.Find(before, now), Is.Empty);
    }

    private static FileDescriptorProto Today(string name) => FileDescriptorProto.Parser.ParseFrom(
        RecordedMessages.Today.Append(Glance.Sidecar.V1.OperationsReflection.Descriptor)
            .Single(file => file.Name == name).SerializedData);

    private static FileDescriptorProto Recorded(string proto) => Files("0.1.0.binpb")
        .Single(file => Path.GetFileName(file.Name) == proto);

    // Google's own files are in the set too, for readers that know nothing.
    private static IEnumerable<FileDescriptorProto> Files(string name) => FileDescriptorSet.Parser
        .ParseFrom(File.ReadAllBytes(Path.Combine(RecordedMessages.Directory, "wire", name))).File
        .Where(file => file.Package.StartsWith("glance.", StringComparison.Ordinal));
}
