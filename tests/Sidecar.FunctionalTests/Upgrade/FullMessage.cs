using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>Makes messages in which every field has a value that is not its default.</summary>
internal static class FullMessage
{
    /// <param name="choice">Which field of each oneof is set.</param>
    public static IMessage Of(MessageDescriptor type, int choice)
    {
        var message = (IMessage)Activator.CreateInstance(type.ClrType)!;
        if (message is Timestamp timestamp) (timestamp.Seconds, timestamp.Nanos) = (1_700_000_000, 250_000_000);
        else foreach (var field in type.Fields.InFieldNumberOrder()) Fill(message, field, choice);
        return message;
    }

    private static void Fill(IMessage message, FieldDescriptor field, int choice)
    {
        if (field.RealContainingOneof is { } oneof && oneof.Fields[choice % oneof.Fields.Count] != field) return;
        if (field.IsMap)
        {
            ((IDictionary)field.Accessor.GetValue(message)).Add($"{field.Name} key", $"{field.Name} value");
        }
        else if (field.IsRepeated)
        {
            var list = (IList)field.Accessor.GetValue(message);
            list.Add(ValueOf(field, choice));
            list.Add(ValueOf(field, choice));
        }
        else
        {
            field.Accessor.SetValue(message, ValueOf(field, choice));
        }
    }

    private static object ValueOf(FieldDescriptor field, int choice) => field.FieldType switch
    {
        FieldType.Message => Of(field.MessageType, choice),
        FieldType.String => $"{field.Name} {field.FieldNumber}",
        FieldType.Bytes => ByteString.CopyFromUtf8(field.Name),
        FieldType.Bool => true,
        // The first that is no default: an older reader knows it too.
        FieldType.Enum => System.Enum.ToObject(field.EnumType.ClrType, field.EnumType.Values[1].Number),
        FieldType.Double => field.FieldNumber + 0.5,
        FieldType.Int32 => field.FieldNumber,
        FieldType.UInt32 or FieldType.Fixed32 => (uint)field.FieldNumber,
        FieldType.UInt64 => (ulong)field.FieldNumber << 40,
        var other => throw new NotSupportedException($"{field.FullName} is of type {other}: say here what fills it."),
    };
}
