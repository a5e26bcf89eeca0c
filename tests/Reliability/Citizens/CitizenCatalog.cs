using System.Collections.Concurrent;
using System.Diagnostics;

namespace Reliability.Citizens;

/// <summary>The regular clients of an ordinary day.</summary>
internal static class CitizenCatalog
{
    private const int Browsers = 2_000,
        BrowsersPerSecond = 50,
        Reloads = 5,
        Lines = 20_000,
        LinesPerSecond = 20_000,
        Runs = 500;

    private static readonly (string, Func<CitizenClient, CancellationToken, Task>) Abuser =
            ("a publisher at full speed", PublishAsync),
        Importer = ("another import", ImportAgainAsync);

    public static IReadOnlyList<ICheck> All { get; } =
    [
        new CitizenCheck("an import of 20,000 events", ImportAsync),
        new CitizenCheck("an import of 20,000 events", ImportAsync, Importer),
        new CitizenCheck("an import of 20,000 events", ImportAsync, Abuser),
        new CitizenCheck("a dashboard of three streams, reloaded five times", ReloadAsync),
        new CitizenCheck("a dashboard of three streams, reloaded five times", ReloadAsync, Abuser),
        new CitizenCheck("2,000 browsers with tickets of one API key", BrowseAsync),
        new CitizenCheck("2,000 browsers with tickets of one API key", BrowseAsync, Abuser),
        new CitizenCheck("500 runs begun within a minute", RunAsync),
        new CitizenCheck("500 runs begun within a minute", RunAsync, Abuser),
    ];

    private static string User(string name) =>
        SystemSettings.User($"{name}-{Guid.NewGuid():N}", [">"], ["citizens.>", "generations.*"]);

    private static async Task<CitizenResult> ImportAsync(CitizenClient client, CancellationToken cancellationToken)
    {
        // Compiles the code on the way, as any earlier import does.
        await client.PostAsync("/v1/events", User("warm"), LinesOf(2_000), cancellationToken, "application/x-ndjson");
        var body = LinesOf(Lines);
        var clock = Stopwatch.StartNew();
        var refused = await client.PostAsync(
            "/v1/events",
            User("importer"),
            body,
            cancellationToken,
            "application/x-ndjson"
        );

        return new CitizenResult(Lines, refused is null ? [] : [refused], clock.Elapsed.TotalSeconds, LinesPerSecond);
    }

    private static string LinesOf(int count) =>
        string.Concat(
            Enumerable
                .Range(0, count)
                .Select(n => $$"""{"topic":"citizens.import.{{n % 100}}","type":"row","data":{{n}}}""" + "\n")
        );

    private static async Task<CitizenResult> ReloadAsync(CitizenClient client, CancellationToken cancellationToken)
    {
        var token = User("visitor");
        var refused = new List<string>();
        var clock = Stopwatch.StartNew();

        for (var load = 0; load <= Reloads; load++)
        {
            var streams = await Task.WhenAll(
                Enumerable.Range(0, 3).Select(n => client.OpenAsync($"topic=citizens.{n}.>", token, cancellationToken))
            );
            refused.AddRange(streams.Select(s => s.Refused).OfType<string>());
            await Task.Delay(500, cancellationToken);

            foreach (var (stream, _) in streams)
                stream?.Dispose();
        }

        return new CitizenResult(3 * (Reloads + 1), refused, clock.Elapsed.TotalSeconds);
    }

    private static async Task<CitizenResult> BrowseAsync(CitizenClient client, CancellationToken cancellationToken)
    {
        var open = new ConcurrentBag<HttpResponseMessage>();
        var result = await EachAsync(Browsers, BrowsersPerSecond, OpenAsync, cancellationToken);

        foreach (var stream in open)
            stream.Dispose();

        return result;

        async Task<string?> OpenAsync(int number)
        {
            try
            {
                var ticket = await client.TicketAsync($"citizens.{number % 100}.>", cancellationToken);
                var (stream, refused) = await client.OpenAsync(
                    $"topic=citizens.{number % 100}.>&ticket={Uri.EscapeDataString(ticket)}",
                    null,
                    cancellationToken
                );
                if (stream is not null)
                    open.Add(stream);

                return refused;
            }
            catch (HttpRequestException e)
            {
                return e.Message;
            }
        }
    }

    private static Task<CitizenResult> RunAsync(CitizenClient client, CancellationToken cancellationToken)
    {
        var token = User("runner");
        const string body = """{"provider":"demo","model":"demo","messages":[{"role":"user","content":"Hello"}]}""";
        return EachAsync(
            Runs,
            perSecond: 10,
            _ => client.PostAsync("/v1/generations", token, body, cancellationToken),
            cancellationToken
        );
    }

    /// <summary>Does something at a rate, whatever the answers.</summary>
    private static async Task<CitizenResult> EachAsync(
        int count,
        int perSecond,
        Func<int, Task<string?>> act,
        CancellationToken cancellationToken
    )
    {
        var clock = Stopwatch.StartNew();
        var under = new List<Task<string?>>();

        for (var number = 0; number < count; number++)
        {
            under.Add(act(number));
            var wait = TimeSpan.FromSeconds((double)(number + 1) / perSecond) - clock.Elapsed;
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, cancellationToken);
        }

        var answers = await Task.WhenAll(under);
        return new CitizenResult(count, [.. answers.OfType<string>()], clock.Elapsed.TotalSeconds);
    }

    private static Task PublishAsync(CitizenClient client, CancellationToken over)
    {
        var token = User("abuser");
        return Task.WhenAll(Enumerable.Range(0, 32).Select(_ => RepeatAsync()));

        async Task RepeatAsync()
        {
            while (!over.IsCancellationRequested)
                await client.PostAsync("/v1/events", token, """{"topic":"citizens.flood","type":"n","data":1}""", over);
        }
    }

    private static async Task ImportAgainAsync(CitizenClient client, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
            await ImportAsync(client, over);
    }
}
