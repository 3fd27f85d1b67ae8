using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using Sidecar.Import;
using Sidecar.Import.Conversion;
using Sidecar.Import.Settings;
using Sidecar.Import.Stages;

namespace Sidecar.Tests.Import;

internal sealed class ImportOptionsTests
{
    [Test]
    public void Defaults_AreValidAndGlances()
    {
        var options = Bind();

        Assert.That(options.ResolvePlugins(), Is.EqualTo(new[] { "image_decompression", "image_conversion" }));
        Assert.That(options.ResolveDigests(), Is.EqualTo(new[] { "md5", "sha512" }));
        Assert.That(options.Metadata.ResolveIgnoreUserRoles(), Is.EqualTo(new[] { "admin" }));
        Assert.That(options.Conversion.OutputFormat, Is.EqualTo("raw"));
    }

    [Test]
    public void Bind_Everything_IsRead()
    {
        var options = Bind(
            ("Plugins:0", "image_conversion"), ("Metadata:Inject:os_type", "linux"), ("Tools:QemuImg", "/opt/qemu-img"),
            ("Conversion:Timeout", "00:10:00"), ("Metadata:IgnoreUserRoles:0", "service"));

        Assert.That(options.ResolvePlugins(), Is.EqualTo(new[] { "image_conversion" }));
        Assert.That(options.Metadata.Inject["os_type"], Is.EqualTo("linux"));
        Assert.That(options.Metadata.ResolveIgnoreUserRoles(), Is.EqualTo(new[] { "service" }));
        Assert.That(options.Tools.QemuImg, Is.EqualTo("/opt/qemu-img"));
        Assert.That(options.Conversion.Timeout, Is.EqualTo(TimeSpan.FromMinutes(10)));
    }

    [TestCase("Plugins:0", "no_op")]
    [TestCase("Digests:0", "crc32")]
    [TestCase("Conversion:OutputFormat", "vhd")]
    [TestCase("Conversion:Coroutines", "17")]
    [TestCase("Decompression:MaxRatio", "1")]
    [TestCase("Tools:QemuImg", "qemu-img")]
    [TestCase("Retention", "-1.00:00:00")]
    public void Validate_BadValue_NamesIt(string key, string value) => Assert.That(
        () => Bind((key, value)), Throws.InstanceOf<OptionsValidationException>()
            .With.Message.Contains($"Import:{key.Split(":0")[0]} is '{value}'"));

    [Test]
    public void Plugins_AllowedNames_AreTheRegisteredStages()
    {
        var options = new OptionsWrapper<ImportOptions>(new ImportOptions());
        string[] names =
        [
            InspectionStage.StageName, DecompressionStage.StageName, ConversionStage.StageName,
            SignatureStage.StageName, new MetadataStage(options).Name, ChecksumStage.StageName,
        ];

        Assert.That(() => Bind([.. names.Select((name, i) => ($"Plugins:{i}", name))]), Throws.Nothing);
    }

    private static ImportOptions Bind(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            settings.ToDictionary(setting => $"Import:{setting.Key}", setting => (string?)setting.Value)).Build();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddImports();
        return services.BuildServiceProvider().GetRequiredService<IOptions<ImportOptions>>().Value;
    }
}
