using Glance.Sidecar.V1;
using Stagectl.Output;
using Stagectl.Progress;

namespace Stagectl.Commands.Core;

/// <summary>One image, upload or import in full, for a person.</summary>
internal static class Sheets
{
    public static string Of(StagedImage image) => new FactSheet()
        .Add("Image", image.ImageId)
        .AddSize("Size", image.Size)
        .AddAll("Digests", image.Digests)
        .Add("Project", image.ProjectId)
        .Add("Origin", image.Origin.ToString())
        .AddTime("Committed", image.CommittedAt)
        .Add("Owner", image.Owner)
        .Add("Path", image.Path)
        .ToString();

    public static string Of(Upload upload) => new FactSheet()
        .Add("Image", upload.ImageId)
        .Add("State", upload.State.ToString())
        .Add("Size", upload.HasDeclaredSize ? $"{ByteText.Format(upload.DeclaredSize)} ({upload.DeclaredSize} bytes)" : "unknown")
        .AddSize("Received", upload.ReceivedOffset)
        .AddSize("Durable", upload.DurableOffset)
        .Add("Project", upload.ProjectId)
        .Add("Owner", upload.Owner)
        .AddTime("Started", upload.StartedAt)
        .AddTime("Last active", upload.LastActiveAt)
        .Add("Failure", upload.Failure)
        .ToString();

    public static string Of(Import import)
    {
        var sheet = new FactSheet()
            .Add("Import", import.ImportId)
            .Add("Image", import.ImageId)
            .Add("State", import.State.ToString())
            .AddTime("Created", import.CreatedAt)
            .AddTime("Started", import.StartedAt)
            .AddTime("Finished", import.FinishedAt)
            .Add("Owner", import.Owner);
        var name = "Stages";
        foreach (var stage in import.Stages)
        {
            sheet.Add(name, $"{stage.Name}: {StageText.Describe(stage, 0)}");
            name = "";
        }

        if (import.Result is { } result) Add(sheet, result);
        if (import.Failure is { } failure)
        {
            sheet.Add("Failure", $"{failure.Message} [{failure.Reason}]").Add("Failed stage", failure.Stage);
            sheet.AddAll("Facts", failure.Facts);
        }

        return sheet.ToString();
    }

    private static void Add(FactSheet sheet, ImportResult result) => sheet
        .Add("Format", $"{result.DiskFormat}, container {result.ContainerFormat}")
        .AddSize("Size", result.Size)
        .AddSize("Virtual size", result.VirtualSize)
        .AddAll("Digests", result.Digests)
        .AddAll("Properties", result.Properties)
        .Add("Signature", result.Signature switch
        {
            SignatureOutcome.OfOutput => "verified",
            SignatureOutcome.OfInput => "verified; the output is other bytes, which it does not fit",
            _ => "",
        })
        .Add("Output", result.OutputPath);
}
