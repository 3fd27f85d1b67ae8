using System.CommandLine;

namespace Stagectl.Commands.Core;

/// <summary>Arguments and options that several commands take in the same way.</summary>
internal static class Symbols
{
    public static Argument<string> ImageId() => Uuid("IMAGE_ID", "The image.");

    public static Argument<string> ImportId() => Uuid("IMPORT_ID", "The import.");

    public static Argument<string[]> ImageIds() => new("IMAGE_ID")
    {
        Description = "The images.",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = Parsers.Uuids,
    };

    public static Argument<string> Optional(Argument<string> argument)
    {
        argument.Arity = ArgumentArity.ZeroOrOne;
        argument.DefaultValueFactory = _ => "";
        return argument;
    }

    public static Option<string> UuidOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "UUID",
        CustomParser = Parsers.Uuid,
    };

    public static Option<Dictionary<string, string>> Digest(string description) => new("--digest")
    {
        Description = description,
        HelpName = "ALGORITHM=HEX",
        Arity = ArgumentArity.ZeroOrMore,
        CustomParser = Parsers.Digests,
        DefaultValueFactory = _ => [],
    };

    public static Option<TimeSpan?> RetryFor() => new("--retry-for")
    {
        Description = "Go on trying this long without progress when the connection breaks. Default: 1m, but not when "
            + "the sidecar never answered; given, it is waited for then too.",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
    };

    public static Option<string> Word(string name, string description, string valueName) => new(name)
    {
        Description = description, HelpName = valueName, DefaultValueFactory = _ => "",
    };

    private static Argument<string> Uuid(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = Parsers.Uuid,
    };
}
