using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>One client misuses the server under the default Production limits, from an address of its own.
/// tests/Reliability measures the effect on others; here it only must not be many times the usual.</summary>
public sealed class AbuseTests
{
    private const string OtherAddress = "127.0.0.2";
    private const int Rounds = 100;

    /// <summary>Delay of others' events beside the abuse, as a multiple of the delay without it. Work that is not kept
    /// apart costs seconds instead of milliseconds.</summary>
    private const int MostDelay = 10;

    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    [Fact]
    public async Task One_clients_work_delays_no_other_clients_events()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "One machine has many loopback addresses on Linux.");
        await using var system = await StartAsync(replicas: 2);
        await using var quiet = await StartAsync(replicas: 1);
        Uri[] replicas = [.. system.Replicas.Select(r => r.Url)];
        var ann = Tokens.Of("ann", ["others.>"], ["others.>"]);
        await using var reader = await OpenAsync(replicas[1], ann);
        await using var elsewhere = await OpenAsync(quiet.Replicas[0].Url, ann);
        var before = new List<TimeSpan>();
        for (var i = 0; i < Rounds; i++)
            before.Add(await DeliverAsync(replicas[0], ann, reader));

        using var client = ClientOf("flood.>", "sessions.>");
        var opened = await OpenManyAsync(client, replicas);
        // Adds request heads that never end; the ten streams are not read either.
        var heads = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => HeadWithoutEndAsync(replicas[i % 2])));
        var session = await SessionAsync(client, replicas[0]);
        using var over = new CancellationTokenSource();
        var abuse = CostlyRequests(client, replicas, session, over.Token).ToList();
        await Eventually.HoldsAsync(
            async () => await TurnsAsync(client, replicas[0], session) > 0,
            "the session has messages"
        );

        var (beside, apart) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < Rounds; i++)
        {
            beside.Add(await DeliverAsync(replicas[0], ann, reader));
            apart.Add(await DeliverAsync(quiet.Replicas[0].Url, ann, elsewhere));
        }
        await over.CancelAsync();
        await Task.WhenAll(abuse);
        Assert.Equal(Enumerable.Range(0, 2 * Rounds).Select(i => $"{i}"), reader.Events.Select(e => e.Data));
        var usual = new[] { Ninth(before), Ninth(apart) }.Max();
        Assert.True(
            Ninth(beside) <= MostDelay * usual,
            $"90 % of the events took up to {Ninth(beside)} beside the abuse, {Ninth(before)} before it and "
                + $"{Ninth(apart)} in a quiet system meanwhile"
        );
        foreach (var answer in opened)
            answer.Dispose();
        foreach (var head in heads)
            head.Dispose();

        static TimeSpan Ninth(List<TimeSpan> delays) => delays.Order().ElementAt(delays.Count * 9 / 10);
    }

    /// <summary>Starts replicas whose limits are those of Production; only the timeout of the count over all replicas
    /// is that of a busy machine.</summary>
    private static async Task<World> StartAsync(int replicas)
    {
        var settings = SecureSystem
            .Settings.Where(s => !s.Key.StartsWith("Limits__", StringComparison.Ordinal))
            .Append(new("Limits__RedisMilliseconds", "20000"));
        return await World.Start(o =>
            o.Replicas(replicas).Set(settings).ApiKey(SecureSystem.OperatorKey).AsProcesses()
        );
    }

    private static async Task<SseReader> OpenAsync(Uri server, string token)
    {
        var reader = await SecureSystem.OpenAsync(server, "/v1/events/stream?topic=others.a", token);
        await reader.WaitAsync(r => r.LastId is not null);
        return reader;
    }

    /// <summary>Publishes the reader's next number and returns the time until it has arrived.</summary>
    private static async Task<TimeSpan> DeliverAsync(Uri server, string token, SseReader reader)
    {
        var next = reader.Events.Count();
        var begun = Stopwatch.GetTimestamp();
        Assert.Equal(
            HttpStatusCode.Accepted,
            await SecureSystem.StatusAsync(server, Post, "/v1/events", token, new EventBody("others.a", "n", next))
        );
        await reader.WaitForEventsAsync(next + 1);
        return Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>A client with its own address and the right to these topics.</summary>
    private static HttpClient ClientOf(params string[] topics)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = FromOtherAddress();
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var client = new HttpClient(handler) { Timeout = TimeSpan.FromMinutes(2) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", Tokens.Of("load", topics, topics));
        return client;
    }

    private static Socket FromOtherAddress()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(OtherAddress), 0));
        return socket;
    }

    /// <summary>Opens many streams: a few are opened, the others get a time to come back.</summary>
    private static async Task<HttpResponseMessage[]> OpenManyAsync(HttpClient client, Uri[] replicas)
    {
        const int Streams = 300,
            Opened = 10,
            QuickRefusalsPerSecond = 20; // of each replica
        var began = Stopwatch.GetTimestamp();
        var opened = await Task.WhenAll(
            Enumerable
                .Range(0, Streams)
                .Select(i =>
                    client.GetAsync(
                        new Uri(replicas[i % replicas.Length], "/v1/events/stream?topic=flood.%3E"),
                        HttpCompletionOption.ResponseHeadersRead
                    )
                )
        );
        var quick = replicas.Length * QuickRefusalsPerSecond * (1 + (int)Math.Ceiling(Seconds()));
        Assert.Equal(Opened, opened.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.All(
            opened.Where(a => a.StatusCode != HttpStatusCode.OK),
            a =>
                Assert.Equal(
                    (HttpStatusCode.TooManyRequests, true),
                    (a.StatusCode, a.Headers.RetryAfter?.Delta > TimeSpan.Zero)
                )
        );
        // A client that ignores refusals does not keep its connections.
        Assert.InRange(
            opened.Count(a => a.StatusCode != HttpStatusCode.OK && a.Headers.ConnectionClose == true),
            Streams - Opened - quick,
            Streams - Opened
        );
        return opened;

        double Seconds() => Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<string> SessionAsync(HttpClient client, Uri server)
    {
        using var created = await client.PostAsJsonAsync(new Uri(server, "/session"), new { });
        return (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("session_id").GetString()!;
    }

    private static async Task<int> TurnsAsync(HttpClient client, Uri server, string session)
    {
        using var state = await client.GetAsync(new Uri(server, $"/session/{session}"));
        return state.IsSuccessStatusCode
            ? (await state.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("turns").GetArrayLength()
            : 0;
    }

    /// <summary>Sends requests that are cheap to send and expensive to answer: a flood of events, patterns, bulk,
    /// unread pages, a session that is filled and read. The server may refuse them but must not fail.</summary>
    private static IEnumerable<Task> CostlyRequests(
        HttpClient client,
        Uri[] replicas,
        string session,
        CancellationToken over
    )
    {
        var patterns = string.Join('&', Enumerable.Range(0, 100).Select(n => $"topic=flood.*.none{n}.%3E"));
        var line = JsonSerializer.Serialize(new EventBody("flood.lines", "n", new string('x', 200_000))) + "\n";
        var lines = string.Concat(Enumerable.Repeat(line, 20));
        var flood = new EventBody("flood.a", "n", new string('x', 20_000));
        var message = new { content = new string('x', 100_000) };
        (HttpMethod Method, string Path, Func<HttpContent>? Body)[] asked =
        [
            .. Enumerable.Repeat((Post, "/v1/events", (Func<HttpContent>?)(() => JsonContent.Create(flood))), 4),
            (Get, "/v1/events?" + patterns, null),
            (Post, "/v1/events", () => new StringContent(lines, Encoding.UTF8, "application/x-ndjson")),
            (Get, "/v1/events?topic=flood.lines&limit=1000", null),
            (Post, "/session", () => JsonContent.Create(new { })),
            (Post, $"/message/{session}", () => JsonContent.Create(message)),
            (Get, $"/session/{session}", null),
            (Get, $"/stream/{session}", null),
        ];
        return asked.Select(async ask =>
        {
            var unread = new List<HttpResponseMessage>();
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                using var request = new HttpRequestMessage(ask.Method, new Uri(replicas[i % replicas.Length], ask.Path))
                {
                    Content = ask.Body?.Invoke(),
                };
                try
                {
                    var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, over);
                    Assert.True(
                        (int)response.StatusCode < 500
                            || response
                                is { StatusCode: HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null },
                        $"{ask.Path}: {response}"
                    );
                    unread.Add(response); // the answer is not read until the end
                }
                // Connections beyond the address's rate are closed.
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException) { }
            }
            foreach (var response in unread)
                response.Dispose();
        });
    }

    [Fact]
    public async Task An_address_that_connects_too_fast_waits_and_delays_no_other_address()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "One machine has many loopback addresses on Linux.");
        const int Rate = 5,
            Turns = Rate + 10 * Rate,
            TooMany = 40;
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__ConnectionsPerSecond"] = $"{Rate}",
            ["Security__Proxies__0"] = "127.0.0.9",
        };
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set(settings).ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        Task<bool>[] From(string address, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => AliveFromAsync(address, server))];
        static async Task UntilAsync(Task<bool>[] asked, bool answered, int count)
        {
            while (asked.Count(a => a.IsCompletedSuccessfully && a.Result == answered) < count)
                await Task.WhenAny(asked.Where(a => !a.IsCompleted));
        }

        var load = From("127.0.0.2", Turns + TooMany);
        // A connection that would wait more than ten seconds is closed.
        await UntilAsync(load, answered: false, TooMany / 2);
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.3", Rate)));
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.9", Turns + TooMany)));
        // The others get their turns: a second's worth at once, then one after the other.
        await UntilAsync(load, answered: true, 2 * Rate);
        Assert.Contains(load, a => !a.IsCompleted);
    }

    /// <summary>Returns true if the server answers a request from this address, false if it closes the
    /// connection.</summary>
    private static async Task<bool> AliveFromAsync(string address, Uri server)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        try
        {
            await socket.ConnectAsync(server.Host, server.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            return await socket.ReceiveAsync(new byte[16]) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<Socket> HeadWithoutEndAsync(Uri server)
    {
        var socket = FromOtherAddress();
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes("GET /v1/replicas HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
        return socket;
    }
}
