using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Security;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>The sessions of one user share the user's part of a provider, whoever answers them.</summary>
public sealed class SessionShareTests
{
    private const int Sessions = 3;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sessions_of_a_replica_that_was_lost_still_share_their_owners_part_of_the_provider()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var system = await World.Start(o =>
            o.Set(LlmSystem.Settings(upstream))
                .Set(SecureSystem.Settings)
                .Set("AspireSse:Llm:Providers:OpenAi:MaxConcurrent", 2)
                .ApiKey(SecureSystem.OperatorKey)
        );
        await using var lost = await MortalReplica.StartAsync(system);
        using var ann = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };

        ann.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            Tokens.Of("ann", publish: ["sessions.*"])
        );

        var endless = upstream.Stopping();
        var running = 0;
        var most = 0;
        var readers = new List<SseReader>();
        var next = upstream.On(async request =>
        {
            lock (readers)
                most = Math.Max(most, ++running);

            await request.StartAsync();

            // Long enough that the others would begin meanwhile.
            for (var i = 0; i < 20; i++)
            {
                await request.TokenAsync("next");
                await Task.Delay(50, request.Gone);
            }

            lock (readers)
                running--;

            await request.EndAsync(1);
        });
        for (var i = 0; i < Sessions; i++)
        {
            var created = await PostAsync("/session", new { provider = "openai", model = "gpt-4o" });
            var session = created.Text("session_id");
            await PostAsync("/message/" + session, new { content = endless });
            // Before the stream: the replica of a stream answers too.
            await Eventually.HoldsAsync(
                async () => await system.Database.AskAsync<long>("select count(*) from eventstore.runs") == i + 1,
                "the lost replica answers"
            );
            readers.Add(await SseReader.OpenAsync(system.Replicas[0].Url, "/stream/" + session, client: ann));
            await PostAsync("/message/" + session, new { content = next });
        }

        await lost.KillAsync();

        foreach (var reader in readers)
        {
            await LlmSystem.AnsweredAsync(reader, 2);
            await reader.DisposeAsync();
        }

        Assert.Equal(1, most);

        async Task<JsonElement> PostAsync(string path, object body)
        {
            using var response = await ann.PostAsync(new Uri(lost.Service.Url, path), JsonContent.Create(body), Stop);
            Assert.True(response.IsSuccessStatusCode, await response.TextAsync());
            return await response.JsonAsync();
        }
    }
}
