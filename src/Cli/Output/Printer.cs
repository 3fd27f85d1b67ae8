using System.Text.Json.Nodes;
using Google.Protobuf;
using Stagectl.Failures;

namespace Stagectl.Output;

/// <summary>
/// What a command says. Results go to standard output and nothing else does, so that they can be piped; notes and
/// errors go to standard error. With --json both speak JSON, one document a line.
/// </summary>
internal sealed class Printer(bool json, bool quiet)
{
    public bool Json => json;

    public bool Quiet => quiet;

    /// <summary>One result: its JSON, or the text for a person.</summary>
    public void Result(IMessage message, Func<string> text) => Result(() => ProtoJson.Node(message), text);

    /// <inheritdoc cref="Result(IMessage,Func{string})"/>
    public void Result(Func<JsonNode> document, Func<string> text) =>
        Console.Out.WriteLine(json ? document().ToJsonString(ProtoJson.Options) : text());

    /// <summary>A list: a JSON document a line, or a table.</summary>
    public void List<T>(IEnumerable<T> items, TextTable table, Func<T, string[]> row)
        where T : IMessage
    {
        if (json)
        {
            foreach (var item in items) Result(item, () => "");
            return;
        }

        foreach (var item in items) table.Add(row(item));
        Console.Out.Write(table.ToString());
    }

    /// <summary>Something that a person may like to know.</summary>
    public void Note(string text)
    {
        if (!quiet) Console.Error.WriteLine(json ? Wrap("note", JsonValue.Create(text)) : text);
    }

    public void Progress(IMessage progress)
    {
        if (!quiet) Console.Error.WriteLine(Wrap("progress", ProtoJson.Node(progress)));
    }

    public void Fail(Failure failure) => Console.Error.WriteLine(
        json ? Wrap("error", ErrorNode(failure)) : $"stagectl: {OneLine(failure.Message)}{ReasonSuffix(failure)}");

    private static string Wrap(string name, JsonNode content) =>
        new JsonObject { [name] = content }.ToJsonString(ProtoJson.Options);

    private static JsonObject ErrorNode(Failure failure)
    {
        var facts = new JsonObject();
        foreach (var (name, value) in failure.Facts) facts[name] = value;
        return new JsonObject
        {
            ["code"] = failure.Code,
            ["reason"] = failure.Reason,
            ["message"] = failure.Message,
            ["facts"] = facts,
        };
    }

    private static string ReasonSuffix(Failure failure) =>
        $" [{(failure.Reason.Length > 0 ? failure.Reason : failure.Code)}]";

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
