using System.Diagnostics;
using Harness;

namespace Integration.Security;

/// <summary>Limits that the replicas count together.</summary>
[Trait("Takes", "long")]
public sealed class SharedLimitTests
{
    [Fact]
    public async Task A_limit_of_each_kind_is_shared_by_all_replicas()
    {
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Broadcasters(0)
                .Set(SecureSystem.Settings)
                .Set("Limits:NewStreamsPerMinute", 6)
                .Set("Limits:PublishesPerSecond", 20)
                .Set("AspireSse:Llm:GenerationsPerMinute", 2)
                .Set("Limits:RedisMilliseconds", 5000)
                .ApiKey(SecureSystem.OperatorKey)
        );
        Uri[] replicas = [.. system.Replicas.Select(r => r.Url)];

        const string Orders = "GET /v1/events/stream?topic=orders.a";
        for (var round = 0; round < 3; round++)
            await ExpectAsync(200, Orders, "ann");

        await ExpectAsync(429, Orders, "ann");
        await ExpectAsync(200, Orders, "bob");
        await ExpectAsync(400, "POST /v1/chat/completions", "eve");
        await ExpectAsync(429, "POST /v1/chat/completions", "eve");

        var dan = Tokens.Of("dan", publish: ["orders.>"]);
        var publishing = Stopwatch.StartNew();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(i => replicas[i % 2].StatusAsync("POST /v1/events", dan, new EventBody("orders.a", "n", 1)))
        );
        // The burst, its replenishment meanwhile, and the block of one replica.
        Assert.InRange(answers.Count(a => a == 202), 38, 40 + 20 * publishing.Elapsed.TotalSeconds + 2);
        Assert.All(answers, a => Assert.True(a is 202 or 429));

        // On each replica.
        async Task ExpectAsync(int status, string request, string user)
        {
            var token = Tokens.Of(user, subscribe: ["orders.>"], publish: ["chat"]);
            foreach (var replica in replicas)
                await replica.ExpectAsync(status, request, token, request.StartsWith("GET") ? null : "{}");
        }
    }
}
