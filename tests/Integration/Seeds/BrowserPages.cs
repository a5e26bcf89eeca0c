using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Stack;

namespace Integration.Seeds;

/// <summary>Serves the articles' pages from another origin and shows one in a real Chromium; the page reports what it
/// received. So the browser's own EventSource reads the streams across origins.</summary>
public sealed class BrowserPages : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, JsonElement> _results = new();
    private readonly ConcurrentDictionary<string, string> _pages = new();

    public BrowserPages()
    {
        for (var port = 21_000 + Environment.ProcessId % 10_000; ; port++)
        {
            try
            {
                _listener.Prefixes.Add($"http://localhost:{port}/");
                _listener.Start();
                Origin = $"http://localhost:{port}";
                break;
            }
            catch (HttpListenerException)
            {
                _listener.Prefixes.Clear();
            }
        }
        _ = ServeAsync();
    }

    public string Origin { get; }

    /// <summary>Opens a page with <c>api</c> and <c>report</c> set; skips where there is no Chromium.</summary>
    internal async Task<BrowserPage> OpenAsync(string article, Uri api, string query = "")
    {
        var chromium = await Chromium.GetAsync();
        Assert.SkipWhen(chromium.Path is null, chromium.Reason);
        var page = Guid.NewGuid().ToString("N");
        var html = File.ReadAllText(
            Path.Combine(PythonTests.Root, "tests", "Integration", "Seeds", "Articles", article)
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
        return new BrowserPage(
            chromium.Path,
            $"{Origin}/{page}{query}",
            () => _results.TryGetValue(page, out var result) ? result : null
        );
    }

    public void Dispose() => _listener.Close();

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

/// <summary>A Chromium that shows one page.</summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("chromium-");
    private readonly Func<JsonElement?> _result;

    public BrowserPage(string chromium, string url, Func<JsonElement?> result)
    {
        _result = result;
        _process = Process.Start(
            new ProcessStartInfo(
                chromium,
                [
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    $"--user-data-dir={_profile.FullName}",
                    "--remote-debugging-port=0",
                    url,
                ]
            )
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            }
        )!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>The page's last report; null before the first.</summary>
    public JsonElement? Result => _result();

    /// <summary>The page's last report that meets the condition; waits for it.</summary>
    public async Task<JsonElement> WaitAsync(Func<JsonElement, bool> condition, string what)
    {
        await Eventually.HoldsAsync(
            () => _result() is { } result && condition(result),
            what,
            () => $"The page said: {_result()}"
        );
        return _result()!.Value;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException) { } // a child process still writes to the temporary folder
    }
}
