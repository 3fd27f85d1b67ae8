using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Grpc.Reflection;

/// <summary>Every .proto file behind the mapped services, indexed by what it declares.</summary>
internal sealed class ReflectedFiles
{
    private readonly Dictionary<string, FileDescriptor> _byName = [];
    private readonly Dictionary<string, FileDescriptor> _bySymbol = [];
    private readonly Dictionary<(string Type, int Number), FileDescriptor> _byExtension = [];

    public ReflectedFiles(IEnumerable<FileDescriptor> roots)
    {
        foreach (var root in roots)
            Add(root);
    }

    public FileDescriptor? ByName(string name) => _byName.GetValueOrDefault(name);

    /// <param name="symbol">The full name of a message, enum, service, method, field, enum value or extension.</param>
    public FileDescriptor? BySymbol(string symbol) => _bySymbol.GetValueOrDefault(symbol.TrimStart('.'));

    public FileDescriptor? ByExtension(string type, int number) => _byExtension.GetValueOrDefault((type, number));

    /// <summary>Null when the type is not known at all.</summary>
    public IReadOnlyList<int>? ExtensionsOf(string type) => _bySymbol.ContainsKey(type)
        ? [.. _byExtension.Keys.Where(key => key.Type == type).Select(key => key.Number).Order()]
        : null;

    /// <summary>The file and everything that it imports, each once and after its own imports.</summary>
    public static IReadOnlyList<ByteString> WithImports(FileDescriptor file)
    {
        List<ByteString> protos = [];
        Collect(file, [], protos);
        return protos;
    }

    private static void Collect(FileDescriptor file, HashSet<string> seen, List<ByteString> protos)
    {
        if (!seen.Add(file.Name))
            return;

        foreach (var import in file.Dependencies)
            Collect(import, seen, protos);

        protos.Add(file.SerializedData);
    }

    private void Add(FileDescriptor file)
    {
        if (!_byName.TryAdd(file.Name, file))
            return;

        foreach (var import in file.Dependencies)
            Add(import);
        foreach (var service in file.Services)
        {
            _bySymbol[service.FullName] = file;
            foreach (var method in service.Methods)
                _bySymbol[method.FullName] = file;
        }

        Add(file, file.MessageTypes, file.EnumTypes, file.Extensions);
    }

    private void Add(
        FileDescriptor file,
        IEnumerable<MessageDescriptor> messages,
        IEnumerable<EnumDescriptor> enums,
        ExtensionCollection extensions)
    {
        foreach (var @enum in enums)
        {
            _bySymbol[@enum.FullName] = file;
            foreach (var value in @enum.Values)
                _bySymbol[value.FullName] = file;
        }

        foreach (var extension in extensions.UnorderedExtensions)
        {
            _bySymbol[extension.FullName] = file;
            _byExtension[(extension.ExtendeeType.FullName, extension.FieldNumber)] = file;
        }

        foreach (var message in messages)
            Add(file, message);
    }

    private void Add(FileDescriptor file, MessageDescriptor message)
    {
        _bySymbol[message.FullName] = file;
        foreach (var field in message.Fields.InDeclarationOrder())
            _bySymbol[field.FullName] = file;
        foreach (var oneof in message.Oneofs)
            _bySymbol[oneof.FullName] = file;

        Add(file, message.NestedTypes, message.EnumTypes, message.Extensions);
    }
}
