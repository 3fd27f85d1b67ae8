using System.Reflection;
using System.Reflection.Emit;
using NUnit.Framework;

namespace Sidecar.Tests;

/// <summary>
/// Walks every type of the production assembly and follows what its members mention, so that a slice that starts to
/// use another one it must not know fails here, and so do two folders that use each other.
/// </summary>
internal sealed class LayeringTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Configuration"] = [],
        ["Telemetry"] = ["Configuration", "Grpc"], // the names of statuses, and metadata: it measures calls
        ["Background"] = ["Configuration", "Telemetry"],
        ["Staging"] = ["Configuration", "Telemetry", "Background"],
        ["Import"] = ["Configuration", "Telemetry", "Background", "Staging"],
        ["Peers"] = ["Configuration", "Telemetry", "Background", "Staging", "Generated", "Grpc"],
        ["Routing"] = ["Configuration", "Telemetry", "Background", "Staging", "Import", "Peers", "Generated", "Grpc"],
        ["Draining"] = ["Telemetry", "Background", "Staging", "Import", "Peers", "Routing", "Stores", "Generated", "Grpc"],
        ["Stores"] = ["Configuration", "Telemetry", "Staging", "Import", "Routing"],
        ["Downloads"] = ["Configuration", "Telemetry", "Staging"],
        ["Ingest"] = ["Configuration", "Telemetry", "Staging", "Routing"],
        ["Rpc"] =
            ["Configuration", "Telemetry", "Background", "Staging", "Import", "Peers", "Routing", "Draining", "Stores", "Downloads",
             "Ingest", "Generated", "Grpc"],
        ["Hosting"] =
            ["Configuration", "Telemetry", "Background", "Staging", "Import", "Peers", "Routing", "Draining", "Stores", "Downloads",
             "Ingest", "Rpc", "Webhook", "Grpc", "Generated"],
        ["Webhook"] = ["Configuration", "Telemetry", "Background"],
    };

    private static readonly Dictionary<short, OpCode> Instructions = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(instruction => instruction.Value);

    private static readonly HashSet<short> Followed = [.. from instruction in (OpCode[])
        [OpCodes.Call, OpCodes.Callvirt, OpCodes.Newobj, OpCodes.Ldfld, OpCodes.Stfld, OpCodes.Ldsfld, OpCodes.Ldtoken]
        select instruction.Value];

    private static readonly Lazy<IReadOnlyList<Arrow>> All = new(() => [.. typeof(Sidecar.Staging.StagingArea).Assembly.GetTypes()
        .Where(type => SliceOf(type) is { } slice && slice != "Generated")
        .SelectMany(type => Mentioned(type).Select(other => new Arrow(type, other)))
        .Where(arrow => SliceOf(arrow.To) is not null)]);

    [Test]
    public void Types_OfASlice_MentionOnlyAllowedSlices()
    {
        var arrows = All.Value.Where(arrow => SliceOf(arrow.From) != SliceOf(arrow.To)).ToList();
        Assert.That(arrows.Select(arrow => (SliceOf(arrow.From), SliceOf(arrow.To))), Does.Contain(("Rpc", "Grpc")),
            "the walk itself must find something");
        var forbidden = arrows.Where(arrow => !Allowed[SliceOf(arrow.From)!].Contains(SliceOf(arrow.To)))
            .Select(arrow => $"{arrow.From.FullName} -> {arrow.To.FullName}").Distinct();
        Assert.That(forbidden, Is.Empty);
    }

    [Test]
    public void Folders_OfTheAssembly_FormNoCycle()
    {
        var arrows = All.Value.Where(arrow => IsOurs(arrow.To) && arrow.From.Namespace != arrow.To.Namespace).ToList();
        var uses = arrows.ToLookup(arrow => arrow.From.Namespace!, arrow => arrow.To.Namespace!);
        Assert.That(uses["Sidecar.Staging"], Does.Contain("Sidecar.Staging.Uploads"), "the walk itself must find something");
        var reached = uses.ToDictionary(folder => folder.Key, folder => Reached(folder.Key, uses));
        var cyclic = arrows.Where(arrow => reached.TryGetValue(arrow.To.Namespace!, out var onward) && onward.Contains(arrow.From.Namespace!))
            .Select(arrow => $"{arrow.From.FullName} -> {arrow.To.FullName}").Distinct().Order();
        Assert.That(cyclic, Is.Empty, "each of these is part of a cycle between folders");
    }

    [Test]
    public void Types_OfTheAssembly_AllBelongToASlice()
    {
        var strays = typeof(Sidecar.Staging.StagingArea).Assembly.GetTypes()
            .Where(type => type.Namespace?.StartsWith("Sidecar", StringComparison.Ordinal) == true)
            .Where(type => SliceOf(type) is not { } slice || !Allowed.ContainsKey(slice))
            .Select(type => type.FullName);
        Assert.That(strays, Is.Empty);
    }

    private static HashSet<string> Reached(string start, ILookup<string, string> uses)
    {
        var seen = new HashSet<string>();
        var open = new Stack<string>([start]);
        while (open.TryPop(out var folder))
        {
            foreach (var next in uses[folder].Where(seen.Add)) open.Push(next);
        }

        return seen;
    }

    private static bool IsOurs(Type type) => SliceOf(type) is { } slice && Allowed.ContainsKey(slice);

    private static string? SliceOf(Type type)
    {
        var parts = (type.Namespace ?? "").Split('.');
        if (type.Assembly.GetName().Name!.StartsWith("Grpc.", StringComparison.Ordinal)) return "Grpc";
        if (type.Assembly != typeof(Sidecar.Staging.StagingArea).Assembly) return null;
        if (parts[0] == "Glance") return "Generated";
        return parts is ["Sidecar", var slice, ..] ? slice : null;
    }

    private static IEnumerable<Type> Mentioned(Type type)
    {
        var members = type.GetFields(Everything).Select(field => field.FieldType)
            .Concat(type.GetProperties(Everything).Select(property => property.PropertyType))
            .Concat(type.GetMethods(Everything).Select(method => method.ReturnType))
            .Concat(type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything))
                .SelectMany(InBody))
            .Concat(type.GetInterfaces());
        return (type.BaseType is { } parent ? members.Append(parent) : members).SelectMany(Parts);
    }

    private static IEnumerable<Type> InBody(MethodBase method)
    {
        foreach (var parameter in method.GetParameters()) yield return parameter.ParameterType;
        if (method.GetMethodBody() is not { } body) yield break;
        foreach (var local in body.LocalVariables) yield return local.LocalType;
        foreach (var type in CalledTypes(method, body.GetILAsByteArray() ?? [])) yield return type;
    }

    // Instruction by instruction: constants among them may have the bytes of a token, of whatever type has that number in this build.
    private static IEnumerable<Type> CalledTypes(MethodBase method, byte[] code)
    {
        for (var i = 0; i < code.Length;)
        {
            var value = code[i] == 0xFE ? (short)((code[i++] << 8) | code[i++]) : code[i++];
            if (Followed.Contains(value) && Resolve(method, BitConverter.ToInt32(code, i)) is { } type) yield return type;
            i += OperandBytes(Instructions[value].OperandType, code, i);
        }
    }

    private static int OperandBytes(OperandType operand, byte[] code, int at) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };

    private static Type? Resolve(MethodBase method, int token)
    {
        try
        {
            var arguments = method is ConstructorInfo ? null : method.GetGenericArguments();
            var member = method.Module.ResolveMember(token, method.DeclaringType?.GetGenericArguments(), arguments);
            return member as Type ?? member?.DeclaringType;
        }
        catch (Exception notAToken) when (notAToken is ArgumentException or BadImageFormatException)
        {
            return null;
        }
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }

    private sealed record Arrow(Type From, Type To);
}
