using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>
/// A program in qemu-nbd's place that was taken over by an image: it tries to reach whatever a conversion has no business
/// with, fails when it has reached anything, and converts the image when it has not.
/// </summary>
internal sealed class ConfinementTests : SidecarTest
{
    private const int DiskBytes = 1 << 20;

    private readonly string _id = NewId();
    private readonly string _other = NewId();

    [Test]
    public async Task Conversion_ByAProgramThatWasTakenOver_ReachesNothingAndConverts()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(directory, "required");
        await sidecar.LoggedAsync("Programs of imports are confined by", Deadline);

        var import = await ImportAsync(sidecar);

        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded), import.Failure?.Message);
        Assert.That(import.Result.Size, Is.EqualTo(DiskBytes));
        Assert.That(await ReadAsync(sidecar, _other), SameBytes.As(Content(1000)));
        foreach (var mechanism in (string[])["landlock", "seccomp"])
        {
            var series = $"glance_staging_child_confinement{{mechanism=\"{mechanism}\"}}";
            Assert.That(await MetricsPage.ReadAsync(sidecar, series, Deadline), Is.EqualTo(1), mechanism);
        }
    }

    [Test]
    public async Task Conversion_Unconfined_ReachesAllOfIt()
    {
        // What the other test sees refused is there to be reached.
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(directory, "off", [], "--Import:Tools:Unshare", "/nowhere/unshare");

        var import = await ImportAsync(sidecar);

        Assert.That(import.Failure?.Reason, Is.EqualTo("TOOL_FAILED"));
        string[] all = ["other image", "write other image", "record", "socket", "listen", "datagrams", "pair", "internet", "plant", "fork", "signal", "others", "list"];
        foreach (var what in all)
        {
            Assert.That(import.Failure!.Message, Does.Not.Contain(what), "its words are not for the owner of the image");
            await sidecar.LoggedAsync($"\\u003C{what}\\u003E", Deadline);
        }
    }

    [TestCase]
    [TestCase("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")]
    public async Task Conversion_InANamespaceOfItsOwnAlone_ReachesNoOtherProcess(params string[] launcher)
    {
        await IgnoreUnlessAsync([.. launcher, "unshare", "--user", "--map-current-user", "--net", "--pid", "--fork", "true"]);
        using var directory = TestDirectory.Create();
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0b111_111_111);
        await using var sidecar = await StartAsync(directory, "off", launcher);
        await sidecar.LoggedAsync("Programs of imports are confined by", Deadline);
        Assert.That((await LayerAsync(sidecar, "pid_namespace")).Missing, Is.Empty);

        var import = await ImportAsync(sidecar);

        Assert.That(import.Failure?.Reason, Is.EqualTo("TOOL_FAILED"));
        await sidecar.LoggedAsync("\\u003Cfork\\u003E", Deadline);
        Assert.That(sidecar.Log, Has.None.Contains("\\u003Csignal\\u003E").And.None.Contains("\\u003Cothers\\u003E"));
        var series = "glance_staging_child_confinement{mechanism=\"pid_namespace\"}";
        Assert.That(await MetricsPage.ReadAsync(sidecar, series, Deadline), Is.EqualTo(1));
    }

    [Test]
    public async Task Conversion_WhereTheKernelHasNoRoomForSuchANamespace_HasTheOtherLayers()
    {
        const string NoRoom = "echo 0 > /proc/sys/user/max_pid_namespaces && exec \"$@\"";
        string[] full = ["unshare", "--user", "--map-root-user", "sh", "-c", NoRoom, "sh"];
        await IgnoreUnlessAsync([.. full, "true"]);
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(directory, "available", full);
        await sidecar.LoggedAsync("Programs of imports are confined by", Deadline);

        var import = await ImportAsync(sidecar);

        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded), import.Failure?.Message);
        var layer = await LayerAsync(sidecar, "pid_namespace");
        Assert.That((layer.Holds, layer.Missing), Is.EqualTo((false, "unshare: unshare failed: No space left on device")));
        Assert.That((await LayerAsync(sidecar, "network_namespace")).Holds, Is.True);
    }

    [Test]
    public async Task Conversion_ByAProgramThatWasTakenOver_AsAnotherUser_HasFewThreads()
    {
        if (Environment.OSVersion.Version < new Version(5, 14)) Assert.Ignore("This kernel counts the threads of a user on all of it.");
        using var directory = TestDirectory.Create();
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0b111_111_111);
        string[] nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        await IgnoreUnlessAsync([.. nobody, "unshare", "--user", "--map-current-user", "--net", "true"]);
        await using var sidecar = await StartAsync(directory, "available", nobody);
        await sidecar.LoggedAsync("Programs of imports are confined by", Deadline);
        Assert.That((await LayerAsync(sidecar, "network_namespace")).Missing, Is.Empty);

        var import = await ImportAsync(sidecar);

        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded), import.Failure?.Message);
    }

    [Test]
    public async Task Condition_NamesEveryLayer_AndWhyOneIsMissing()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Import:Confinement", "off", "--Import:Tools:Unshare", "/nowhere/unshare");
        await sidecar.LoggedAsync("Programs of imports are confined by", Deadline);
        var layers = (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Self.Condition.Confinement;
        Assert.That(layers.Select(layer => $"{layer.Mechanism}: {layer.Holds} {layer.Missing}"), Is.EqualTo(new[]
        {
            "landlock: False Import:Confinement is off", "seccomp: False Import:Confinement is off",
            "network_namespace: False unshare is not installed", "pid_namespace: False unshare is not installed", "limits: True ",
        }));
        using var http = new HttpClient { BaseAddress = sidecar.Ops };
        Assert.That(await http.GetStringAsync("/status.json", Deadline), Does.Contain("unshare is not installed"));
    }

    // Asked of the machine, not of the daemon: what the daemon cannot do although the machine can is to fail.
    private static async Task IgnoreUnlessAsync(string[] command)
    {
        using var tried = System.Diagnostics.Process.Start(command[0], command[1..]);
        await tried.WaitForExitAsync(Deadline);
        if (tried.ExitCode != 0) Assert.Ignore("There are no such namespaces here.");
    }

    private static async Task<ConfinementLayer> LayerAsync(SidecarInstance sidecar, string mechanism) =>
        (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Self.Condition.Confinement
        .Single(layer => layer.Mechanism == mechanism);

    private async Task<SidecarInstance> StartAsync(
        TestDirectory directory, string confinement, string[]? launcher = null, params string[] settings)
    {
        var disk = await SlowTool.DiskAsync(directory, Deadline);
        var isAnotherUser = launcher is ["setpriv", ..];
        var sidecar = await SidecarInstance.StartUnderAsync(
            launcher ?? [], directory.Path,
            ["--Import:Tools:QemuNbd", WriteImpostor(directory, 0, isAnotherUser), "--Import:Confinement", confinement, .. settings]);
        // The launcher became the daemon: by now its id is known, which a program in a namespace of its own does not see.
        WriteImpostor(directory, sidecar.ProcessId, isAnotherUser);
        await StageAsync(sidecar, _other, Content(1000));
        await StageAsync(sidecar, _id, disk);
        return sidecar;
    }

    private async Task<ImportMessage> ImportAsync(SidecarInstance sidecar)
    {
        var request = new RunImportRequest { ImageId = _id, DiskFormat = "qcow2", OutputDiskFormat = "raw" };
        using var call = sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        ImportMessage? last = null;
        try
        {
            while (await call.ResponseStream.MoveNext(Deadline)) last = call.ResponseStream.Current.Import;
        }
        catch (RpcException) when (last?.State is ImportMessage.Types.State.Failed)
        {
            // The last event tells the same.
        }

        return last!;
    }

    // The superuser, who runs the other tests, has no limit of threads.
    private string WriteImpostor(TestDirectory directory, int daemon, bool countThreads)
    {
        var path = directory["impostor"];
        File.WriteAllText(path, $$"""
            #!/usr/bin/python3 -I
            import os, socket, sys, threading
            staging, daemon, reached = "{{directory.Staging}}", {{daemon}}, []

            def attempt(what, act):
                try:
                    act()
                    reached.append("<%s>" % what)
                except OSError:
                    pass

            def connect():
                with socket.socket(socket.AF_UNIX) as api:
                    api.connect("{{directory["sidecar.sock"]}}")

            def listen():
                with socket.socket(socket.AF_UNIX) as other:
                    other.bind(staging + "/planted-socket")
                os.unlink(staging + "/planted-socket")

            def fork():
                child = os.fork()
                if child == 0:
                    os._exit(0)
                os.waitpid(child, 0)

            def plant():
                open(staging + "/planted", "w").close()
                os.unlink(staging + "/planted")

            def memory():
                with open("/proc/%d/maps" % daemon) as maps:
                    first = int(maps.readline().split("-")[0], 16)
                with open("/proc/%d/mem" % daemon, "rb") as mem:
                    mem.seek(first)
                    mem.read(1)

            def threads():
                gate = threading.Event()
                threading.stack_size(65536)
                try:
                    for _ in range(500):
                        threading.Thread(target=gate.wait, daemon=True).start()
                except RuntimeError as refused:
                    raise OSError() from refused
                finally:
                    gate.set()

            other, record = staging + "/{{_other}}", staging + "/.sidecar/images/{{_other}}.json"
            attempt("other image", lambda: open(other, "rb").read(1))
            attempt("write other image", lambda: os.open(other, os.O_WRONLY))
            attempt("truncate other image", lambda: os.truncate(other, 1000))
            attempt("write input", lambda: os.open(staging + "/{{_id}}", os.O_WRONLY))
            attempt("mode of other image", lambda: os.chmod(other, 0o660))
            attempt("times of other image", lambda: os.utime(other))
            attempt("record", lambda: open(record, "rb").read(1))
            attempt("list", lambda: os.listdir(staging))
            attempt("plant", plant)
            attempt("password file", lambda: open("/etc/passwd").read(1))
            attempt("socket", connect)
            attempt("listen", listen)
            attempt("datagrams", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).close())
            attempt("pair", socket.socketpair)
            attempt("internet", lambda: socket.socket(socket.AF_INET).close())
            attempt("signal", lambda: os.kill(daemon, 0))
            attempt("others", lambda: os.kill(-1, 0))
            attempt("environment", lambda: open("/proc/%d/environ" % daemon, "rb").read(1))
            attempt("memory", memory)
            attempt("fork", fork)
            if {{(countThreads ? "True" : "False")}}:
                attempt("threads", threads)
            if reached:
                sys.exit("reached " + " ".join(reached))
            os.execv("/usr/bin/qemu-nbd", ["qemu-nbd"] + sys.argv[1:])

            """);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }
}
