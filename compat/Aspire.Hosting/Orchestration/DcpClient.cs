// Part of the stand-in for Aspire.Hosting: a client of DCP's API, which is HTTPS and JSON in the manner of
// Kubernetes. The API has no stability promise, so the bundle's version is pinned. Not affiliated with Microsoft.
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

internal sealed record DcpEvent(string Type, JsonNode Object)
{
    public string Name => (string)Object["metadata"]!["name"]!;
    public string Uid => (string)Object["metadata"]!["uid"]!;
}

internal sealed class DcpClient : IDisposable
{
    private const string Group = "usvc-dev.developer.microsoft.com/v1";
    private const string MergePatch = "application/merge-patch+json";
    private readonly HttpClient _http;
    private readonly string _session;

    public DcpClient(Kubeconfig kubeconfig, string session)
    {
        _session = session;
        var authority = X509CertificateLoader.LoadCertificate(kubeconfig.CertificateAuthority);
        // DCP listens on loopback, which .NET would reach through the environment's proxy.
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseProxy = false };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(authority);
        // Calls are bounded by their tokens: watches and logs have no end, so a client timeout would cut them.
        _http = new HttpClient(handler)
        {
            BaseAddress = kubeconfig.Server,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", kubeconfig.Token);
    }

    /// <summary>The reason why the server was not ready when it was last asked.</summary>
    public string Problem { get; private set; } = "it was not asked yet";

    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var response = await _http.GetAsync($"apis/{Group}", cancellationToken);
                if (response.IsSuccessStatusCode)
                    return;
                Problem = $"it answered {(int)response.StatusCode}";
            }
            catch (HttpRequestException e)
            {
                // Normal until the server listens.
                Problem = e.Message;
            }
            await Task.Delay(20, cancellationToken);
        }
    }

    public async Task CreateAsync(string plural, JsonObject body, CancellationToken cancellationToken)
    {
        body["apiVersion"] = Group;
        using var response = await _http.PostAsync(
            $"apis/{Group}/{plural}",
            Json(body, "application/json"),
            cancellationToken
        );
        await ReadAsync(response, cancellationToken);
    }

    public async Task<JsonNode?> GetAsync(string plural, string name, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"apis/{Group}/{plural}/{name}", cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null : await ReadAsync(response, cancellationToken);
    }

    /// <summary>Stops the process or container and keeps its object,
    /// log and exit code. False when it does not exist.</summary>
    public async Task<bool> StopAsync(string plural, string name, CancellationToken cancellationToken)
    {
        var patch = new JsonObject { ["spec"] = new JsonObject { ["stop"] = true } };
        using var response = await _http.PatchAsync(
            $"apis/{Group}/{plural}/{name}",
            Json(patch, MergePatch),
            cancellationToken
        );
        if (response.StatusCode == HttpStatusCode.NotFound)
            return false;
        await ReadAsync(response, cancellationToken);
        return true;
    }

    /// <summary>Deletes the object and waits until it is gone. Only then is its name free again.</summary>
    public async Task DeleteAsync(string plural, string name, CancellationToken cancellationToken)
    {
        using (var response = await _http.DeleteAsync($"apis/{Group}/{plural}/{name}", cancellationToken))
        {
            if (response.StatusCode == HttpStatusCode.NotFound)
                return;
            await ReadAsync(response, cancellationToken);
        }
        while (await GetAsync(plural, name, cancellationToken) is not null)
            await Task.Delay(50, cancellationToken);
    }

    /// <summary>Yields every existing object (as ADDED), then every change.
    /// DCP ends a watch now and then; it is started again.</summary>
    public async IAsyncEnumerable<DcpEvent> WatchAsync(
        string plural,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await foreach (var line in LinesAsync($"apis/{Group}/{plural}?watch=true", cancellationToken))
            {
                var change = JsonNode.Parse(line)!;
                yield return new DcpEvent((string)change["type"]!, change["object"]!);
            }
            await Task.Delay(200, cancellationToken);
        }
    }

    /// <param name="source">stdout, stderr or system (DCP's own messages)</param>
    public IAsyncEnumerable<string> LogsAsync(
        string plural,
        string name,
        string source,
        CancellationToken cancellationToken
    ) => LinesAsync($"apis/{Group}/{plural}/{name}/log?follow=true&timestamps=true&source={source}", cancellationToken);

    /// <summary>Ends DCP and everything that it still runs. DCP deletes its session folder last.</summary>
    public async Task StopServerAsync(CancellationToken cancellationToken)
    {
        var patch = new JsonObject { ["status"] = "Stopping", ["shutdownResourceCleanup"] = "Full" };
        try
        {
            using var response = await _http.PatchAsync("admin/execution", Json(patch, MergePatch), cancellationToken);
        }
        catch (HttpRequestException)
        {
            // The server may stop before it has answered, which is the goal of the call.
        }
        while (Directory.Exists(_session))
            await Task.Delay(50, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async IAsyncEnumerable<string> LinesAsync(
        string path,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException)
        {
            yield break;
        }
        using (response)
        {
            if (!response.IsSuccessStatusCode)
                yield break;
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
            while (true)
            {
                string? line;
                try
                {
                    line = await reader.ReadLineAsync(cancellationToken);
                }
                catch (Exception e) when (e is IOException or HttpRequestException)
                {
                    yield break;
                }
                if (line is null)
                    yield break;
                yield return line;
            }
        }
    }

    // The charset parameter is left out: admin/execution answers 415 to `application/merge-patch+json; charset=utf-8`.
    private static StringContent Json(JsonObject body, string mediaType) =>
        new(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(mediaType));

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (response.IsSuccessStatusCode)
            return JsonNode.Parse(text)!;
        throw new InvalidOperationException(
            $"Aspire's orchestrator answered {(int)response.StatusCode} to {response.RequestMessage?.Method} "
                + $"{response.RequestMessage?.RequestUri?.AbsolutePath}: {text}"
        );
    }
}
