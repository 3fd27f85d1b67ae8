using System.Diagnostics;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>
/// A directory as Kubernetes mounts a Secret: the files are links into <c>..data</c>, itself a link that is replaced
/// when the Secret changes.
/// </summary>
internal sealed class SecretVolume
{
    private static readonly string[] Files = ["tls.crt", "tls.key", "ca.crt"];

    private readonly string _path;
    private int _version;

    public SecretVolume(string path)
    {
        _path = Directory.CreateDirectory(path).FullName;
        foreach (var file in Files) File.CreateSymbolicLink(Path.Combine(_path, file), Path.Combine("..data", file));
    }

    /// <summary>The settings of a daemon that uses it.</summary>
    public string[] Settings =>
    [
        "--Peers:CertificateFile", Path.Combine(_path, Files[0]), "--Peers:KeyFile", Path.Combine(_path, Files[1]),
        "--Peers:AuthorityFile", Path.Combine(_path, Files[2]),
    ];

    public void Publish(string certificate, string key, string authorities)
    {
        var version = $"..{++_version}";
        var directory = Directory.CreateDirectory(Path.Combine(_path, version)).FullName;
        foreach (var (file, content) in Files.Zip([certificate, key, authorities]))
        {
            File.WriteAllText(Path.Combine(directory, file), content);
        }

        var link = Path.Combine(_path, "..data_tmp");
        File.CreateSymbolicLink(link, version);
        // File.Move does not see a link to a directory.
        using var move = Process.Start("mv", ["-T", link, Path.Combine(_path, "..data")]);
        move.WaitForExit();
    }
}
