namespace Testing;

/// <summary>The keys of a cluster and of its users, who may do what Ceph's documentation gives to each.</summary>
internal static class CephKeyring
{
    /// <summary>Whom Glance and the sidecar are.</summary>
    public const string Glance = "glance";

    /// <summary>One who may read images, and write none.</summary>
    public const string Reader = "reader";

    private static readonly (string Name, string[] Capabilities)[] Entities =
    [
        ("mon.", ["mon", "allow *"]),
        ("client.admin", ["mon", "allow *", "osd", "allow *", "mgr", "allow *", "mds", "allow *"]),
        ("osd.0", ["mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd"]),
        ("client.rgw.a", ["mon", "allow rw", "osd", "allow rwx"]),
        ("client." + Glance, ["mon", "profile rbd", "osd", $"profile rbd pool={CephCluster.Pool}, profile rbd pool={CephCluster.SecondPool}"]),
        ("client." + Reader, ["mon", "profile rbd", "osd", $"profile rbd-read-only pool={CephCluster.Pool}"]),
    ];

    /// <summary>Makes a file of new keys, which the first monitor takes over.</summary>
    public static async Task CreateAsync(string path)
    {
        foreach (var (name, capabilities) in Entities)
        {
            await CephProgram.RunAsync(
            [
                "ceph-authtool", path, "--name", name, "--gen-key", .. File.Exists(path) ? [] : (string[])["--create-keyring"],
                .. capabilities.Chunk(2).SelectMany(each => (string[])["--cap", .. each]),
            ]);
        }
    }
}
