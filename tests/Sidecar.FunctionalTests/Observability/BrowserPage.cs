using System.Text.Json;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>A page in a browser, as somebody sees and uses it.</summary>
internal sealed class BrowserPage(DevTools tools, string session, CancellationToken deadline)
{
    /// <summary>Exceptions, errors and warnings in its console, and what its content policy refused.</summary>
    public IEnumerable<string> Problems => tools.Events
        .Where(each => each.Session == session && each.Method switch
        {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" =>
                each.Parameters.GetProperty("type").GetString() is "error" or "warning" or "assert",
            "Log.entryAdded" =>
                each.Parameters.GetProperty("entry").GetProperty("level").GetString() is "error" or "warning",
            _ => false,
        })
        .Select(each => each.Parameters.ToString());

    public async Task GoAsync(Uri address, int width, int height)
    {
        foreach (var domain in (string[])["Page", "Runtime", "Log"]) await SendAsync($"{domain}.enable", new { });
        await SendAsync(
            "Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 600 });
        await SendAsync("Emulation.setFocusEmulationEnabled", new { enabled = true });
        await SendAsync("Page.navigate", new { url = address.ToString() });
    }

    /// <summary>The value of an expression in the page; of a promise, its result.</summary>
    public async Task<JsonElement> ValueAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new { expression, returnByValue = true, awaitPromise = true });
        if (answer.TryGetProperty("exceptionDetails", out var failure))
        {
            throw new InvalidOperationException($"{expression}: {failure}");
        }

        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    /// <summary>What an element shows, as text.</summary>
    public async Task<string> TextAsync(string id) =>
        (await ValueAsync($"document.getElementById('{id}')?.textContent ?? ''")).GetString()!;

    /// <summary>Waits until an element shows what the test waits for.</summary>
    public async Task<string> UntilAsync(string id, Func<string, bool> condition)
    {
        while (true)
        {
            var text = await TextAsync(id);
            if (condition(text)) return text;
            await Cluster.BetweenLooks();
        }
    }

    public async Task PressAsync(string key, int code, string text = "")
    {
        foreach (var type in (string[])["keyDown", "keyUp"])
        {
            await SendAsync(
                "Input.dispatchKeyEvent",
                new
                {
                    type, key, code = key == " " ? "Space" : key, windowsVirtualKeyCode = code,
                    text = type == "keyDown" ? text : "",
                });
        }
    }

    public async Task<byte[]> ScreenshotAsync() =>
        (await SendAsync("Page.captureScreenshot", new { format = "png" })).GetProperty("data").GetBytesFromBase64();

    private Task<JsonElement> SendAsync(string method, object parameters) =>
        tools.SendAsync(method, parameters, session, deadline);
}
