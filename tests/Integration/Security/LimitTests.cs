using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Harness;
using Integration.Delivery;
using Stack;
using StreamApi.Seeds.Petstore;

namespace Integration.Security;

/// <summary>What one client may ask of a server, with the figures of Production.</summary>
[Trait("Takes", "long")]
public sealed class LimitTests(StackFixture stack)
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    [Fact]
    public async Task The_limits_of_Production_are_each_users_own_and_a_resume_is_not_a_new_stream()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__ResumesPerMinute"] = "15",
            ["Limits__PublishesPerSecond"] = "5",
            ["Limits__GenerationsPerMinute"] = "2",
            ["Streaming__MaxConnectionsPerClient"] = "3",
            ["Limits__PublishKilobytesPerSecond"] = "256",
            ["Limits__HeaderSeconds"] = "2",
            ["Limits__BodyGraceSeconds"] = "2",
            ["Limits__RequestsPerSecond"] = "20",
            ["Events__MaxArrayEvents"] = "10",
            ["Events__MaxPageBytes"] = "65536",
            ["EventStore__MaxBatchBytes"] = "65536",
        };
        settings.Remove("Limits__NewStreamsPerMinute"); // 10, the contract's
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: settings,
            apiKey: SecureSystem.OperatorKey
        );
        var server = system.Replicas[0].Url;

        await NewStreamsAsync(server);
        await OpenStreamsAsync(server);
        await PublishesAsync(server);
        await GenerationsAsync(server);
        await SlowClientsAsync(server);
        await SizesAsync(server);
        await PacedAsync(server);
        await PagesAsync(server);
        await RequestsAsync(server);
    }

    /// <summary>What has no limit of its own: of a user, and of an address that has no credential, or a wrong
    /// one.</summary>
    private static async Task RequestsAsync(Uri server)
    {
        foreach (
            var (path, key, answered) in ((string, string?, HttpStatusCode)[])
                [
                    ("/v1/events?limit=1", SecureSystem.OperatorKey, HttpStatusCode.OK),
                    ("/v1/topics", "no such key", HttpStatusCode.Unauthorized),
                    ("/nothing", null, HttpStatusCode.Unauthorized),
                ]
        )
        {
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 300).Select(_ => SecureSystem.SendAsync(server, Get, path, key: key))
            );
            Assert.All(
                answers,
                a =>
                    Assert.True(
                        a.StatusCode == answered
                            || a
                                is {
                                    StatusCode: HttpStatusCode.TooManyRequests,
                                    Headers: { ConnectionClose: true, RetryAfter.Delta.TotalSeconds: >= 1 }
                                },
                        $"{path}: {a}"
                    )
            );
            Assert.Contains(answers, a => a.StatusCode == HttpStatusCode.TooManyRequests);
            foreach (var answer in answers)
                answer.Dispose();
        }
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(
                server,
                Get,
                "/v1/events",
                Tokens.Of("somebody else", subscribe: ["orders.>"])
            )
        );
        Assert.Equal(HttpStatusCode.OK, await SecureSystem.StatusAsync(server, Get, "/alive"));
    }

    [Fact]
    public async Task A_limit_is_one_for_all_replicas_and_each_replicas_own_while_Redis_is_away()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__NewStreamsPerMinute"] = "6",
            ["Limits__PublishesPerSecond"] = "20",
            ["Limits__GenerationsPerMinute"] = "2",
            ["Limits__RedisMilliseconds"] = "5000",
        };
        await using var system = await DeliverySystem.StartAsync(
            stack,
            replicas: 2,
            settings: settings,
            apiKey: SecureSystem.OperatorKey
        );
        Uri[] replicas = [.. system.Replicas.Select(r => r.Url)];
        const string Path = "/v1/events/stream?topic=orders.a";

        async Task OpensAsync(string user, HttpStatusCode expected)
        {
            foreach (var replica in replicas)
            {
                using var answer = await SecureSystem.SendAsync(
                    replica,
                    Get,
                    Path,
                    Tokens.Of(user, subscribe: ["orders.>"])
                );
                Assert.Equal(expected, answer.StatusCode);
                if (expected == HttpStatusCode.TooManyRequests)
                    Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            }
        }

        for (var i = 0; i < 3; i++)
            await OpensAsync("ann", HttpStatusCode.OK);
        await OpensAsync("ann", HttpStatusCode.TooManyRequests);
        await OpensAsync("bob", HttpStatusCode.OK);

        var eve = Tokens.Of("eve", publish: ["chat"]);
        foreach (var replica in replicas)
            Assert.Equal(
                HttpStatusCode.BadRequest,
                await SecureSystem.StatusAsync(replica, Post, "/v1/chat/completions", eve, new { })
            );
        foreach (var replica in replicas)
            Assert.Equal(
                HttpStatusCode.TooManyRequests,
                await SecureSystem.StatusAsync(replica, Post, "/v1/chat/completions", eve, new { })
            );

        var dan = Tokens.Of("dan", publish: ["orders.>"]);
        var publishing = Stopwatch.StartNew();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(i =>
                    SecureSystem.StatusAsync(
                        replicas[i % 2],
                        Post,
                        "/v1/events",
                        dan,
                        new
                        {
                            topic = "orders.a",
                            type = "n",
                            data = 1,
                        }
                    )
                )
        );
        // The burst, what came to it meanwhile, and a replica's block.
        Assert.InRange(
            answers.Count(a => a == HttpStatusCode.Accepted),
            38,
            40 + 20 * publishing.Elapsed.TotalSeconds + 2
        );
        Assert.All(answers, a => Assert.True(a is HttpStatusCode.Accepted or HttpStatusCode.TooManyRequests));

        system.Redis.Freeze();
        // All at once: what asks Redis now waits for it as long as it may.
        foreach (
            var asked in await Task.WhenAll(
                replicas.Select(r =>
                    Task.WhenAll(
                        Enumerable
                            .Range(0, 7)
                            .Select(_ =>
                                SecureSystem.StatusAsync(r, Get, Path, Tokens.Of("cid", subscribe: ["orders.>"]))
                            )
                    )
                )
            )
        )
            Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.OK, 6), HttpStatusCode.TooManyRequests], asked.Order());
        system.Redis.Heal();
        var turn = 0;
        await DeliverySystem.EventuallyAsync(
            async () =>
            {
                // Another user each time, who has asked the other replica for all that one may.
                var user = $"fay{turn++}";
                for (var i = 0; i < 6; i++)
                    await SecureSystem.StatusAsync(replicas[0], Get, Path, Tokens.Of(user, subscribe: ["orders.>"]));
                return await SecureSystem.StatusAsync(replicas[1], Get, Path, Tokens.Of(user, subscribe: ["orders.>"]))
                    == HttpStatusCode.TooManyRequests;
            },
            "the replicas count together again"
        );
    }

    private static async Task NewStreamsAsync(Uri server)
    {
        var (ann, path) = (Tokens.Of("ann", subscribe: ["orders.>"]), "/v1/events/stream?topic=orders.a");
        string? last = null;
        for (var i = 0; i < 10; i++)
        {
            await using var reader = await SecureSystem.OpenAsync(server, path, ann);
            await reader.WaitAsync(r => r.LastId is not null);
            last = reader.LastId;
        }
        using var refused = await SecureSystem.SendAsync(server, Get, path, ann);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        // Another user is not ann, wherever he calls from.
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(server, Get, path, Tokens.Of("bob", subscribe: ["orders.>"]))
        );

        for (var i = 0; i < 15; i++)
        {
            await using var resumed = await SecureSystem.OpenAsync(server, path, ann, last);
            await resumed.WaitAsync(r => r.LastId is not null);
        }
        // 429 would stop a browser for good.
        await using var putOff = await SecureSystem.OpenAsync(server, path, ann, last);
        await putOff.WaitForEndAsync();
        Assert.True(putOff.EndedProperly);
        Assert.Contains(putOff.Frames, f => f.Retry is not null);
        Assert.All(putOff.Frames, f => Assert.Null(f.Id));
    }

    private static async Task OpenStreamsAsync(Uri server)
    {
        var (cid, path) = (Tokens.Of("cid", subscribe: ["orders.>"]), "/v1/events/stream?topic=orders.a");
        var open = new List<SseReader>();
        for (var i = 0; i < 3; i++)
            open.Add(await SecureSystem.OpenAsync(server, path, cid));
        Assert.Equal(HttpStatusCode.TooManyRequests, await SecureSystem.StatusAsync(server, Get, path, cid));
        // Who returns may still have the streams he comes back from; an id, which anybody can make up, opens no more
        // than that.
        for (var i = 0; i < 3; i++)
            open.Add(await SecureSystem.OpenAsync(server, path + "&last_event_id=x-1", cid));
        using (var putOff = await SecureSystem.SendAsync(server, Get, path + "&last_event_id=x-1", cid))
            Assert.Contains(": no place", await putOff.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        foreach (var reader in open)
            await reader.DisposeAsync();
        await DeliverySystem.EventuallyAsync(
            async () => await SecureSystem.StatusAsync(server, Get, path, cid) == HttpStatusCode.OK,
            "a place is given back"
        );
    }

    private static async Task PublishesAsync(Uri server)
    {
        var dan = Tokens.Of("dan", publish: ["orders.>"]);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(_ =>
                    SecureSystem.SendAsync(
                        server,
                        Post,
                        "/v1/events",
                        dan,
                        new
                        {
                            topic = "orders.a",
                            type = "n",
                            data = 1,
                        }
                    )
                )
        );
        Assert.Contains(answers, a => a.StatusCode == HttpStatusCode.Accepted);
        var refused = answers.Where(a => a.StatusCode != HttpStatusCode.Accepted).ToList();
        Assert.NotEmpty(refused);
        Assert.All(
            refused,
            a =>
                Assert.Equal(
                    (HttpStatusCode.TooManyRequests, true),
                    (a.StatusCode, a.Headers.RetryAfter?.Delta > TimeSpan.Zero)
                )
        );
    }

    private static async Task GenerationsAsync(Uri server)
    {
        var eve = Tokens.Of("eve", publish: ["chat"]);
        for (var i = 0; i < 2; i++)
            Assert.Equal(
                HttpStatusCode.BadRequest,
                await SecureSystem.StatusAsync(server, Post, "/v1/chat/completions", eve, new { })
            );
        using var refused = await SecureSystem.SendAsync(server, Post, "/v1/chat/completions", eve, new { });
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(
            "rate_limit_error",
            JsonDocument
                .Parse(await refused.Content.ReadAsStringAsync())
                .RootElement.GetProperty("error")
                .GetProperty("type")
                .GetString()
        );
    }

    /// <summary>Slow-loris: a head, or a body, that never comes to its end.</summary>
    private static async Task SlowClientsAsync(Uri server)
    {
        Assert.StartsWith(
            "HTTP/1.1 408",
            await RawAsync(server, "GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
            StringComparison.Ordinal
        );
        var body = await RawAsync(
            server,
            $"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {SecureSystem.OperatorKey}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        );
        Assert.StartsWith("HTTP/1.1 408", body, StringComparison.Ordinal);
        Assert.DoesNotContain(SecureSystem.OperatorKey, body, StringComparison.Ordinal);
    }

    /// <summary>What is large waits until its publisher may again; the whole of it comes.</summary>
    private static async Task PacedAsync(Uri server)
    {
        var (gil, publishing) = (Tokens.Of("gil", publish: ["orders.>"]), Stopwatch.StartNew());
        var large = new
        {
            topic = "orders.large",
            type = "n",
            data = new string('x', 250 * 1024),
        };
        for (var i = 0; i < 2; i++)
            Assert.Equal(
                HttpStatusCode.Accepted,
                await SecureSystem.StatusAsync(server, Post, "/v1/events", gil, large)
            );
        using var lines = new StringContent(
            $"{JsonSerializer.Serialize(large)}\n{JsonSerializer.Serialize(large)}",
            Encoding.UTF8,
            "application/x-ndjson"
        );
        Assert.Equal(HttpStatusCode.Accepted, await SecureSystem.StatusAsync(server, Post, "/v1/events", gil, lines));
        // A thousand kilobytes at 256 a second, of which the first second's came at once.
        Assert.InRange(publishing.Elapsed.TotalSeconds, 2.5, 60);
    }

    private static async Task SizesAsync(Uri server)
    {
        var topic = string.Join('.', Enumerable.Repeat("a", 33));
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/events",
                body: new
                {
                    topic,
                    type = "n",
                    data = 1,
                },
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(server, Get, "/v1/events?topic=" + topic, key: SecureSystem.OperatorKey)
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                server,
                Get,
                "/v1/events?" + string.Join('&', Enumerable.Range(0, 101).Select(i => $"topic=a{i}")),
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/events",
                body: new
                {
                    topic = "a.b",
                    type = "n",
                    data = new string('x', 1024 * 1024),
                },
                key: SecureSystem.OperatorKey
            )
        );
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(
                server,
                Post,
                "/v1/stream-tickets",
                body: new { topics = new[] { new string('x', 300 * 1024) } },
                key: SecureSystem.OperatorKey
            )
        );
    }

    /// <summary>A page of history ends by its size, too: a thousand events of a megabyte would be a gigabyte of this
    /// server's memory.</summary>
    private static async Task PagesAsync(Uri server)
    {
        var (hal, data) = (Tokens.Of("hal", subscribe: ["pages.a"], publish: ["pages.a"]), new string('x', 40 * 1024));
        var many = Enumerable
            .Range(0, 11)
            .Select(_ => new
            {
                topic = "pages.a",
                type = "n",
                data = "",
            });
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, many)
        );
        // An array is one append: larger than a commit it would have the log to itself. Lines are appended bit by bit.
        var large = Enumerable
            .Range(0, 5)
            .Select(n => new
            {
                topic = "pages.a",
                type = $"n{n}",
                data,
            })
            .ToList();
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, large)
        );
        using var lines = new StringContent(
            string.Join('\n', large.Select(e => JsonSerializer.Serialize(e))),
            Encoding.UTF8,
            "application/x-ndjson"
        );
        Assert.Equal(HttpStatusCode.Accepted, await SecureSystem.StatusAsync(server, Post, "/v1/events", hal, lines));

        var (read, pages, after) = (new List<string?>(), 0, "");
        for (; after is not null; pages++)
        {
            var page = await SecureSystem.JsonAsync(server, Get, "/v1/events?topic=pages.a&limit=1000" + after, hal);
            read.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
            after = page.GetProperty("next").GetString() is { } next ? "&after=" + next : null;
        }
        Assert.Equal(["n0", "n1", "n2", "n3", "n4"], read);
        Assert.Equal(3, pages);
    }

    /// <summary>Sends and then nothing more; what comes back until the server closes.</summary>
    private static async Task<string> RawAsync(Uri server, string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port, limit.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), SocketFlags.None, limit.Token);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(limit.Token);
    }
}
