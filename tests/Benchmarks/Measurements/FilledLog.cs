using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>A system whose log was filled before its start, and which replays from its store only.</summary>
internal sealed class FilledLog : IAsyncDisposable
{
    /// <summary>Rows with a hundred events of each topic, and a thousand of each group of ten topics.</summary>
    public const int Part = 10_000;

    /// <summary>Groups without an event of the rare topic.</summary>
    public const int Groups = 9;

    private readonly HttpClient _http;
    private int _replays;

    private FilledLog(string name, long rows, StreamApiPeer replica)
    {
        Name = name;
        Rows = rows;
        Replica = replica;
        _http = new HttpClient { BaseAddress = replica.Address };
    }

    public string Name { get; }
    public long Rows { get; }
    public StreamApiPeer Replica { get; }
    private string Epoch { get; set; } = "";

    public static async Task<FilledLog> StartAsync(
        string name,
        long rows,
        BenchmarkRun run,
        CancellationToken cancellationToken
    )
    {
        var replica = await StreamApiPeer.StartAsync(
            durable: !run.Options.NoFsync,
            cancellationToken,
            new() { ["AspireSse__Streaming__RecentEvents"] = "0" },
            run.StreamApi.System.Build,
            store => LogFill.RunAsync(store, rows, run.Progress, cancellationToken)
        );
        var log = new FilledLog(name, rows, replica);
        var page = await log._http.GetFromJsonAsync<JsonElement>("/v1/events?limit=1", cancellationToken);
        log.Epoch = page.GetProperty("head").GetString()!.Split('-')[0];
        return log;
    }

    /// <summary>Reads a page of a topic's history.</summary>
    /// <exception cref="BenchmarkException">The page has another number of events.</exception>
    public async Task PageAsync(string topic, long after, int events, CancellationToken cancellationToken)
    {
        var page = await _http.GetByteArrayAsync(
            $"/v1/events?topic={topic}&after={Epoch}-{after}&limit=100",
            cancellationToken
        );

        var found = page.AsSpan().Count("\"position\":"u8);
        if (found != events)
            throw new BenchmarkException($"{Name}: a page of {topic} after {after} has {found} events, not {events}.");
    }

    /// <summary>Resumes readers, each a thousand events of a group behind, and reads these.</summary>
    public Task ReplayAsync(int readers, CancellationToken cancellationToken)
    {
        // Without a topic of its own a replay would share the pages that the store had for the one before.
        var topics = $"topic=none.{++_replays}&topic=history";
        var first = _replays;
        return Task.WhenAll(
            Enumerable.Range(first, readers).Select(i => ReplayAsync(topics, i % Groups, cancellationToken))
        );
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Replica.DisposeAsync();
    }

    /// <exception cref="BenchmarkException">The thousandth event is not the group's newest, or is missing.</exception>
    private async Task ReplayAsync(string topics, int group, CancellationToken cancellationToken)
    {
        const int Events = 1_000;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/events/stream?{topics}.{group}.*");
        request.Headers.Add("Last-Event-ID", $"{Epoch}-{Rows - Part}");
        using var response = await _http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            cancellationToken
        );
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);

        var number = 0;
        var last = "";
        var events = SseParser.Create(stream, (type, _) => type).EnumerateAsync(cancellationToken);
        await foreach (var item in events.Where(item => item.EventType == "event").Take(Events))
        {
            number++;
            last = item.EventId;
        }

        var newest = $"{Epoch}-{Rows - 90 + 10 * group}";
        if (number < Events || last != newest)
            throw new BenchmarkException($"{Name}: a replay ended with event {number:N0}, {last}, not with {newest}.");
    }
}
