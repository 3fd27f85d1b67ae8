using System.Buffers.Binary;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests;

/// <summary>Images that are judged before they are staged.</summary>
internal sealed class InspectTests : SidecarTest
{
    [Test]
    public async Task Inspect_FirstBytes_TellsOrRefuses()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Import:MaxVirtualBytes", $"{1 << 30}");
        var request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2(1 << 30)), DiskFormat = "qcow2" };
        Assert.That(
            await sidecar.Imports.InspectAsync(request),
            Is.EqualTo(new InspectResponse { DiskFormat = "qcow2", VirtualSize = 1 << 30 }));
        request.DiskFormat = "raw";
        var facts = Refused(sidecar, request, StatusCode.FailedPrecondition, "FORMAT_MISMATCH");
        Assert.That((facts["claimed"], facts["detected"]), Is.EqualTo(("raw", "qcow2")));
        request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2(1 << 30, backingFile: 8)) };
        facts = Refused(sidecar, request, StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        Assert.That(facts["check"], Is.EqualTo("qcow2_backing_file"));
        request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2((1 << 30) + 512)) };
        Refused(sidecar, request, StatusCode.FailedPrecondition, "VIRTUAL_SIZE_TOO_LARGE");
        Refused(sidecar, new InspectRequest { Complete = true }, StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        request = new InspectRequest { DiskFormat = "pdf" };
        Refused(sidecar, request, StatusCode.InvalidArgument, "INVALID_REQUEST");
    }

    private static byte[] Qcow2(long virtualSize, byte backingFile = 0)
    {
        var header = new byte[64 << 10];
        new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb, 0, 0, 0, 2 }.CopyTo(header, 0);
        header[15] = backingFile;
        header[23] = 16;
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(24), virtualSize);
        return header;
    }

    private static IDictionary<string, string> Refused(
        SidecarInstance sidecar, InspectRequest request, StatusCode code, string reason) => AssertRefused(
        Assert.ThrowsAsync<RpcException>(async () => await sidecar.Imports.InspectAsync(request)), code, reason);
}
