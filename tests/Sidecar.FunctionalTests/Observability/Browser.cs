using System.Diagnostics;
using System.Net.WebSockets;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>A real Chromium without a window, steered through its DevTools protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Announcement = "DevTools listening on ";

    private readonly TestDirectory _profile = TestDirectory.Create();
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DevTools? _tools;

    private Browser()
    {
        // No sandbox, as tests may run as root, for whom it has none; what it shows is ours.
        string[] arguments =
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--hide-scrollbars", "--disable-background-networking", "--lang=en", "--user-data-dir=" + _profile.Path,
            "--remote-debugging-port=0", "about:blank",
        ];
        _process = Process.Start(new ProcessStartInfo("chromium", arguments)
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public static async Task<Browser> StartAsync(CancellationToken deadline)
    {
        var browser = new Browser();
        try
        {
            var socket = new ClientWebSocket();
            await socket.ConnectAsync(await browser._address.Task.WaitAsync(deadline), deadline);
            browser._tools = new DevTools(socket);
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a page in a tab of its own.</summary>
    public async Task<BrowserPage> OpenAsync(Uri address, int width, int height, CancellationToken deadline)
    {
        var target = await _tools!.SendAsync("Target.createTarget", new { url = "about:blank" }, null, deadline);
        var targetId = target.GetProperty("targetId").GetString();
        var attached =
            await _tools.SendAsync("Target.attachToTarget", new { targetId, flatten = true }, null, deadline);
        var page = new BrowserPage(_tools, attached.GetProperty("sessionId").GetString()!, deadline);
        await page.GoAsync(address, width, height);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_tools is not null) await _tools.DisposeAsync();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Dispose();
    }

    private void Read(string? line)
    {
        if (line?.StartsWith(Announcement, StringComparison.Ordinal) == true)
        {
            _address.TrySetResult(new Uri(line[Announcement.Length..]));
        }

        if (line is null) _address.TrySetException(new InvalidOperationException("Chromium ended before it listened."));
    }
}
