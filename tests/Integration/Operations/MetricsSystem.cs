using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Harness;
using Integration.Llm;
using Microsoft.AspNetCore.Http;

namespace Integration.Operations;

/// <summary>A replica and a Broadcaster whose metrics Prometheus could read, with events, readers and
/// refusals.</summary>
public sealed partial class MetricsSystem : IAsyncLifetime
{
    internal const string Topic = "read-by-a-client";

    internal const int Readers = 3,
        Events = 40;

    private static readonly HttpClient Http = new();
    private static readonly Dictionary<string, string> Settings = new()
    {
        ["Telemetry__Prometheus__Url"] = "http://127.0.0.1:0",
        // A busy machine delays renewals, and this test counts the leaders.
        ["AspireSse__Relay__LeaseMilliseconds"] = "30000",
    };
    private readonly List<SseReader> _readers = [];
    private FakeUpstream? _upstream;
    private Uri? _ofReplica;
    private Uri? _ofBroadcaster;

    internal World System { get; private set; } = null!;

    internal ServiceProcess Replica => System.Replicas[0].Process;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        System = await World.Start(o =>
            o.Set(Settings)
                .Set("AspireSse__Llm__Providers__OpenAi__BaseUrl", new Uri(_upstream.Url, "/v1").ToString())
                .Set("AspireSse__Llm__Providers__OpenAi__ApiKey", "key")
                .Set("AspireSse__Llm__Providers__OpenAi__Retries", "0")
                .AsProcesses()
        );
        // Before an outage fills the log, of which only the last lines are kept.
        _ofReplica = AddressOf(Replica);
        _ofBroadcaster = AddressOf(System.Broadcasters[0].Process);

        for (var i = 0; i < Readers; i++)
            _readers.Add(await SseReader.OpenAtAsync(Replica.Url, $"/v1/events/stream?topic={Topic}"));

        for (var i = 0; i < Events; i++)
            await World.PublishAsync(Replica, new EventBody(Topic, "n", i));

        foreach (var reader in _readers)
            await reader.WaitAsync(r => r.Events.Count() == Events);

        await RefuseAndAnswerAsync();
        await FailBegunAsync();
    }

    /// <summary>Fails a question whose client has the head of its stream already.</summary>
    private async Task FailBegunAsync()
    {
        var begun = new TaskCompletionSource();
        var prompt = _upstream!.On(async request =>
        {
            await begun.Task;
            request.Context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Replica.Url, "/v1/chat/completions"));
        request.Content = JsonContent.Create(LlmSystem.VendorQuestion(prompt));
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        begun.SetResult();
        Assert.Contains("\"error\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    /// <summary>Refuses two streams and questions to models in each group of routes, and answers two questions, of
    /// which nothing is stored.</summary>
    private async Task RefuseAndAnswerAsync()
    {
        var model = LlmSystem.VendorQuestion("hello", "demo", stream: false);
        var nobodys = LlmSystem.VendorQuestion("hello", "nobodys");
        Assert.Equal(HttpStatusCode.BadRequest, await GetAsync("/v1/events/stream?topik=a"));
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync("/v1/generations/nobodys/stream"));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("/v1/chat/completions", nobodys));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/v1/messages", new { model = "demo" }));
        foreach (var path in (string[])["/api/chat", "/agents/ag-ui", "/v1/generations"])
            Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(path, new { }));
        Assert.Equal(HttpStatusCode.OK, await PostAsync("/v1/chat/completions", model));
        Assert.Equal(HttpStatusCode.OK, await PostAsync("/v1/messages", model));

        async Task<HttpStatusCode> GetAsync(string path)
        {
            using var response = await Http.GetAsync(new Uri(Replica.Url, path));
            return response.StatusCode;
        }

        async Task<HttpStatusCode> PostAsync(string path, object body)
        {
            using var response = await LlmSystem.PostAsync(Replica, path, body);
            return response.StatusCode;
        }
    }

    internal Task<MetricsText> ReplicaMetricsAsync() => ScrapeAsync(_ofReplica!);

    internal Task<MetricsText> BroadcasterMetricsAsync() => ScrapeAsync(_ofBroadcaster!);

    /// <summary>Scrapes until a condition holds, since some metrics are counted once a second.</summary>
    internal static async Task<MetricsText> EventuallyAsync(
        Func<Task<MetricsText>> scrape,
        Func<MetricsText, bool> holds
    )
    {
        MetricsText? last = null;
        await Eventually.HoldsAsync(async () => holds(last = await scrape()), "the metrics are as expected");
        return last!;
    }

    /// <summary>Returns the address of <c>/metrics</c>, which the service's log names at its start.</summary>
    private static Uri AddressOf(ServiceProcess service)
    {
        var url = Address().Match(service.Output);
        Assert.True(url.Success, service.Output);
        return new Uri(url.Groups[1].Value);
    }

    private static async Task<MetricsText> ScrapeAsync(Uri url)
    {
        using var response = await Http.GetAsync(url, TestContext.Current.CancellationToken);
        Assert.StartsWith("text/plain; version=0.0.4", response.Content.Headers.ContentType?.ToString());
        return MetricsText.Parse(
            await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _readers)
            await reader.DisposeAsync();
        await System.DisposeAsync();
        await _upstream!.DisposeAsync();
    }

    [GeneratedRegex(@"Prometheus reads the metrics at (http://\S+/metrics)")]
    private static partial Regex Address();
}
