using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Glance.Tests.Harness.Api;

/// <summary>A user of the image API at one address, a pod's own or the load balancer's.</summary>
internal sealed class ImageApi(Uri address, string token) : IDisposable
{
    public const string Member = "ann:acme:member";
    public const string Admin = "root:operators:admin";

    private readonly HttpClient _client = new()
    {
        BaseAddress = address, Timeout = TimeSpan.FromMinutes(3), DefaultRequestHeaders = { { "X-Auth-Token", token } },
    };

    /// <summary>
    /// Has a connection for each request. gunicorn closes one that is idle for 2 s, and on a pod that is too busy to look in time even
    /// when the next request has arrived.
    /// </summary>
    public void CloseAfterEach() => _client.DefaultRequestHeaders.ConnectionClose = true;

    /// <returns>The new image's id.</returns>
    public async Task<string> CreateAsync(
        string diskFormat, string containerFormat = "bare", IReadOnlyDictionary<string, string>? properties = null)
    {
        var body = new Dictionary<string, string>
        {
            ["name"] = "test", ["disk_format"] = diskFormat, ["container_format"] = containerFormat,
        };
        foreach (var (name, value) in properties ?? new Dictionary<string, string>()) body[name] = value;
        using var answer = await _client.PostAsync("/v2/images", Json(body));
        answer.EnsureSuccessStatusCode();
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("id").GetString()!;
    }

    public Task<Answer> StageAsync(string id, byte[] bytes) => StageAsync(id, new ByteArrayContent(bytes));

    public async Task<Answer> StageAsync(string id, HttpContent content, CancellationToken cancellationToken = default)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await SendAsync(HttpMethod.Put, $"/v2/images/{id}/stage", content, cancellationToken);
    }

    /// <summary>Imports what was staged.</summary>
    public Task<Answer> ImportAsync(string id, ImportTargets? targets = null) =>
        ImportAsync(id, new Dictionary<string, object> { ["name"] = "glance-direct" }, targets);

    /// <param name="method">As the API names it, with its parameters.</param>
    public Task<Answer> ImportAsync(string id, Dictionary<string, object> method, ImportTargets? targets = null)
    {
        var body = (targets ?? new ImportTargets()).Fields;
        body["method"] = method;
        return SendAsync(HttpMethod.Post, $"/v2/images/{id}/import", Json(body), CancellationToken.None);
    }

    public Task<Answer> DownloadFromAsync(string id, Uri source) =>
        ImportAsync(id, new Dictionary<string, object> { ["name"] = "web-download", ["uri"] = source.ToString() });

    /// <summary>Imports an image of the region that the catalog of the suite names.</summary>
    public Task<Answer> DownloadFromOtherRegionAsync(string id, string source) => ImportAsync(
        id,
        new Dictionary<string, object>
        {
            ["name"] = "glance-download", ["glance_region"] = "RegionOne", ["glance_image_id"] = source,
        });

    /// <summary>Writes an image into the default store as it is, without an import.</summary>
    public async Task UploadAsync(string id, byte[] bytes)
    {
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var answer = await _client.PutAsync($"/v2/images/{id}/file", content);
        answer.EnsureSuccessStatusCode();
    }

    public Task<Answer> CopyAsync(string id, params string[] stores) =>
        ImportAsync(id, new Dictionary<string, object> { ["name"] = "copy-image" }, new ImportTargets { Stores = stores });

    public Task<Answer> DeleteAsync(string id) =>
        SendAsync(HttpMethod.Delete, $"/v2/images/{id}", null, CancellationToken.None);

    /// <returns>Null when there is no such image.</returns>
    public async Task<ImageRecord?> FindAsync(string id)
    {
        using var answer = await _client.GetAsync($"/v2/images/{id}");
        if (answer.StatusCode == System.Net.HttpStatusCode.NotFound) return null;
        answer.EnsureSuccessStatusCode();
        return new ImageRecord(await ElementAsync(answer));
    }

    public async Task<ImageRecord> GetAsync(string id) =>
        await FindAsync(id) ?? throw new InvalidOperationException($"There is no image {id}.");

    public async Task<List<ImageRecord>> ListAsync()
    {
        using var answer = await _client.GetAsync("/v2/images?limit=1000");
        answer.EnsureSuccessStatusCode();
        return [.. (await ElementAsync(answer)).GetProperty("images").EnumerateArray().Select(json => new ImageRecord(json))];
    }

    /// <summary>Status and message of each import task of an image, the newest last.</summary>
    public async Task<List<ImportTask>> TasksAsync(string id)
    {
        using var answer = await _client.GetAsync($"/v2/images/{id}/tasks");
        answer.EnsureSuccessStatusCode();
        var tasks = (await ElementAsync(answer)).GetProperty("tasks").EnumerateArray();
        return [.. tasks.OrderBy(task => task.GetProperty("created_at").GetString(), StringComparer.Ordinal).Select(task =>
            new ImportTask(task.GetProperty("status").GetString()!, task.GetProperty("message").GetString()!))];
    }

    public async Task<byte[]> ReadAsync(string id)
    {
        using var answer = await _client.GetAsync($"/v2/images/{id}/file");
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsByteArrayAsync();
    }

    public Task<ImageRecord> UntilAsync(string id, Func<ImageRecord, bool> condition) =>
        Until.RightAsync(() => GetAsync(id), condition);

    public void Dispose() => _client.Dispose();

    private async Task<Answer> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var answer = await _client.SendAsync(request, cancellationToken);
        return new Answer(
            answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken), answer.Headers.RetryAfter?.Delta);
    }

    private static async Task<JsonElement> ElementAsync(HttpResponseMessage answer)
    {
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.Clone();
    }

    private static StringContent Json(object body) =>
        new(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
}
