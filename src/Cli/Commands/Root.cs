using System.CommandLine;
using System.CommandLine.Help;
using Stagectl.Commands.Core;
using Stagectl.Commands.Images;
using Stagectl.Commands.Importing;
using Stagectl.Commands.Pod;

namespace Stagectl.Commands;

/// <summary>All commands, in the order in which an image meets them.</summary>
internal static class Root
{
    private const string Description =
        "Talks to a Glance staging sidecar: uploads images, imports them, reads them back.";

    public static RootCommand Create(GlobalOptions globals)
    {
        var root = new RootCommand(Description);
        var runner = new CommandRunner(globals);
        globals.AddTo(root);
        foreach (var create in All) root.Add(create(runner));
        runner.AddExamples(
            root,
            "id=$(stagectl put disk.qcow2) && stagectl import $id && stagectl get $id -o copy.qcow2",
            "stagectl --server http://127.0.0.1:9393 status",
            "stagectl ls --json | jq -r .imageId");
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!, runner.Examples);
        return root;
    }

    private static Func<CommandRunner, Command>[] All =>
    [
        PutCommand.Create,
        GetCommand.Create,
        ListCommand.Create,
        ShowCommand.Create,
        RemoveCommand.Create,
        UploadsCommand.Create,
        AbortCommand.Create,
        AdoptCommand.Create,
        ImportCommand.Create,
        ImportsCommand.Create,
        CancelCommand.Create,
        ReleaseCommand.Create,
        PeersCommand.Create,
        StatusCommand.Create,
        HealthCommand.Create,
        TopCommand.Create,
        LogLevelCommand.Create,
        DrainCommand.Create,
    ];
}
