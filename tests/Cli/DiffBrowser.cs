using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>A headless browser, spoken to over its DevTools protocol.</summary>
public sealed class DiffBrowser : IDisposable
{
    const int Attempts = 3;

    static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    readonly TempFolder profile = new();
    Process? process;
    ClientWebSocket? socket;
    string? session;
    int last;

    /// <summary>What the page complained about since it was opened.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>The browser's program, or null.</summary>
    public static string? Program => Tool.Find("chromium", "chromium-browser", "google-chrome", "chrome");

    /// <summary>Opens a file in a window of that size; skips the test where there is no browser.</summary>
    public async Task Open(string file, int width, int height, bool dark = false)
    {
        if (Program is null) Assert.Skip("There is no Chromium on this machine (Debian: apt install chromium).");
        await Start();
        await Send("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await Send("Emulation.setEmulatedMedia", new()
        {
            ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }),
        });
        Complaints.Clear();
        await Send("Page.navigate", new() { ["url"] = "about:blank" });
        await Send("Page.navigate", new() { ["url"] = new Uri(file).AbsoluteUri });
        await Until("document.readyState === 'complete' && location.protocol === 'file:'");
    }

    /// <summary>The value of an expression.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        var result = await Send("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        Assert.True(result["exceptionDetails"] is null, result.ToJsonString());
        return result["result"]?["value"];
    }

    /// <summary>Waits until an expression is true.</summary>
    public async Task Until(string expression)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Limit; await Task.Delay(20))
            if (await Evaluate(expression) is JsonValue value && value.TryGetValue<bool>(out var isTrue) && isTrue) return;
        Assert.Fail($"It did not become true: {expression}");
    }

    /// <summary>Presses a key, as a person would.</summary>
    public async Task Press(string key, int code = 0)
    {
        var text = key.Length == 1 ? key : key == "Enter" ? "\r" : null;
        JsonObject Event(string type)
        {
            var parameters = new JsonObject { ["type"] = type, ["key"] = key, ["windowsVirtualKeyCode"] = code };
            if (text is not null) parameters["text"] = text;
            return parameters;
        }
        await Send("Input.dispatchKeyEvent", Event(text is null ? "rawKeyDown" : "keyDown"));
        await Send("Input.dispatchKeyEvent", Event("keyUp"));
    }

    /// <summary>A picture of the page.</summary>
    public async Task Picture(string file)
    {
        var result = await Send("Page.captureScreenshot", new() { ["format"] = "png", ["captureBeyondViewport"] = true });
        await File.WriteAllBytesAsync(file, Convert.FromBase64String((string)result["data"]!));
    }

    public void Dispose()
    {
        socket?.Dispose();
        End();
        profile.Dispose();
    }

    async Task Start()
    {
        if (session is not null) return;
        for (var attempt = 1; socket is null; attempt++)
        {
            try
            {
                await Launch();
            }
            catch (Exception e) when (attempt < Attempts && e is OperationCanceledException or InvalidOperationException)
            {
                End(); // On a busy machine a browser now and then dies while it starts, and whoever else holds its pipe keeps it open.
            }
        }
        var target = await Send("Target.createTarget", new() { ["url"] = "about:blank" });
        var attached = await Send("Target.attachToTarget", new() { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true });
        session = (string)attached["sessionId"]!;
        foreach (var domain in (string[])["Page", "Runtime", "Log"]) await Send($"{domain}.enable", []);
    }

    async Task Launch()
    {
        using var limit = new CancellationTokenSource(Limit);
        process = Tool.Start(Program!, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--remote-debugging-port=0", $"--user-data-dir={profile.Path}", "about:blank"]);
        _ = process.StandardOutput.ReadToEndAsync();
        const string mark = "DevTools listening on ";
        string? line;
        do line = await process.StandardError.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("The browser ended at once.");
        while (!line.StartsWith(mark, StringComparison.Ordinal));
        _ = process.StandardError.ReadToEndAsync();
        var opened = new ClientWebSocket();
        await opened.ConnectAsync(new Uri(line[mark.Length..]), limit.Token);
        socket = opened;
    }

    void End()
    {
        if (process is { HasExited: false })
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit(Limit);
        }
        process?.Dispose();
    }

    async Task<JsonNode> Send(string method, JsonObject parameters)
    {
        var id = ++last;
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null) message["sessionId"] = session;
        using var limit = new CancellationTokenSource(Limit);
        await socket!.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        while (true)
        {
            var answer = await Receive(limit.Token);
            Notice(answer);
            if ((int?)answer["id"] == id)
                return answer["result"] ?? throw new InvalidOperationException($"{method}: {answer["error"]?.ToJsonString()}");
        }
    }

    void Notice(JsonNode answer)
    {
        if ((string?)answer["method"] is "Runtime.exceptionThrown" or "Runtime.consoleAPICalled" or "Log.entryAdded") Complaints.Add(answer["params"]!.ToJsonString());
    }

    async Task<JsonNode> Receive(CancellationToken limit)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (true)
        {
            var part = await socket!.ReceiveAsync(buffer, limit);
            bytes.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonNode.Parse(bytes.ToArray()) ?? throw new JsonException("The browser sent nothing.");
        }
    }
}
