using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>A system whose log was filled before its start, and which replays from its store only.</summary>
internal sealed class FilledLog(string name, long rows, StreamApiPeer replica, HttpClient http, string epoch)
    : IAsyncDisposable
{
    /// <summary>Rows with a hundred events of each topic, and a thousand of each group of ten topics.</summary>
    public const int Part = 10_000;

    /// <summary>Groups without an event of the rare topic.</summary>
    public const int Groups = 9;

    private int _replays;

    public string Name => name;
    public long Rows => rows;
    public StreamApiPeer Replica => replica;

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
        var http = new HttpClient { BaseAddress = replica.Address };
        var page = await http.GetFromJsonAsync<JsonElement>("/v1/events?limit=1", cancellationToken);
        return new FilledLog(name, rows, replica, http, page.GetProperty("head").GetString()!.Split('-')[0]);
    }

    /// <summary>Reads a page of a topic's history.</summary>
    /// <exception cref="BenchmarkException">The page has another number of events.</exception>
    public async Task PageAsync(string topic, long after, int events, CancellationToken cancellationToken)
    {
        var page = await http.GetByteArrayAsync(
            $"/v1/events?topic={topic}&after={epoch}-{after}&limit=100",
            cancellationToken
        );

        var found = page.AsSpan().Count("\"position\":"u8);
        if (found != events)
            throw new BenchmarkException($"{name}: a page of {topic} after {after} has {found} events, not {events}.");
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
        http.Dispose();
        await replica.DisposeAsync();
    }

    /// <exception cref="BenchmarkException">The thousandth event is not the group's newest, or is missing.</exception>
    private async Task ReplayAsync(string topics, int group, CancellationToken cancellationToken)
    {
        const int Events = 1_000;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/events/stream?{topics}.{group}.*");
        request.Headers.Add("Last-Event-ID", $"{epoch}-{rows - Part}");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);

        var number = 0;
        var last = "";
        var events = SseParser.Create(stream, (type, _) => type).EnumerateAsync(cancellationToken);
        await foreach (var item in events.Where(item => item.EventType == "event").Take(Events))
        {
            number++;
            last = item.EventId;
        }

        var newest = $"{epoch}-{rows - 90 + 10 * group}";
        if (number < Events || last != newest)
            throw new BenchmarkException($"{name}: a replay ended with event {number:N0}, {last}, not with {newest}.");
    }
}
