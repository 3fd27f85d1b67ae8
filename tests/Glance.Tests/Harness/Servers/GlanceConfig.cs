namespace Glance.Tests.Harness.Servers;

/// <summary>The configuration directory of one pod's glance-api.</summary>
internal sealed class GlanceConfig
{
    private readonly Dictionary<string, Dictionary<string, string>> _groups = [];

    /// <param name="database">As SQLAlchemy takes it.</param>
    /// <param name="stores">Directory of each store by name; the first is the default.</param>
    public GlanceConfig(string home, string staging, string database, IReadOnlyDictionary<string, string> stores)
    {
        Directory = Path.Combine(home, "etc");
        Set("DEFAULT", "use_stderr", "true");
        Set("DEFAULT", "enabled_import_methods", "[glance-direct,web-download,copy-image,glance-download]");
        Set("DEFAULT", "enabled_backends", string.Join(',', stores.Keys.Select(store => store + ":file")));
        Set("glance_store", "default_backend", stores.Keys.First());
        foreach (var (store, directory) in stores) Set(store, "filesystem_store_datadir", directory);
        Set("os_glance_staging_store", "filesystem_store_datadir", staging);
        Set("os_glance_tasks_store", "filesystem_store_datadir", Path.Combine(home, "tasks"));
        Set("oslo_concurrency", "lock_path", Path.Combine(home, "lock"));
        Set("database", "connection", database);
        Set("paste_deploy", "flavor", "keystone");
        // Known after 2026.1; others ignore it.
        Set("image_import_opts", "max_parallel_stores", "2");
    }

    public string Directory { get; }

    public bool WithSidecar { get; init; }

    /// <summary>Where users find the image service of another region, to download from.</summary>
    public required Uri OtherRegion { get; init; }

    public void Set(string group, string option, string value)
    {
        if (!_groups.TryGetValue(group, out var options)) _groups[group] = options = [];
        options[option] = value;
    }

    /// <summary>Adds a store in Ceph and makes it the default.</summary>
    public void AddDefault(string store, CephCluster ceph)
    {
        Set("DEFAULT", "enabled_backends", $"{_groups["DEFAULT"]["enabled_backends"]},{store}:rbd");
        Set("glance_store", "default_backend", store);
        Set(store, "rbd_store_ceph_conf", ceph.Configuration);
        Set(store, "rbd_store_pool", CephCluster.Pool);
        Set(store, "rbd_store_user", CephKeyring.Glance);
    }

    /// <summary>Adds a store in a bucket that is not there yet.</summary>
    public void Add(string store, CephGateway gateway, string bucket)
    {
        Set("DEFAULT", "enabled_backends", $"{_groups["DEFAULT"]["enabled_backends"]},{store}:s3");
        Set(store, "s3_store_host", gateway.Url.GetLeftPart(UriPartial.Authority));
        Set(store, "s3_store_access_key", CephGateway.AccessKey);
        Set(store, "s3_store_secret_key", CephGateway.SecretKey);
        Set(store, "s3_store_bucket", bucket);
        Set(store, "s3_store_create_bucket_on_put", "true");
    }

    public void Write()
    {
        System.IO.Directory.CreateDirectory(Directory);
        File.WriteAllLines(
            Path.Combine(Directory, "glance-api.conf"),
            _groups.SelectMany(group => (string[])
                [$"[{group.Key}]", .. group.Value.Select(option => $"{option.Key} = {option.Value}")]));
        File.WriteAllText(Path.Combine(Directory, "glance-api-paste.ini"), Paste);
    }

    private string Paste => $"""
        [composite:glance-api-keystone]
        paste.composite_factory = glance.api:root_app_factory
        /: api
        /healthcheck: healthcheck
        [pipeline:api]
        pipeline = versionnegotiation token context {(WithSidecar ? "staging_sidecar " : "")}rootapp
        [composite:rootapp]
        paste.composite_factory = glance.api:root_app_factory
        /: apiversions
        /v2: apiv2app
        [app:apiversions]
        paste.app_factory = glance.api.versions:create_resource
        [app:apiv2app]
        paste.app_factory = glance.api.v2.router:API.factory
        [app:healthcheck]
        paste.app_factory = oslo_middleware:Healthcheck.app_factory
        [filter:versionnegotiation]
        paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
        [filter:context]
        paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
        [filter:token]
        paste.filter_factory = suite_token:filter_factory
        other_region = {OtherRegion.GetLeftPart(UriPartial.Authority)}
        {(WithSidecar ? "[filter:staging_sidecar]\npaste.filter_factory = glance_sidecar.wsgi:filter_factory" : "")}

        """;
}
