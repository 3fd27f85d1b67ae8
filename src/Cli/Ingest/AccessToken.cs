using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>
/// The user's token, from a file or from the environment: the arguments of a process are there for everybody to read. A file is read
/// for each request, so that whoever sees a long upload outlive its token can put a new one there.
/// </summary>
internal sealed class AccessToken(string? file)
{
    public const string Variable = "OS_TOKEN";

    private const string Advice = "'openstack token issue -f value -c id' prints one.";

    /// <exception cref="CommandException">There is none, or it is none.</exception>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var text = file is null
            ? Environment.GetEnvironmentVariable(Variable)
            : await File.ReadAllTextAsync(file, cancellationToken);
        var token = text?.Trim() ?? "";
        if (token.Length == 0)
        {
            var where = file is null ? $"{Variable} is not set, and --token-file not given" : $"{file} is empty";
            throw new CommandException(Failure.Usage($"--via needs a token of Keystone: {where}. {Advice}"));
        }

        // It becomes a line of a request; and what is wrong with it is not shown, as it may be a password.
        if (!token.AsSpan().ContainsAnyExceptInRange('!', '~')) return token;
        throw new CommandException(Failure.Usage($"{file ?? Variable} holds no token, which is one word of ASCII. {Advice}"));
    }
}
