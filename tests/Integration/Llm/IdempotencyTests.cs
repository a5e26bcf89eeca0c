using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>A repeated request with a key starts nothing twice, and every run has a writer or an end.</summary>
public sealed class IdempotencyTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Generations = "/v1/generations";

    private static string Key => $"key-{Guid.NewGuid():N}";

    private static (string, string) With(string key) => ("Idempotency-Key", key);

    private static object Question(string prompt) =>
        new { provider = "openai", messages = new[] { new { role = "user", content = prompt } } };

    [Fact]
    public async Task A_generation_requested_on_all_replicas_at_once_starts_once_with_one_answer()
    {
        var key = Key;
        var prompt = Upstream.Saying("once");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i => LlmSystem.PostAsync(i % 2 == 0 ? A : B, Generations, Question(prompt), With(key)))
        );
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Created, a.StatusCode));
        Assert.Single(answers.Select(a => a.Headers.Location).Distinct());

        var body = Assert.Single((await Task.WhenAll(answers.Select(a => a.TextAsync()))).Distinct());
        var id = JsonElement.Parse(body).Text("id")!;
        await Eventually.HoldsAsync(async () => (await LlmSystem.EndAsync(B, id)).Status == "done", "it is done");

        // Also after the end, and with the key in quotes, as in the IETF draft.
        using var late = await LlmSystem.PostAsync(B, Generations, Question(prompt), With($"\"{key}\""));
        Assert.Equal(body, await late.TextAsync());
        Assert.Equal(1, Upstream.Attempts(prompt));

        using var other = await LlmSystem.PostAsync(A, Generations, Question(Upstream.Saying("other")), With(key));
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Equal("application/problem+json", other.Content.Headers.ContentType?.MediaType);

        using var elsewhere = await LlmSystem.PostAsync(A, "/session", new { }, With(key));
        Assert.Equal(HttpStatusCode.Conflict, elsewhere.StatusCode);
        using var without = await LlmSystem.PostAsync(A, Generations, Question(prompt));

        Assert.NotEqual(body, await without.TextAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("\"half")]
    [InlineData("tab\tinside")]
    [InlineData(null)]
    public async Task A_malformed_key_is_refused_and_nothing_is_begun(string? key)
    {
        var prompt = Upstream.Saying("once");
        foreach (
            var (path, body) in ((string, object)[])
                [(Generations, Question(prompt)), ("/session", new { }), ("/stream", new { prompt })]
        )
        {
            using var response = await LlmSystem.PostAsync(A, path, body, With(key ?? new string('k', 256)));
            Assert.Equal((path, HttpStatusCode.BadRequest), (path, response.StatusCode));
            Assert.Contains("Idempotency-Key", await response.TextAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(0, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_key_is_kept_for_a_day_and_not_longer()
    {
        var key = Key;
        var prompt = Upstream.Saying("once");
        var first = await StartAsync();

        await AgeAsync("23 hours 50 minutes");
        Assert.Equal(first, await StartAsync());

        await AgeAsync("20 minutes");
        Assert.NotEqual(first, await StartAsync());

        async Task<string> StartAsync() =>
            (await LlmSystem.AnswerAsync(A, Generations, Question(prompt), With(key))).GetRawText();

        async Task AgeAsync(string by)
        {
            var age = $"update eventstore.idempotency_keys set created_at = created_at - interval '{by}'";
            Assert.Equal(1, await World.Database.ExecuteAsync($"{age} where key = '{key}'"));
        }
    }

    [Fact]
    public async Task An_agents_session_message_and_question_sent_again_are_one()
    {
        var (ofSession, ofMessage, ofQuestion) = (With(Key), With(Key), With(Key));
        var sessions = new List<string?>();
        foreach (var replica in (RunningService[])[A, B])
            sessions.Add(
                (await LlmSystem.AnswerAsync(replica, "/session", new { provider = "openai" }, ofSession)).Text(
                    "session_id"
                )
            );

        var session = Assert.Single(sessions.Distinct());

        var content = Upstream.Saying("once");

        foreach (var replica in (RunningService[])[A, B, A])
            await LlmSystem.AnswerAsync(replica, $"/message/{session}", new { content }, ofMessage);

        using (var other = await LlmSystem.PostAsync(B, $"/message/{session}", new { content = "other" }, ofMessage))
            Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);

        await using (var reader = await SseReader.OpenAsync(A.Url, "/stream/" + session))
            await LlmSystem.AnsweredAsync(reader);

        var state = await SeedRequests.GetAsync(B.Url, "/session/" + session);
        Assert.Equal(content, Assert.Single(state.Items("turns")).Text("message"));
        Assert.Equal(1, Upstream.Attempts(content));

        var prompt = Upstream.Saying("once");
        var readers = new List<SseReader>();
        foreach (var replica in (RunningService[])[A, B])
        {
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            client.DefaultRequestHeaders.Add(ofQuestion.Item1, ofQuestion.Item2);
            using var question = JsonContent.Create(new { prompt, provider = "openai" });

            readers.Add(
                await SseReader
                    .OpenAsync(replica.Url, "/stream", method: HttpMethod.Post, body: question, client: client)
                    .ToEndAsync()
            );
        }

        Assert.Equal(readers[0].Events, readers[1].Events);
        Assert.Equal("once", LlmSystem.Text(readers[1].Events, "content"));

        foreach (var reader in readers)
            await reader.DisposeAsync();

        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_run_is_interrupted_and_its_key_freed_if_the_answer_to_its_begin_was_lost()
    {
        await using var own = await World.Start(o =>
            o.Set(LlmSystem.Settings(Upstream)).Set("AspireSse:Runs:LeaseSeconds", 3)
        );
        var replica = own.Replicas[0];
        var id = Guid.CreateVersion7().ToString("N");
        // The state after a lost answer to this statement: the writer is alive but does not work on the run.
        var announced = await own.Database.AskAsync<object>(
            $$"""
            select announced_at
            from eventstore.begin_announced_run(
                'generations.{{id}}',
                (select id from eventstore.run_writers),
                '[{"type":"error","data":"{\"error\":\"x\",\"fatal\":true,\"reason\":\"interrupted\"}"}]',
                '{"provider":"demo","model":"demo","createdAt":"2026-01-01T00:00:00Z"}',
                null)
            """
        );

        Assert.NotNull(announced);
        await own.Database.ExecuteAsync($"select eventstore.claim_key('', 'lost', '', '{id}', interval '1 day')");
        await using var reader = await LlmSystem.ReadAsync(replica, id);

        Assert.Equal("interrupted", reader.Events.Single().Json().Text("reason"));
        Assert.Equal("interrupted", (await LlmSystem.EndAsync(replica, id)).Status);
        using var again = await LlmSystem.PostAsync(
            replica,
            Generations,
            Question(Upstream.Saying("hi")),
            With("lost")
        );

        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
    }

    [Fact]
    public async Task A_replica_killed_during_a_begin_leaves_nothing_running_and_the_request_can_be_repeated()
    {
        await using var own = await World.Start(o => o.Set(LlmSystem.Settings(Upstream)));
        var staying = own.Replicas[0];
        await using var killed = await MortalReplica.StartAsync(own);
        var prompt = Upstream.Saying("once");

        // The announcement takes long enough to kill the replica during it.
        await own.Database.ExecuteAsync(
            """
            create function public.slow() returns trigger language plpgsql as
                $$ begin perform pg_sleep(3); return new; end $$;
            create trigger slow before insert on eventstore.events
                for each row when (new.type = 'announced') execute function public.slow();
            """
        );

        var lost = LlmSystem.PostAsync(killed.Service, Generations, Question(prompt), With("again"));
        await Eventually.HoldsAsync(
            () =>
                own.Database.AskAsync<bool>(
                    "select exists (select from pg_stat_activity where datname = current_database() "
                        + "and wait_event = 'PgSleep')"
                ),
            "it is about to be announced"
        );
        await killed.KillAsync();
        await own.Database.ExecuteAsync(
            "create or replace function public.slow() returns trigger language plpgsql as $$ begin return new; end $$"
        );

        using var again = await LlmSystem.PostAsync(staying, Generations, Question(prompt), With("again"));
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        var id = (await again.JsonAsync()).Text("id")!;
        await using var reader = await LlmSystem.ReadAsync(staying, id);

        var (status, _) = await LlmSystem.EndAsync(staying, id);
        Assert.Contains(status, (string[])["interrupted", "done"]);
        Assert.Equal(status == "done" ? 1 : 0, Upstream.Attempts(prompt));
        Assert.Equal(0, await own.Database.AskAsync<long>("select count(*) from eventstore.runs"));
        Assert.Equal(
            1,
            await own.Database.AskAsync<long>(
                "select count(*) from eventstore.events where topic like 'generations.%' and type = 'announced'"
            )
        );
        // It has no answer, or an error.
        await Task.WhenAny(lost);
        Assert.False(lost.IsCompletedSuccessfully && (await lost).IsSuccessStatusCode);
    }
}
