using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Integration.Llm;

/// <summary>A repeated request with a key starts nothing twice, and every run has a writer or an end.</summary>
public sealed class IdempotencyTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string Header = "Idempotency-Key";

    private static string Key => $"key-{Guid.NewGuid():N}";

    private string Answering() =>
        shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("once");
            await request.EndAsync(1);
        });

    private static object Question(string prompt) =>
        new { provider = "openai", messages = new[] { new { role = "user", content = prompt } } };

    [Fact]
    public async Task A_generation_requested_on_all_replicas_at_once_starts_once_with_one_answer()
    {
        var (key, prompt) = (Key, Answering());
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    LlmSystem.PostAsync(
                        i % 2 == 0 ? shared.World.A : shared.World.B,
                        "/v1/generations",
                        Question(prompt),
                        (Header, key)
                    )
                )
        );
        var bodies = await Task.WhenAll(answers.Select(a => a.Content.ReadAsStringAsync()));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Created, a.StatusCode));
        var body = Assert.Single(bodies.Distinct());
        Assert.Single(answers.Select(a => a.Headers.Location).Distinct());
        var id = JsonDocument.Parse(body).RootElement.GetProperty("id").GetString()!;
        await Eventually.HoldsAsync(
            async () => (await LlmSystem.StateAsync(shared.World.B, id)).GetProperty("status").GetString() == "done",
            "it is done"
        );

        // Also after the end, and with the key in quotes, as in the IETF draft.
        using var late = await LlmSystem.PostAsync(
            shared.World.B,
            "/v1/generations",
            Question(prompt),
            (Header, $"\"{key}\"")
        );
        Assert.Equal(body, await late.Content.ReadAsStringAsync());
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));

        using var other = await LlmSystem.PostAsync(
            shared.World.A,
            "/v1/generations",
            Question(Answering()),
            (Header, key)
        );
        Assert.Equal(
            (HttpStatusCode.Conflict, "application/problem+json"),
            (other.StatusCode, other.Content.Headers.ContentType?.MediaType)
        );
        using var elsewhere = await LlmSystem.PostAsync(shared.World.A, "/session", new { }, (Header, key));
        Assert.Equal(HttpStatusCode.Conflict, elsewhere.StatusCode);
        using var without = await LlmSystem.PostAsync(shared.World.A, "/v1/generations", Question(prompt));
        Assert.NotEqual(body, await without.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("\"half")]
    [InlineData("tab\tinside")]
    [InlineData(null)]
    public async Task A_malformed_key_is_refused_and_nothing_is_begun(string? key)
    {
        var prompt = Answering();
        foreach (
            var (path, body) in ((string, object)[])
                [("/v1/generations", Question(prompt)), ("/session", new { }), ("/stream", new { prompt })]
        )
        {
            using var response = await LlmSystem.PostAsync(
                shared.World.A,
                path,
                body,
                (Header, key ?? new string('k', 256))
            );
            Assert.Equal((path, HttpStatusCode.BadRequest), (path, response.StatusCode));
            Assert.Contains(Header, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        Assert.Equal(0, shared.World.Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_key_is_kept_for_a_day_and_not_longer()
    {
        var key = Key;
        var prompt = Answering();
        var first = await StartAsync();

        await AgeAsync("23 hours 50 minutes");
        Assert.Equal(first, await StartAsync());

        await AgeAsync("20 minutes");
        Assert.NotEqual(first, await StartAsync());

        async Task<string> StartAsync()
        {
            using var response = await LlmSystem.PostAsync(
                shared.World.A,
                "/v1/generations",
                Question(prompt),
                (Header, key)
            );
            return await response.Content.ReadAsStringAsync();
        }

        async Task AgeAsync(string by)
        {
            await using var command = shared.World.System.Database.CreateCommand(
                $"update eventstore.idempotency_keys set created_at = created_at - interval '{by}' where key = '{key}'"
            );
            Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task An_agents_session_message_and_question_sent_again_are_one()
    {
        var (sessionKey, messageKey, questionKey) = (Key, Key, Key);
        var sessions = new List<string?>();
        foreach (var replica in (RunningService[])[shared.World.A, shared.World.B])
            using (
                var made = await LlmSystem.PostAsync(
                    replica,
                    "/session",
                    new { provider = "openai" },
                    (Header, sessionKey)
                )
            )
                sessions.Add(
                    (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("session_id").GetString()
                );
        var session = Assert.Single(sessions.Distinct());

        var prompt = Answering();
        foreach (var replica in (RunningService[])[shared.World.A, shared.World.B, shared.World.A])
            using (
                var sent = await LlmSystem.PostAsync(
                    replica,
                    $"/message/{session}",
                    new { content = prompt },
                    (Header, messageKey)
                )
            )
                Assert.Equal("""{"status":"ok"}""", await sent.Content.ReadAsStringAsync());
        using (
            var other = await LlmSystem.PostAsync(
                shared.World.B,
                $"/message/{session}",
                new { content = Answering() },
                (Header, messageKey)
            )
        )
            Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        await using (var reader = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + session))
            await reader.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        var state = await LlmSystem.Http.GetFromJsonAsync<JsonElement>(
            new Uri(shared.World.B.Url, "/session/" + session)
        );
        Assert.Equal(
            prompt,
            Assert.Single(state.GetProperty("turns").EnumerateArray().ToList()).GetProperty("message").GetString()
        );
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));

        var question = Answering();
        var readers = new List<SseReader>();
        foreach (var replica in (RunningService[])[shared.World.A, shared.World.B])
        {
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            client.DefaultRequestHeaders.Add(Header, questionKey);
            readers.Add(
                await SseReader.OpenAsync(
                    replica.Url,
                    "/stream",
                    method: HttpMethod.Post,
                    body: JsonContent.Create(new { prompt = question, provider = "openai" }),
                    client: client
                )
            );
            await readers[^1].WaitForEndAsync();
        }
        Assert.Equal(readers[0].Events, readers[1].Events);
        Assert.Equal("once", LlmSystem.Text(readers[1].Events, "content"));
        Assert.Equal(1, shared.World.Upstream.Attempts(question));
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_run_is_interrupted_and_its_key_freed_if_the_answer_to_its_begin_was_lost()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var own = await World.Start(o => o.Set(LlmSystem.Settings(upstream)));
        var id = Guid.CreateVersion7().ToString("N");
        // The state after a lost answer to this statement: the writer is alive but does not work on the run.
        await using (
            var begin = own.Database.CreateCommand(
                $$"""
                select announced_at
                from eventstore.begin_announced_run(
                    'generations.{{id}}',
                    (select id from eventstore.run_writers),
                    '[{"type":"error","data":"{\"error\":\"x\",\"fatal\":true,\"reason\":\"interrupted\"}"}]',
                    '{"provider":"demo","model":"demo","createdAt":"2026-01-01T00:00:00Z"}',
                    null)
                """
            )
        )
            Assert.NotNull(await begin.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        await using (
            var claim = own.Database.CreateCommand(
                $"select eventstore.claim_key('', 'lost', '', '{id}', interval '1 day')"
            )
        )
            await claim.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var reader = await SseReader.OpenAsync(own.Replicas[0].Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal(
            "interrupted",
            JsonDocument.Parse(reader.Events.Single().Data!).RootElement.GetProperty("reason").GetString()
        );
        Assert.Equal(
            "interrupted",
            (await LlmSystem.StateAsync(own.Replicas[0], id)).GetProperty("status").GetString()
        );
        using var again = await LlmSystem.PostAsync(
            own.Replicas[0],
            "/v1/generations",
            new { messages = new[] { new { role = "user", content = "hi" } } },
            (Header, "lost")
        );
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
    }

    [Fact]
    public async Task A_replica_killed_during_a_begin_leaves_nothing_running_and_the_request_can_be_repeated()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var own = await World.Start(o => o.Set(LlmSystem.Settings(upstream)));
        var (staying, killed) = (own.Replicas[0], await own.StartReplicaAsync(asProcess: true));
        var prompt = upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("once");
            await request.EndAsync(1);
        });
        // The announcement takes long enough to kill the replica during it.
        await RunAsync(
            """
            create function public.slow() returns trigger language plpgsql as
                $$ begin perform pg_sleep(3); return new; end $$;
            create trigger slow before insert on eventstore.events
                for each row when (new.type = 'announced') execute function public.slow();
            """
        );
        var lost = LlmSystem.PostAsync(killed, "/v1/generations", Question(prompt), (Header, "again"));
        await Eventually.HoldsAsync(
            async () =>
            {
                await using var looking = own.Database.CreateCommand(
                    "select exists (select from pg_stat_activity where datname = current_database() "
                        + "and wait_event = 'PgSleep')"
                );
                return (bool)(await looking.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            },
            "it is about to be announced"
        );
        killed.Process.Kill();
        await Assert.ThrowsAsync<HttpRequestException>(() => lost);
        await RunAsync(
            "create or replace function public.slow() returns trigger language plpgsql as $$ begin return new; end $$"
        );

        using var again = await LlmSystem.PostAsync(staying, "/v1/generations", Question(prompt), (Header, "again"));
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        var id = (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        await using var reader = await SseReader.OpenAsync(staying.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        var status = (await LlmSystem.StateAsync(staying, id)).GetProperty("status").GetString();
        Assert.Contains(status, (string[])["interrupted", "done"]);
        Assert.Equal(status == "done" ? 1 : 0, upstream.Attempts(prompt));
        Assert.Equal(0L, await CountAsync("select count(*) from eventstore.runs"));
        Assert.Equal(
            1L,
            await CountAsync(
                "select count(*) from eventstore.events where topic like 'generations.%' and type = 'announced'"
            )
        );

        async Task RunAsync(string sql)
        {
            await using var command = own.Database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        async Task<long> CountAsync(string sql)
        {
            await using var command = own.Database.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }
    }
}
