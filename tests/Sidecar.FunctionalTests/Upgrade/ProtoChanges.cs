using Google.Protobuf.Reflection;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>
/// Finds what a change of the protos would break for a pod or a client of the version before. Additions break nothing;
/// what is taken away must be reserved, so that nobody uses its number for something else.
/// </summary>
internal static class ProtoChanges
{
    public static IEnumerable<string> Find(FileDescriptorProto before, FileDescriptorProto now)
    {
        var package = before.Package;
        if (now.Package != package) return [$"the package {package} became {now.Package}"];
        return
        [
            .. Messages(before.MessageType, now.MessageType, package),
            .. Enums(before.EnumType, now.EnumType, package),
            .. before.Service.SelectMany(
                service => Methods(service, now.Service.SingleOrDefault(other => other.Name == service.Name))),
        ];
    }

    private static IEnumerable<string> Messages(
        IEnumerable<DescriptorProto> before, IReadOnlyCollection<DescriptorProto> now, string scope) =>
        before.SelectMany(type => Message(
            type, now.SingleOrDefault(other => other.Name == type.Name), $"{scope}.{type.Name}"));

    private static IEnumerable<string> Message(DescriptorProto type, DescriptorProto? today, string name)
    {
        if (today is null) return [$"{name} is gone"];
        return
        [
            .. type.Field.Select(field => Field(field, type, today, name)).OfType<string>(),
            .. Messages(type.NestedType, today.NestedType, name),
            .. Enums(type.EnumType, today.EnumType, name),
        ];
    }

    // Null when it is as it was.
    private static string? Field(FieldDescriptorProto field, DescriptorProto type, DescriptorProto today, string scope)
    {
        var name = $"{scope}.{field.Name} = {field.Number}";
        if (today.Field.SingleOrDefault(other => other.Number == field.Number) is not { } other)
        {
            var reserved = today.ReservedRange.Any(range => range.Start <= field.Number && field.Number < range.End)
                && today.ReservedName.Contains(field.Name);
            return reserved ? null : $"{name} is gone, and its number or its name is not reserved";
        }

        if (other.Name != field.Name) return $"{name} became {other.Name}";
        if (other.Type != field.Type || other.TypeName != field.TypeName) return $"{name} has another type";
        if (other.Label != field.Label) return $"{name} is repeated, or is no longer";
        return Oneof(field, type) == Oneof(other, today) ? null : $"{name} is in another oneof";
    }

    private static string Oneof(FieldDescriptorProto field, DescriptorProto type) =>
        field.HasOneofIndex ? type.OneofDecl[field.OneofIndex].Name : "";

    private static IEnumerable<string> Enums(
        IEnumerable<EnumDescriptorProto> before, IReadOnlyCollection<EnumDescriptorProto> now, string scope) =>
        before.SelectMany(type => type.Value
            .Where(value => now.SingleOrDefault(other => other.Name == type.Name)?.Value
                .Any(other => other.Name == value.Name && other.Number == value.Number) != true)
            .Select(value => $"{scope}.{type.Name}.{value.Name} = {value.Number} is gone or has another number"));

    private static IEnumerable<string> Methods(ServiceDescriptorProto before, ServiceDescriptorProto? now) => before.Method
        .Where(method => now?.Method.Any(other => other.Name == method.Name
            && (other.InputType, other.OutputType) == (method.InputType, method.OutputType)
            && other.ClientStreaming == method.ClientStreaming && other.ServerStreaming == method.ServerStreaming) != true)
        .Select(method => $"{before.Name}.{method.Name} is gone or has another signature");
}
