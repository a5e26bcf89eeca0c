using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Harness;
using Integration.Delivery;
using Stack;

namespace Integration.Security;

/// <summary>One client misuses the server under the default Production limits. tests/Reliability measures the effect on
/// others; these tests assert no times.</summary>
public sealed class AbuseTests(StackFixture stack)
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    [Fact]
    public async Task One_clients_work_delays_no_other_clients_events()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__RedisMilliseconds"] = "20000",
        };
        settings.Remove("Limits__NewStreamsPerMinute");
        settings.Remove("Limits__PublishesPerSecond");
        await using var system = await DeliverySystem.StartAsync(
            stack,
            replicas: 2,
            settings: settings,
            apiKey: SecureSystem.OperatorKey
        );
        Uri[] replicas = [.. system.Replicas.Select(r => r.Url)];
        var (abuser, ann) = (
            Tokens.Of("abuser", ["flood.>"], ["flood.>"]),
            Tokens.Of("ann", ["others.>"], ["others.>"])
        );
        await using var reader = await SecureSystem.OpenAsync(replicas[1], "/v1/events/stream?topic=others.a", ann);
        await reader.WaitAsync(r => r.LastId is not null);

        // Opens many connections: a few get a stream, the others a time to come back.
        var opened = await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(i => SecureSystem.SendAsync(replicas[i % 2], Get, "/v1/events/stream?topic=flood.%3E", abuser))
        );
        Assert.Equal(10, opened.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.All(
            opened.Where(a => a.StatusCode != HttpStatusCode.OK),
            a =>
                Assert.Equal(
                    (HttpStatusCode.TooManyRequests, true),
                    (a.StatusCode, a.Headers.RetryAfter?.Delta > TimeSpan.Zero)
                )
        );
        // A client that ignores refusals does not keep its connections.
        Assert.True(opened.Count(a => a.StatusCode != HttpStatusCode.OK && a.Headers.ConnectionClose == true) > 200);
        // Adds request heads that never end; the ten streams are not read either.
        var heads = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => HeadWithoutEndAsync(replicas[i % 2])));

        using var over = new CancellationTokenSource();
        var flooding = Enumerable
            .Range(0, 4)
            .Select(async i =>
            {
                while (!over.IsCancellationRequested)
                    Assert.True(
                        await SecureSystem.StatusAsync(
                            replicas[i % 2],
                            Post,
                            "/v1/events",
                            abuser,
                            new EventBody("flood.a", "n", new string('x', 20_000))
                        )
                            is HttpStatusCode.Accepted
                                or HttpStatusCode.TooManyRequests
                    );
            })
            .ToList();
        flooding.AddRange(CostlyRequests(replicas, over.Token));
        for (var i = 0; i < 100; i++)
            Assert.Equal(
                HttpStatusCode.Accepted,
                await SecureSystem.StatusAsync(replicas[0], Post, "/v1/events", ann, new EventBody("others.a", "n", i))
            );
        await reader.WaitForEventsAsync(100);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), reader.Events.Select(e => e.Data));

        await over.CancelAsync();
        await Task.WhenAll(flooding);
        foreach (var answer in opened)
            answer.Dispose();
        foreach (var head in heads)
            head.Dispose();
    }

    /// <summary>Sends requests that are cheap to send and expensive to answer: patterns, bulk, unread pages, sessions.
    /// The server may refuse them but must not fail.</summary>
    private static IEnumerable<Task> CostlyRequests(Uri[] replicas, CancellationToken over)
    {
        string[] topics = ["flood.>", "sessions.>"];
        var (token, patterns) = (
            Tokens.Of("abuser", topics, topics),
            string.Join('&', Enumerable.Range(0, 100).Select(n => $"topic=flood.*.none{n}.%3E"))
        );
        var line = JsonSerializer.Serialize(new EventBody("flood.lines", "n", new string('x', 200_000))) + "\n";
        var session = Guid.NewGuid();
        Func<Uri, Task<HttpResponseMessage>>[] asked =
        [
            server => SecureSystem.SendAsync(server, Get, "/v1/events?" + patterns, token),
            server =>
                SecureSystem.SendAsync(
                    server,
                    Post,
                    "/v1/events",
                    token,
                    new StringContent(string.Concat(Enumerable.Repeat(line, 5)), Encoding.UTF8, "application/x-ndjson")
                ),
            server => SecureSystem.SendAsync(server, Get, "/v1/events?topic=flood.lines&limit=1000", token),
            server => SecureSystem.SendAsync(server, Post, "/session", token, new { }),
            server => SecureSystem.SendAsync(server, Post, $"/message/{session}", token, new { content = "x" }),
        ];
        var unread = new ConcurrentBag<HttpResponseMessage>();
        return asked.Select(async ask =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                var response = await ask(replicas[i % replicas.Length]);
                Assert.True(
                    (int)response.StatusCode < 500
                        || response is { StatusCode: HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null },
                    $"{response}"
                );
                unread.Add(response); // the answer is not read until the end
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
        await using var system = await DeliverySystem.StartAsync(
            stack,
            broadcasters: 0,
            settings: settings,
            apiKey: SecureSystem.OperatorKey
        );
        var server = system.Replicas[0].Url;
        Task<bool>[] From(string address, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => AliveFromAsync(address, server))];
        static async Task UntilAsync(Task<bool>[] asked, bool answered, int count)
        {
            while (asked.Count(a => a.IsCompletedSuccessfully && a.Result == answered) < count)
                await Task.WhenAny(asked.Where(a => !a.IsCompleted));
        }

        var opened = Stopwatch.StartNew();
        var abuser = From("127.0.0.2", Turns + TooMany);
        // A connection that would wait more than ten seconds is closed.
        await UntilAsync(abuser, answered: false, TooMany / 2);
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.3", Rate)));
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.9", Turns + TooMany)));
        // The others get their turns: a second's worth at once, then one after the other.
        await UntilAsync(abuser, answered: true, 2 * Rate);
        Assert.True(opened.Elapsed > TimeSpan.FromSeconds(0.9), $"after {opened.Elapsed}");
        Assert.Contains(abuser, a => !a.IsCompleted);
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
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes("GET /v1/replicas HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
        return socket;
    }
}
