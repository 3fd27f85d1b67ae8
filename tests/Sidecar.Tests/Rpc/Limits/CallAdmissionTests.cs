using NUnit.Framework;
using Sidecar.Rpc.Limits;

namespace Sidecar.Tests.Rpc.Limits;

internal sealed class CallAdmissionTests
{
    [TestCase(256L << 20, 1 << 20, 64)]
    [TestCase(2L << 30, 1 << 20, 512)]
    [TestCase(1L << 40, 1 << 20, 4096)]
    [TestCase(2L << 30, 1024, 170)]
    [TestCase(1L, 1, 4)]
    public void LimitOf_MemoryAndDescriptors_IsWhatFits(long memory, long descriptors, int expected) =>
        Assert.That(CallAdmission.LimitOf(memory, UploadAdmission.BytesPerUpload, descriptors, UploadAdmission.DescriptorsPerUpload), Is.EqualTo(expected));
}
