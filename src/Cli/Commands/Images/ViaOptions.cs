using System.CommandLine;
using System.CommandLine.Parsing;
using Stagectl.Failures;
using Stagectl.Ingest;

namespace Stagectl.Commands.Images;

/// <summary>Options of <c>put</c> that send the image through Glance's own API, where the sidecar's ingest takes the bytes.</summary>
internal static class ViaOptions
{
    private static readonly Option<IngestAddress> Via = new("--via")
    {
        Description = "Stage through Glance's own API, by the URL at which users reach it, as its users may. Needs the sidecar's ingest "
            + "there, a token, and --id of an image that Glance has and that is queued.",
        HelpName = "URL",
        CustomParser = ParseAddress,
    };

    private static readonly Option<string> TokenFile = new("--token-file")
    {
        Description = $"With --via: file with the token of Keystone; read again for each request. Default: {AccessToken.Variable}.",
        HelpName = "FILE",
    };

    private static readonly Option<string> CaFile = new("--ca-file")
    {
        Description = $"With --via: authorities that may have signed the certificate, PEM. Default: {TrustedRoots.Variable}, else the "
            + "system's.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> AllowPlaintext = new("--allow-plaintext")
    {
        Description = "With --via: send token and image in clear to an http:// URL of another machine.",
    };

    private static readonly Option<bool> Resume = new("--resume")
    {
        Description = "With --via: go on with the upload of an earlier run, with the same file. Default: begin anew.",
    };

    public static void AddTo(Command command)
    {
        foreach (var option in (Option[])[Via, TokenFile, CaFile, AllowPlaintext, Resume]) command.Add(option);
    }

    /// <summary>Tells of options that do not go together.</summary>
    /// <param name="others">Those that only the sidecar's own API has.</param>
    public static void Check(CommandResult command, Option id, IEnumerable<string> others)
    {
        if (IsGiven(command, Via.Name))
        {
            foreach (var other in others.Where(name => IsGiven(command, name)))
            {
                command.AddError($"{other} is for the sidecar's own API, and has no meaning with {Via.Name}.");
            }

            if (!IsGiven(command, id.Name))
            {
                command.AddError($"{Via.Name} needs {id.Name}, the image that Glance made ('glance image-create' prints it).");
            }

            return;
        }

        foreach (var option in (Option[])[TokenFile, CaFile, AllowPlaintext, Resume])
        {
            if (IsGiven(command, option.Name)) command.AddError($"{option.Name} only has a meaning with {Via.Name}.");
        }
    }

    public static bool AreGiven(ParseResult parsed) => parsed.GetValue(Via) is not null;

    public static bool IsResume(ParseResult parsed) => parsed.GetValue(Resume);

    /// <exception cref="CommandException">The URL is in clear, and of another machine.</exception>
    public static IngestClient CreateClient(ParseResult parsed)
    {
        var address = parsed.GetRequiredValue(Via);
        if (!address.IsEncrypted && !address.IsLoopback && !parsed.GetValue(AllowPlaintext))
        {
            throw new CommandException(Failure.Usage(
                $"Over {address} everybody on the way could read the token and the image: use an https:// URL, or {AllowPlaintext.Name} "
                + "in a network that you trust."));
        }

        return new IngestClient(address, TrustedRoots.Load(parsed.GetValue(CaFile)), new AccessToken(parsed.GetValue(TokenFile)));
    }

    private static bool IsGiven(CommandResult command, string name) => command.GetResult(name) is OptionResult { Implicit: false };

    private static IngestAddress? ParseAddress(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (IngestAddress.TryParse(text, out var address)) return address;
        result.AddError($"'{text}' is not the URL of an image service: use {IngestAddress.Forms}.");
        return null;
    }
}
