using System.Diagnostics;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>Starting, and refusing to start.</summary>
internal sealed class StartTests : SidecarTest
{
    private const int BudgetMiB = 40;

    private static readonly object[] WrongSettings =
    [
        new object[] { "--Staging:MaxImageBytes", "0", "Staging:MaxImageBytes is '0'; allowed: 1 to" },
        new object[] { "--Staging:MaxImageBytes", "many", "'many' at 'Staging:MaxImageBytes'" },
        new object[] { "--Staging:IdleTimeout", "00:00:00", "Staging:IdleTimeout is '00:00:00'; allowed: 00:00:01 to" },
        new object[] { "--Staging:Digests:0", "md4", "allowed: md5, sha1, sha256, sha512" },
        new object[] { "--Staging:Diretory", "/x", "Diretory" },
        new object[] { "--Hosting:LocalAddress", "0.0.0.0:9393", "Hosting:LocalAddress is '0.0.0.0:9393'; allowed: a loopback" },
        new object[] { "--Stagin:Directory", "/x", "'Stagin' is not a setting" },
        new object[] { "--Import:Conversion:OutputFormat", "vhd", "allowed: raw, qcow2, vmdk" },
        new object[] { "--Import:Plugins:0", "image_convert", "allowed: image_inspection" },
        new object[] { "--Import:Conversion:Timeot", "1", "Timeot" },
        new object[] { "--Peers:Static:0", "glance-1", "Peers:Static is 'glance-1'; allowed: name=host:port" },
        new object[] { "--Peers:Service", "glance.svc", "Peers:CertificateFile is ''; allowed: the absolute path" },
        new object[] { "--Ingest:Address", "127.0.0.1:0", "Ingest:Upstream is ''; allowed: where glance-api listens" },
        new object[] { "--Ingest:Address", "images.example:80", "Ingest:Address is 'images.example:80'; allowed: an absolute path" },
        new object[] { "--Ingest:Upstream", "http://127.0.0.1:9292/image", "allowed: an http URL without a path" },
        new object[] { "--config", "/nowhere.json", "/nowhere.json" },
        new object[] { "--Staging:Directory", "/proc/nothing", "/proc/nothing" },
    ];

    [TestCaseSource(nameof(WrongSettings))]
    public async Task Start_WrongSetting_EndsWithOneLineThatNamesIt(string key, string value, string expected)
    {
        using var directory = TestDirectory.Create();
        var (exit, output) = await RunAsync(
            "--Staging:Directory", directory.Staging, "--Hosting:SocketPath", directory["s"],
            "--Hosting:LocalAddress", "127.0.0.1:0", "--Hosting:OpsAddress", "127.0.0.1:0", key, value);
        Assert.That(exit, Is.EqualTo(2), output);
        Assert.That(output.Trim().Split('\n'), Has.Length.EqualTo(1), output);
        Assert.That(output, Does.StartWith("glance-staging-sidecar: ").And.Contain(expected));
    }

    [TestCase("*:0")]
    [TestCase("10.0.0.7:9292")]
    public async Task Start_IngestForOthersInClear_IsRefused(string address)
    {
        using var directory = TestDirectory.Create();
        var (exit, output) = await RunAsync(
            "--Staging:Directory", directory.Staging, "--Hosting:SocketPath", directory["s"], "--Hosting:LocalAddress", "127.0.0.1:0",
            "--Hosting:OpsAddress", "127.0.0.1:0", "--Ingest:Address", address, "--Ingest:Upstream", "http://127.0.0.1:1");
        Assert.That(exit, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain($"Ingest:Address is '{address}'; allowed: a Unix socket or a loopback address"));
    }

    // As every pod gets them for each Service of its namespace; these are called sidecar and sidecar-api.
    [TestCase("SIDECAR_SERVICE_HOST", true)]
    [TestCase("SIDECAR_SERVICE_PORT", true)]
    [TestCase("SIDECAR_SERVICE_PORT_GRPC_LOCAL", true)]
    [TestCase("SIDECAR_PORT", true)]
    [TestCase("SIDECAR_PORT_9393_TCP", true)]
    [TestCase("SIDECAR_PORT_9393_TCP_ADDR", true)]
    [TestCase("SIDECAR_API_SERVICE_HOST", true)]
    [TestCase("SIDECAR_API_PORT", true)]
    [TestCase("SIDECAR_REPORT", false)]
    [TestCase("SIDECAR_Hosting_Port", false)]
    public async Task Start_VariableOfAService_IsNoSetting(string variable, bool isOfAService)
    {
        var start = Command("--Staging:Directory", "/proc/nothing");
        start.Environment[variable] = "tcp://10.0.0.1:9393";

        var (exit, output) = await RunAsync(start);

        Assert.That(exit, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain(isOfAService ? "/proc/nothing" : "is not a setting"));
    }

    // With the memory of 2000 series for each metric it was 46 MiB, which every start had to clear and to collect.
    [Test]
    public async Task Start_NothingToRecover_AllocatesLittle()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var allocated = await MetricsPage.ReadAsync(sidecar, "process_allocated_bytes_total", CancellationToken.None);
        Assert.That(allocated, Is.InRange(1 << 20, BudgetMiB << 20));
    }

    [Test]
    public async Task Start_StagingDirectoryInUse_IsRefused()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (exit, output) = await RunAsync(
            "--Staging:Directory", directory.Staging, "--Hosting:SocketPath", directory["other"]);
        Assert.That((exit, output), Is.EqualTo((2, output)));
        Assert.That(output, Does.Contain("in use by another sidecar"));
    }

    [Test]
    public async Task Start_OnANewerLayout_IsRefusedAndNothingTouched()
    {
        using var directory = TestDirectory.Create();
        var records = Directory.CreateDirectory(Path.Combine(directory.Staging, ".sidecar")).FullName;
        await File.WriteAllTextAsync(Path.Combine(records, "format"), "99\n", Deadline);
        var (exit, output) = await RunAsync(
            "--Staging:Directory", directory.Staging, "--Hosting:SocketPath", directory["s"]);
        Assert.That((exit, output.Trim().Split('\n').Length), Is.EqualTo((2, 1)), output);
        Assert.That(output, Does.Contain("has layout 99").And.Contain("Run that one again"));
        Assert.That(
            Directory.EnumerateFiles(directory.Staging, "*", SearchOption.AllDirectories).Select(Path.GetFileName),
            Is.SubsetOf((string[])["format", "lock"]));
    }

    [Test]
    public async Task Start_SocketInUse_IsRefusedAndAStaleOneReplaced()
    {
        using var directory = TestDirectory.Create();
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            var (exit, output) = await RunAsync(
                "--Staging:Directory", directory["else"], "--Hosting:SocketPath", sidecar.Socket);
            Assert.That(exit, Is.EqualTo(2));
            Assert.That(output, Does.Contain(sidecar.Socket));
            await sidecar.KillAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        Assert.That(await StageAsync(restarted, NewId(), [1]), Is.Not.Null);
    }

    [Test]
    public async Task Start_WithNoSettingAtAll_ServesTheEmbeddedDefault()
    {
        using var directory = TestDirectory.Create();
        var start = Command();
        start.Environment["XDG_STATE_HOME"] = directory["state"];
        start.Environment["XDG_RUNTIME_DIR"] = directory["run"];
        using var process = Process.Start(start)!;
        try
        {
            // Two of these tests' daemons could not share the fixed ports; only this one uses them.
            using var channel = GrpcChannel.ForAddress("http://127.0.0.1:9393");
            var health = new Health.HealthClient(channel);
            while (true)
            {
                Assert.That(process.HasExited, Is.False);
                try
                {
                    await health.CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
                    break;
                }
                catch (RpcException notYet) when (notYet.StatusCode == StatusCode.Unavailable)
                {
                    await Cluster.BetweenLooks();
                }
            }

            using var http = new HttpClient();
            Assert.That(await http.GetStringAsync("http://127.0.0.1:9395/readyz", Deadline), Is.EqualTo("ready\n"));
            Assert.That(Directory.Exists(directory["state/glance-staging-sidecar/staging"]), Is.True);
            var socket = directory["run/glance-staging-sidecar/sidecar.sock"];
            Assert.That(File.GetUnixFileMode(socket), Is.EqualTo(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Test]
    public async Task Start_EmptyAddresses_ListensOnTheSocketOnly()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Hosting:LocalAddress=", "--Hosting:OpsAddress=");
        Assert.That(sidecar.Addresses, Is.EqualTo([$"http://unix:{sidecar.Socket}"]));
    }

    [Test]
    public async Task Help_NamesEverySetting()
    {
        var (exit, output) = await RunAsync("--help");
        Assert.That(exit, Is.Zero);
        Assert.That(output, Does.Contain("--Staging:Directory").And.Contain("--Import:Conversion:OutputFormat"));
    }

    [Test]
    public async Task Health_OverTheLocalApi_ServesTheStandardService()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var health = new Health.HealthClient(sidecar.Channel);
        foreach (var service in (string[])["", "liveness", "readiness", "glance.sidecar.v1.Staging", "glance.sidecar.v1.Imports"])
        {
            var answer = await health.CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Deadline);
            Assert.That(answer.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.Serving), service);
        }
    }

    [Test]
    public async Task Terminated_WhileSomebodyWatchesHealth_StopsAtOnce()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Hosting:DrainTimeout", "00:10:00");
        using var watch = new Health.HealthClient(sidecar.Channel).Watch(new HealthCheckRequest { Service = "readiness" });
        Assert.That(await watch.ResponseStream.MoveNext(Deadline), Is.True);
        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task Ops_GrpcAndOps_AreReachedThroughTheirOwnListenersOnly()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var http = new HttpClient
        {
            BaseAddress = new Uri(sidecar.Addresses[1]), DefaultRequestVersion = new Version(2, 0),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        Assert.That((int)(await http.GetAsync("/metrics", Deadline)).StatusCode, Is.EqualTo(404));
        using var ops = new HttpClient { BaseAddress = sidecar.Ops };
        using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
        content.Headers.ContentType = new("application/grpc");
        var answer = await ops.PostAsync("/glance.sidecar.v1.Staging/GetCapacity", content, Deadline);
        Assert.That(answer.IsSuccessStatusCode && answer.Headers.Contains("grpc-status"), Is.False);
    }

    [Test]
    public async Task Metrics_AfterSomeWork_AreCleanForPromtool()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await StageAsync(sidecar, NewId(), new byte[1000]);
        using var http = new HttpClient { BaseAddress = sidecar.Ops };
        var metrics = await http.GetStringAsync("/metrics", Deadline);
        Assert.That(metrics, Does.Contain("glance_staging_upload_received_bytes_total{} 1000\n"));
        Assert.That(metrics, Does.Contain("glance_staging_uploads_total{result=\"committed\"} 1\n"));
        using var promtool = Process.Start(
            new ProcessStartInfo("promtool", ["check", "metrics"])
            {
                RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true,
            })!;
        await promtool.StandardInput.WriteAsync(metrics);
        promtool.StandardInput.Close();
        var complaints = await promtool.StandardError.ReadToEndAsync(Deadline);
        await promtool.WaitForExitAsync(Deadline);
        Assert.That((promtool.ExitCode, complaints), Is.EqualTo((0, "")));
    }

    private static Task<(int Exit, string Output)> RunAsync(params string[] arguments) => RunAsync(Command(arguments));

    private static async Task<(int Exit, string Output)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Deadline);
        var error = process.StandardError.ReadToEndAsync(Deadline);
        await process.WaitForExitAsync(Deadline);
        return (process.ExitCode, await error + await output);
    }

    private static ProcessStartInfo Command(params string[] arguments) =>
        new(SidecarInstance.Program[0], [.. SidecarInstance.Program.Skip(1), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
}
