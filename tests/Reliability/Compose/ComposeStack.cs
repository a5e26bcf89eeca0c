using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using AspireSse.Client;
using Harness;
using Harness.Worlds;
using LoadTests;

namespace Reliability.Compose;

/// <summary>The system of deploy/compose.yaml, in a folder and on ports of its own, with its own secrets.</summary>
internal sealed class ComposeStack(ComposeEngine engine) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);
    private readonly string _project = $"sse{Environment.ProcessId}";
    private readonly string _folder = Directory.CreateTempSubdirectory("aspire-sse-compose-").FullName;
    private readonly int _api = FreePort.Take();
    private readonly int _pages = FreePort.Take();
    private readonly int _dashboard = FreePort.Take();
    private readonly int _proxy = FreePort.Take();
    private string _tag = "latest";

    public Uri Api => new($"https://localhost:{_api}");
    public Uri Pages => new($"https://localhost:{_pages}");
    public Uri Dashboard => new($"http://localhost:{_dashboard}");

    /// <summary>The administrator's API key.</summary>
    public string Key { get; private set; } = "";

    /// <summary>Copies the deployment, generates its secrets and starts it, with the images of
    /// <see cref="ComposeImages.Chosen"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RunAsync(
            "sh",
            ["-c", "cp -r compose.yaml haproxy compose-secrets compose-upgrade \"$1\"", "sh", _folder],
            Path.Combine(Repository.Root, "deploy"),
            cancellationToken
        );
        await RunAsync("./compose-secrets", [], _folder, cancellationToken);
        Key = await File.ReadAllTextAsync(Path.Combine(_folder, "secrets", "admin.key"), cancellationToken);
        await RunAsync(
            engine.Compose[0],
            [.. engine.Compose.Skip(1), "-p", _project, "-f", "compose.yaml", "up", "-d"],
            _folder,
            cancellationToken
        );

        using var http = CreateClient();
        for (var waited = Stopwatch.StartNew(); !await IsCompleteAsync(http, cancellationToken); )
        {
            if (waited.Elapsed > StartLimit)
                throw new LoadTestException($"The system did not start:\n{await LogsAsync()}");
            await Task.Delay(500, cancellationToken);
        }
    }

    /// <summary>Runs deploy/compose-upgrade with the images of a tag.</summary>
    public Task UpgradeAsync(string tag, CancellationToken cancellationToken)
    {
        _tag = tag;
        return RunAsync("./compose-upgrade", [], _folder, cancellationToken);
    }

    /// <summary>Kills a service with SIGKILL. What engine and policy do not start again, <see cref="StartAgainAsync"/>
    /// does.</summary>
    public Task KillAsync(string service, CancellationToken cancellationToken) =>
        RunAsync(engine.Program, ["kill", engine.ContainerOf(_project, service)], _folder, cancellationToken);

    /// <summary>Starts a killed service, unless it runs.</summary>
    public Task StartAgainAsync(string service, CancellationToken cancellationToken) =>
        RunAsync(engine.Program, ["start", engine.ContainerOf(_project, service)], _folder, cancellationToken);

    /// <summary>Stops a service as <c>compose stop</c> does.</summary>
    public Task StopAsync(string service, CancellationToken cancellationToken) =>
        RunAsync(
            engine.Program,
            ["stop", "-t", "20", engine.ContainerOf(_project, service)],
            _folder,
            cancellationToken
        );

    /// <summary>Runs a shell command line in a service's container; its redirections are in a folder of this
    /// machine.</summary>
    public Task ExecuteAsync(string service, string command, CancellationToken cancellationToken) =>
        RunAsync(
            "sh",
            ["-c", $"{engine.Program} exec -i {engine.ContainerOf(_project, service)} {command}"],
            _folder,
            cancellationToken
        );

    /// <summary>Waits until both replicas are live behind HAProxy.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        using var http = CreateClient();
        await Eventually.HoldsAsync(
            () => IsCompleteAsync(http, cancellationToken),
            "both replicas are live",
            within: TimeSpan.FromMinutes(2),
            stop: cancellationToken
        );
    }

    /// <summary>Gives the image of a service a second tag with another label, as the image of a new version.</summary>
    public async Task TagAsync(string image, string tag, CancellationToken cancellationToken) =>
        await RunAsync(
            "sh",
            [
                "-c",
                $"printf 'FROM aspire-sse/{image}:latest\\nLABEL upgrade={tag}\\n' "
                    + $"| {engine.Build} -q -t aspire-sse/{image}:{tag} -f - .",
            ],
            Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName,
            cancellationToken
        );

    /// <summary>Returns a client with the administrator's key that trusts the generated certificate only.</summary>
    public HttpClient CreateClient(DelegatingHandler? outer = null, bool cookies = false)
    {
        var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_folder, "secrets", "tls.crt"));
        var inner = SseClient.CreateHandler();
        inner.UseCookies = cookies;
        inner.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) =>
            presented?.GetCertHashString() == certificate.Thumbprint;

        if (outer is not null)
            outer.InnerHandler = inner;

        return new HttpClient(outer ?? (HttpMessageHandler)inner)
        {
            BaseAddress = Api,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            DefaultRequestHeaders = { { "X-Api-Key", Key } },
        };
    }

    /// <summary>True when both replicas get events from Redis and HAProxy sends them requests.</summary>
    private async Task<bool> IsCompleteAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            if (await http.GetStringAsync(new Uri($"http://127.0.0.1:{_proxy}/"), cancellationToken) != "2")
                return false;
            var replicas = await http.GetStringAsync(new Uri("/v1/replicas", UriKind.Relative), cancellationToken);
            return replicas.Split("\"mode\":\"live\"").Length > 2;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public async Task<string> LogsAsync()
    {
        var names = await RunAsync(
            engine.Program,
            ["ps", "-a", "--filter", $"label=com.docker.compose.project={_project}", "--format", "{{.Names}}"],
            _folder,
            CancellationToken.None
        );
        var text = "";
        foreach (var name in names.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            text +=
                $"{name}:\n"
                + await RunAsync(
                    "sh",
                    ["-c", $"{engine.Program} logs --tail 15 {name} 2>&1"],
                    _folder,
                    CancellationToken.None
                )
                + "\n";

        return text;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await RunAsync(
                "sh",
                [
                    "-c",
                    """
                    label=label=com.docker.compose.project=$1
                    $2 ps -aq --filter "$label" | xargs -r $2 rm -f
                    $2 volume ls -q --filter "$label" | xargs -r $2 volume rm
                    $2 network ls -q --filter "$label" | xargs -r $2 network rm
                    """,
                    "sh",
                    _project,
                    engine.Program,
                ],
                _folder,
                CancellationToken.None
            );
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<string> RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        string folder,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(program.StartsWith('.') ? Path.Combine(folder, program) : program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        foreach (var (name, image) in ComposeImages.Chosen)
            start.Environment[name] = image;

        start.Environment["COMPOSE_PROJECT_NAME"] = _project;
        start.Environment["SSE_TAG"] = _tag;
        start.Environment["API_PORT"] = $"{_api}";
        start.Environment["PAGES_PORT"] = $"{_pages}";
        start.Environment["DASHBOARD_PORT"] = $"{_dashboard}";
        start.Environment["PROXY_PORT"] = $"{_proxy}";

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);

        return process.ExitCode == 0
            ? (await output).TrimEnd()
            : throw new LoadTestException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{await output}\n{await error}"
            );
    }
}
