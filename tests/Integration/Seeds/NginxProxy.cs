using System.Diagnostics;
using System.Text;
using Harness;
using LocalServices;

namespace Integration.Seeds;

/// <summary>A real nginx in front of a stream server, with <c>deploy/nginx.conf</c> or a deliberately wrong copy of
/// it.</summary>
internal sealed class NginxProxy : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;
    private readonly StringBuilder _output = new();

    private NginxProxy(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        Url = new Uri($"http://127.0.0.1:{port}");
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_output)
                _output.AppendLine(line.Data);
        };
    }

    public Uri Url { get; }

    /// <param name="server">Where it passes requests on to.</param>
    /// <param name="spoil">Makes the configuration wrong. Null leaves it as it is.</param>
    public static async Task<NginxProxy> StartAsync(Uri server, Func<string, string>? spoil = null)
    {
        var nginx = Find();
        var folder = Directory.CreateTempSubdirectory("nginx-").FullName;
        var port = FreePort.Take();
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "nginx.conf"));
        var file = Path.Combine(folder, "nginx.conf");

        await File.WriteAllTextAsync(file, Localize(spoil?.Invoke(text) ?? text, server, folder, port));

        var process = new Process
        {
            StartInfo = new ProcessStartInfo(nginx.File, ["-p", folder, "-c", file, "-e", "stderr"])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            },
        };

        if (nginx.Libraries is { } libraries)
            process.StartInfo.Environment["LD_LIBRARY_PATH"] = libraries;

        var proxy = new NginxProxy(process, folder, port);
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();

        try
        {
            await Eventually.HoldsAsync(
                async () =>
                {
                    if (process.HasExited)
                        Assert.Fail($"nginx ended with {process.ExitCode}: {proxy._output}");
                    using var answer = await SeedRequests.SendAsync(proxy.Url, HttpMethod.Get, "/v1/models");
                    return answer.IsSuccessStatusCode;
                },
                "nginx answers"
            );
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }

        return proxy;
    }

    /// <summary>Points the configuration to the server and the port, and makes it small.</summary>
    private static string Localize(string text, Uri server, string folder, int port) =>
        text.Replace(
                "server 127.0.0.1:5080 max_fails=0;",
                $"server {server.Authority} max_fails=0;",
                StringComparison.Ordinal
            )
            .Replace("listen 8080;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal)
            .Replace(
                "worker_processes auto;",
                $"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr;",
                StringComparison.Ordinal
            )
            .Replace("worker_connections 30000;", "worker_connections 512;", StringComparison.Ordinal)
            .Replace(
                "http {",
                "http { access_log off; "
                    + string.Concat(
                        ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(t =>
                            $"{t}_temp_path {folder}/{t}; "
                        )
                    ),
                StringComparison.Ordinal
            );

    /// <summary>The machine's nginx, or Debian's, unpacked beside the stores' programs; skips the test without
    /// either.</summary>
    private static LocalProgram Find()
    {
        try
        {
            return LocalProgram.Find(
                Path.Combine(Repository.Root, ".local", "tools"),
                "nginx",
                ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"],
                "-v",
                ["nginx"],
                "usr/sbin/nginx",
                "Install it (Debian, Ubuntu: sudo apt-get install -y nginx-light)."
            );
        }
        catch (LocalServicesException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
