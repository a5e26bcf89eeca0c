using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Harness;
using Stack;

namespace Integration.Seeds;

/// <summary>Serves the articles' pages from another origin and shows them in a real Chromium, each in a tab; a page
/// reports what it received. So the browser's own EventSource reads the streams across origins.</summary>
public sealed class ArticleBrowser : IAsyncDisposable
{
    private static readonly HttpClient Http = new();

    private readonly HttpListener _listener;
    private readonly ConcurrentDictionary<string, JsonElement> _results = new();
    private readonly ConcurrentDictionary<string, string> _pages = new();
    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("chromium-");
    private readonly SemaphoreSlim _starting = new(1);
    private Process? _chromium;
    private Uri? _devTools;

    public ArticleBrowser()
    {
        (_listener, Origin) = Listen();
        _ = ServeAsync();
    }

    public string Origin { get; }

    private static (HttpListener Listener, string Origin) Listen()
    {
        for (var port = 21_000 + Environment.ProcessId % 10_000; ; port++)
        {
            var listener = new HttpListener();
            listener.Prefixes.Add($"http://localhost:{port}/");
            try
            {
                listener.Start();
                return (listener, $"http://localhost:{port}");
            }
            // Another program has the port. This listener cannot start again.
            catch (HttpListenerException)
            {
                listener.Close();
            }
        }
    }

    /// <summary>Opens a page with <c>api</c> and <c>report</c> set; skips where there is no Chromium.</summary>
    internal async Task<BrowserPage> OpenAsync(string article, Uri api, string query = "")
    {
        var devTools = await DevToolsAsync();
        var page = Guid.NewGuid().ToString("N");
        var html = File.ReadAllText(
            Path.Combine(Repository.Root, "tests", "Integration", "Seeds", "Articles", article)
        );

        // One report after the other: on two connections, an older one could come last.
        var given = $$"""
            <script>
            const api = '{{api.ToString().TrimEnd('/')}}';
            let reported = Promise.resolve();
            const report = (result) => {
              const body = JSON.stringify(result);
              reported = reported.then(() => fetch('/result/{{page}}', { method: 'POST', body }));
            };
            </script>

            """;
        _pages[page] = html.Replace("<script>", given + "<script>", StringComparison.Ordinal);

        var url = Uri.EscapeDataString($"{Origin}/{page}{query}");
        using var opened = await Http.PutAsync(new Uri(devTools, $"/json/new?{url}"), content: null);
        var close = new Uri(devTools, $"/json/close/{(await opened.JsonAsync()).Text("id")}");

        return new BrowserPage(
            () => _results.TryGetValue(page, out var result) ? result : null,
            async () => (await Http.GetAsync(close)).Dispose()
        );
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();

        if (_chromium is not null)
        {
            _chromium.Kill(entireProcessTree: true);
            await _chromium.WaitForExitAsync();
            _chromium.Dispose();
        }

        _starting.Dispose();

        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException) { } // a child process still writes to the temporary folder
    }

    /// <summary>Returns the address that opens and closes tabs; starts Chromium for the first one.</summary>
    private async Task<Uri> DevToolsAsync()
    {
        var chromium = await Chromium.GetAsync();
        Assert.SkipWhen(chromium.Path is null, chromium.Reason);
        await _starting.WaitAsync(TestContext.Current.CancellationToken);

        try
        {
            return _devTools ??= await StartAsync(chromium.Path);
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task<Uri> StartAsync(string chromium)
    {
        string[] arguments =
        [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            $"--user-data-dir={_profile.FullName}",
            "--remote-debugging-port=0",
            "about:blank",
        ];

        _chromium = Process.Start(
            new ProcessStartInfo(chromium, arguments) { RedirectStandardError = true, RedirectStandardOutput = true }
        )!;
        _chromium.BeginErrorReadLine();
        _chromium.BeginOutputReadLine();

        var file = Path.Combine(_profile.FullName, "DevToolsActivePort");
        await Eventually.HoldsAsync(() => File.Exists(file) && PortIn(file) is not null, "Chromium takes commands");
        return new Uri($"http://127.0.0.1:{PortIn(file)}");
    }

    private static string? PortIn(string file) => File.ReadAllLines(file) is [var port, _, ..] ? port : null;

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = AnswerAsync(context); // a page that is closed while it reports must not hold up the next one
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var path = context.Request.Url!.AbsolutePath.Split('/');
        if (path is [_, "result", var of])
            _results[of] = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.InputStream);
        else if (_pages.TryGetValue(path[^1], out var html))
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(html));
        }
        else
            context.Response.StatusCode = 404;

        context.Response.Close();
    }
}

/// <summary>A tab that shows one page.</summary>
internal sealed class BrowserPage(Func<JsonElement?> result, Func<Task> close) : IAsyncDisposable
{
    /// <summary>The page's last report, or null before the first.</summary>
    public JsonElement? Result => result();

    /// <summary>The page's last report that meets the condition; waits for it.</summary>
    public async Task<JsonElement> WaitAsync(Func<JsonElement, bool> condition, string what)
    {
        await Eventually.HoldsAsync(
            () => Result is { } said && condition(said),
            what,
            () => $"The page said: {Result}"
        );
        return Result!.Value;
    }

    public async ValueTask DisposeAsync() => await close();
}
