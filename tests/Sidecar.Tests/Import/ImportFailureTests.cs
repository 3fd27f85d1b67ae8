using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

/// <summary>What the owner of an image reads of a failure.</summary>
internal sealed class ImportFailureTests
{
    private const string Path = "/var/lib/glance/staging/.sidecar/imports/x/x.raw";

    private static readonly Exception[] OfFiles =
    [
        new FileNotFoundException($"Could not find file '{Path}'."), new IOException($"read {Path}: Input/output error"),
        new UnauthorizedAccessException($"Access to the path '{Path}' is denied."), new InvalidOperationException(Path),
    ];

    [TestCaseSource(nameof(OfFiles))]
    public void FromException_ThatNamesAFileOfThePod_DoesNot(Exception exception)
    {
        var failure = ImportFailure.FromException(exception, "image_conversion");
        Assert.That(failure.Message, Does.Not.Contain(".sidecar").And.EndsWith("."));
        Assert.That(failure.Facts.Values, Has.None.Contains(".sidecar"));
    }
}
