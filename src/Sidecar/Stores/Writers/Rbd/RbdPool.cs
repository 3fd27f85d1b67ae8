using System.Globalization;
using System.Text;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>A connection to a Ceph cluster, and one of its pools.</summary>
internal sealed class RbdPool : IDisposable
{
    private const string Cluster = "ceph";
    private const string ClientPrefix = "client.";
    private const string DefaultClient = "client.admin";
    private const ulong Layering = 1;
    private const int TextBytes = 256;

    private readonly nint _cluster;
    private readonly nint _pool;

    /// <exception cref="StoreException">It cannot be reached, or there is no such pool.</exception>
    public RbdPool(RbdJob job)
    {
        var client = job.User.Length > 0 ? ClientPrefix + job.User : DefaultClient;
        RbdFault.Check(Librados.Create(out _cluster, Cluster, client, 0), "rados_create2");
        try
        {
            Configure(job);
            Connect(client);
            Id = ReadId();
            var answer = Librados.OpenPool(_cluster, job.Pool, out _pool);
            if (answer == RbdFault.NotFound)
            {
                throw new StoreException(
                    StoreError.StoreFailed, $"The Ceph cluster has no pool {job.Pool}: make it, or set rbd_store_pool right.");
            }

            RbdFault.Check(answer, $"pool {job.Pool}");
        }
        catch
        {
            Librados.Shutdown(_cluster);
            throw;
        }
    }

    /// <summary>The cluster's id (fsid).</summary>
    public string Id { get; }

    public nint Handle => _pool;

    /// <summary>
    /// What new images can do: as Glance's driver, what the cluster's configuration says, and layering where it says nothing.
    /// </summary>
    public ulong Features()
    {
        Span<byte> text = stackalloc byte[TextBytes];
        return Librados.Get(_cluster, "rbd_default_features", text, TextBytes) == 0
            && ulong.TryParse(Text(text), CultureInfo.InvariantCulture, out var features) && features > 0
                ? features : Layering;
    }

    public void Dispose()
    {
        Librados.ClosePool(_pool);
        Librados.Shutdown(_cluster);
    }

    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    private void Connect(string client)
    {
        var answer = Librados.Connect(_cluster);
        if (answer != RbdFault.NotFound)
        {
            RbdFault.Check(answer, "rados_connect");
            return;
        }

        throw new StoreException(
            StoreError.StoreUnsupported,
            $"The sidecar's container has no key of {client} (the keyring that the configuration of Ceph names): mount it there as it "
            + "is in Glance's.")
        {
            Detail = RbdFault.Of(answer, "rados_connect").Detail,
        };
    }

    private void Configure(RbdJob job)
    {
        var path = job.ConfigurationFile.Length > 0 ? job.ConfigurationFile : null;
        var answer = Librados.ReadConfiguration(_cluster, path);
        if (answer < 0)
        {
            throw new StoreException(
                StoreError.StoreUnsupported,
                "The configuration of Ceph (rbd_store_ceph_conf) cannot be read in the sidecar's container: mount it there as it is "
                + "in Glance's.")
            {
                Detail = RbdFault.Of(answer, path ?? "ceph.conf").Detail,
            };
        }

        // This process says by its standard output what happens; files and sockets of its own would be nobody's.
        foreach (var option in (string[])["log_file", "admin_socket"]) Set(option, "");
        Set("log_to_stderr", "false");
        if (job.ConnectSeconds > 0) Set("client_mount_timeout", job.ConnectSeconds.ToString(CultureInfo.InvariantCulture));
    }

    private void Set(string option, string value) => RbdFault.Check(Librados.Set(_cluster, option, value), option);

    private string ReadId()
    {
        Span<byte> text = stackalloc byte[TextBytes];
        RbdFault.Check(Librados.ClusterId(_cluster, text, TextBytes), "rados_cluster_fsid");
        return Text(text);
    }
}
