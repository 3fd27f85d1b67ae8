using System.CommandLine;
using Grpc.Core;
using Grpc.Health.V1;
using Stagectl.Commands.Core;
using Stagectl.Failures;

namespace Stagectl.Commands.Pod;

/// <summary><c>health</c>: one line and an exit code, for probes.</summary>
internal static class HealthCommand
{
    // A slower answer counts as unhealthy.
    private static readonly TimeSpan RetryBackoff = TimeSpan.FromSeconds(5);

    private static readonly Argument<string> Service = new("SERVICE")
    {
        Description = "liveness: the process answers; readiness: it takes new work too. Default: readiness.",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => "readiness",
    };

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "health", "Says whether the sidecar is well: exit code 0, else 1, also when nobody answers.")
        {
            Service,
        };
        runner.AddExamples(command, "stagectl health", "stagectl health liveness --timeout 2s");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new HealthCheckRequest { Service = parsed.GetRequiredValue(Service) };
        var call = invocation.Call.WithDeadline(invocation.Deadline ?? DateTime.UtcNow + RetryBackoff);
        try
        {
            var health = await invocation.Client.Health.CheckAsync(request, call);
            if (health.Status != HealthCheckResponse.Types.ServingStatus.Serving) throw NotServing(request.Service);
            invocation.Output.Result(health, () => $"{request.Service}: serving");
        }
        catch (RpcException failure) when (invocation.Explain(failure) is { ExitCode: ExitCode.Unreachable } silence)
        {
            // Container engines know one exit code for "not well".
            throw new CommandException(silence with { ExitCode = ExitCode.Refused });
        }
    }

    private static CommandException NotServing(string service) => new(Failure.Refused(
        StatusCode.FailedPrecondition, "NOT_SERVING",
        $"{service}: not serving. See 'stagectl status', or /readyz of the ops listener, for the reason."));
}
