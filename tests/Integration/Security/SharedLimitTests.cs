using System.Diagnostics;
using System.Net;
using Harness;

namespace Integration.Security;

/// <summary>Limits that the replicas count together.</summary>
[Trait("Takes", "long")]
public sealed class SharedLimitTests
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post;

    [Fact]
    public async Task A_limit_is_shared_by_all_replicas_and_counted_per_replica_without_Redis()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__NewStreamsPerMinute"] = "6",
            ["Limits__PublishesPerSecond"] = "20",
            ["Limits__GenerationsPerMinute"] = "2",
            ["Limits__RedisMilliseconds"] = "5000",
        };
        await using var system = await World.Start(o =>
            o.Replicas(2).Broadcasters(0).Set(settings).ApiKey(SecureSystem.OperatorKey)
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
                        new EventBody("orders.a", "n", 1)
                    )
                )
        );
        // The burst, its replenishment meanwhile, and the block of one replica.
        Assert.InRange(
            answers.Count(a => a == HttpStatusCode.Accepted),
            38,
            40 + 20 * publishing.Elapsed.TotalSeconds + 2
        );
        Assert.All(answers, a => Assert.True(a is HttpStatusCode.Accepted or HttpStatusCode.TooManyRequests));

        system.Redis.Freeze();
        // All at once, because each request to Redis now waits for its timeout.
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
        await Eventually.HoldsAsync(
            async () =>
            {
                // A new user each time, whose limit is exhausted on the other replica.
                var user = $"fay{turn++}";
                for (var i = 0; i < 6; i++)
                    await SecureSystem.StatusAsync(replicas[0], Get, Path, Tokens.Of(user, subscribe: ["orders.>"]));
                return await SecureSystem.StatusAsync(replicas[1], Get, Path, Tokens.Of(user, subscribe: ["orders.>"]))
                    == HttpStatusCode.TooManyRequests;
            },
            "the replicas count together again"
        );
    }
}
