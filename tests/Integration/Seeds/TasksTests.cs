using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Integration.Seeds;

public sealed partial class TasksTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    [Fact]
    public async Task A_change_of_status_reaches_every_reader_in_the_articles_frame()
    {
        await using var reader = await SseReader.OpenAsync(B, "/events/stream");
        await reader.WaitAsync(r => r.Frames.Any(f => f.Data is not null));
        var connected = reader.Frames.First(f => f.Data is not null);

        Assert.Null(connected.Event);
        Assert.Equal(
            ("connected", """{"message":"SSE connection established"}"""),
            (connected.Json().Text("event"), connected.Json().GetProperty("data").GetRawText())
        );

        var task = await SeedRequests.PostAsync(A, "/tasks", new { title = "買い物 🛒" });
        Assert.Equal(("買い物 🛒", "todo"), (task.Text("title"), task.Text("status")));
        var answer = await SeedRequests.JsonAsync(
            A,
            HttpMethod.Put,
            $"/tasks/status/{task.Text("id")}?new_status=in_progress"
        );

        Assert.Equal("""{"status":"updated"}""", answer.GetRawText());
        await reader.WaitAsync(r =>
            r.Events.Any(e =>
                e.Data!.Contains("task_updated", StringComparison.Ordinal)
                && e.Data.Contains(task.Text("id")!, StringComparison.Ordinal)
            )
        );
        Assert.Contains(reader.Events, e => e.Data!.Contains("\"title\":\"買い物 🛒\"", StringComparison.Ordinal));

        var frame = reader.Events.Last(e => e.Data!.Contains(task.Text("id")!, StringComparison.Ordinal));
        Assert.Null(frame.Event);
        Assert.NotNull(frame.Id);
        Assert.Equal(["id", "event", "data", "timestamp"], frame.Json().EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            $$"""{"task_id":"{{task.Text("id")}}","status":"in_progress"}""",
            frame.Json().GetProperty("data").GetRawText()
        );
        Assert.Matches(Iso(), frame.Json().Text("timestamp"));

        using var list = await SeedRequests.SendAsync(B, HttpMethod.Get, "/tasks");
        Assert.NotEmpty(list.Headers.GetValues("X-Sse-Position"));
        var stored = (await list.JsonAsync()).EnumerateArray().Single(t => t.Text("id") == task.Text("id"));

        Assert.Equal("in_progress", stored.Text("status"));
    }

    /// <summary>The list is ordered by these times.</summary>
    [Fact]
    public async Task A_change_that_waits_for_another_one_has_the_later_time()
    {
        var stop = TestContext.Current.CancellationToken;
        var id = (await SeedRequests.PostAsync(A, "/tasks", new { title = "slow" })).Text("id")!;
        string? first;
        Task<JsonElement> second;
        await using (var connection = await Store.OpenConnectionAsync(stop))
        {
            await using var transaction = await connection.BeginTransactionAsync(stop);
            await using var change = connection.CreateCommand();
            change.CommandText = $"update seeds.tasks set status = 'done' where id = '{id}'";
            await change.ExecuteNonQueryAsync(stop);
            second = SeedRequests.JsonAsync(B, HttpMethod.Put, $"/tasks/status/{id}?new_status=in_progress");
            await Eventually.HoldsAsync(
                () =>
                    Store.AskAsync<bool>(
                        "select exists (select from pg_stat_activity where datname = current_database() "
                            + "and wait_event_type = 'Lock' and query ilike '%update seeds.tasks%')"
                    ),
                "the second change waits for the first one"
            );
            // A change's time has milliseconds.
            first = await Store.AskAsync<string>("select (clock_timestamp() - interval '1 millisecond')::text");
            await transaction.CommitAsync(stop);
        }

        await second;
        Assert.True(await Store.AskAsync<bool>($"select updated_at > '{first}' from seeds.tasks where id = '{id}'"));
    }

    [Fact]
    public async Task The_pages_of_the_list_have_the_form_and_order_of_the_whole_list()
    {
        for (var n = 0; n < 5; n++)
            await SeedRequests.PostAsync(A, "/tasks", new { title = $"page {n}" });

        var read = new List<string?>();
        await foreach (var tasks in PagesAsync("/tasks?limit=2"))
            read.AddRange(tasks.Select(t => t.Text("id")));

        var all = (await SeedRequests.GetAsync(A, "/tasks")).EnumerateArray().Select(t => t.Text("id")).ToList();
        Assert.True(all.Count >= 5);
        Assert.Equal(all, read);

        using var whole = await SeedRequests.SendAsync(A, HttpMethod.Get, $"/tasks?limit={all.Count}");
        Assert.False(whole.Headers.Contains("Link"));
    }

    [Fact]
    public async Task The_pages_of_a_status_have_its_tasks_once_last_changed_first()
    {
        var made = new List<string>();
        for (var n = 0; n < 5; n++)
            made.Add((await SeedRequests.PostAsync(A, "/tasks", new { title = $"of a status {n}" })).Text("id")!);

        foreach (var number in (int[])[3, 0, 4, 1])
            await SeedRequests.JsonAsync(A, HttpMethod.Put, $"/tasks/status/{made[number]}?new_status=in_progress");

        var read = new List<JsonElement>();
        await foreach (var tasks in PagesAsync("/tasks?status=in_progress&limit=2"))
        {
            read.AddRange(tasks);
            // One that changes between two pages is in none of those that follow.
            if (read.Count == 2)
                await SeedRequests.JsonAsync(A, HttpMethod.Put, $"/tasks/status/{made[3]}?new_status=done");
        }

        Assert.All(read, task => Assert.Equal("in_progress", task.Text("status")));
        Assert.Equal([made[1], made[4], made[0]], read.Select(task => task.Text("id")!).Where(made.Contains));
        Assert.Equal(read.Count, read.DistinctBy(task => task.Text("id")).Count());
    }

    [Fact]
    public async Task The_list_ends_after_a_thousand_tasks_and_links_the_next_page_for_good()
    {
        await Store.ExecuteAsync(
            "insert into seeds.tasks select gen_random_uuid(), 'one of many', 'todo', "
                + "'2001-01-01'::timestamptz + n * interval '1 s', now() from generate_series(1, 1500) n"
        );
        try
        {
            using var list = await SeedRequests.SendAsync(A, HttpMethod.Get, "/tasks");
            var tasks = await list.JsonAsync();
            Assert.Equal(1_000, tasks.GetArrayLength());

            var next = Next().Match(Assert.Single(list.Headers.GetValues("Link"))).Groups[1].Value;
            var rest = await SeedRequests.GetAsync(A, next);
            Assert.InRange(rest.GetArrayLength(), 500, 1_000);

            // A cleanup may delete the last task of a page before the next page is read.
            var last = tasks[999].Text("id");
            Assert.Equal(1, await Store.ExecuteAsync($"delete from seeds.tasks where id = '{last}'"));
            Assert.Equal(rest.GetRawText(), (await SeedRequests.GetAsync(A, next)).GetRawText());
        }
        finally
        {
            await Store.ExecuteAsync("delete from seeds.tasks where title = 'one of many'");
        }
    }

    [Fact]
    public async Task Types_narrow_the_stream_and_named_gives_its_events_their_names()
    {
        await using var reader = await SseReader.OpenAtAsync(A, "/events/stream?types=task_updated,nothing&named=true");
        var task = await SeedRequests.PostAsync(B, "/tasks", new { title = "one" });
        await SeedRequests.JsonAsync(B, HttpMethod.Put, $"/tasks/status/{task.Text("id")}?new_status=done");
        await reader.WaitAsync(r => r.Events.Any(e => e.Data!.Contains(task.Text("id")!, StringComparison.Ordinal)));
        Assert.All(reader.Events, e => Assert.Equal("task_updated", e.Event));
    }

    [Fact]
    public async Task A_change_that_is_rolled_back_has_no_event()
    {
        var task = await SeedRequests.PostAsync(A, "/tasks", new { title = "stays" });
        await using var reader = await SseReader.OpenAtAsync(A, "/events/stream");
        using var refused = await SeedRequests.SendAsync(
            A,
            HttpMethod.Put,
            $"/tasks/status/{task.Text("id")}?new_status=later"
        );

        using var unknown = await SeedRequests.SendAsync(
            A,
            HttpMethod.Put,
            $"/tasks/status/{Guid.NewGuid()}?new_status=done"
        );
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.NotFound), (refused.StatusCode, unknown.StatusCode));
        // The first frame received is a later change.
        await SeedRequests.JsonAsync(A, HttpMethod.Put, $"/tasks/status/{task.Text("id")}?new_status=done");
        await reader.WaitAsync(r => r.Events.Any(IsChange));
        Assert.Equal("done", reader.Events.First(IsChange).Json().GetProperty("data").Text("status"));

        bool IsChange(Frame frame) =>
            frame.Json().Text("event") == "task_updated"
            && frame.Json().GetProperty("data").Text("task_id") == task.Text("id");
    }

    /// <summary>Reads pages of two tasks, each with its position, by their links.</summary>
    private async IAsyncEnumerable<List<JsonElement>> PagesAsync(string first)
    {
        for (var next = first; next is not null; )
        {
            using var page = await SeedRequests.SendAsync(B, HttpMethod.Get, next);
            Assert.NotEmpty(page.Headers.GetValues("X-Sse-Position"));
            var tasks = (await page.JsonAsync()).EnumerateArray().ToList();
            Assert.InRange(tasks.Count, 1, 2);
            yield return tasks;
            next = page.Headers.TryGetValues("Link", out var link) ? Next().Match(link.Single()).Groups[1].Value : null;
        }
    }

    [Theory]
    [InlineData("/events/stream", "AspireSse__Pools__Tasks")]
    [InlineData("/sse/events", "AspireSse__Pools__Sse")]
    public async Task Beyond_the_pool_a_new_stream_gets_503_and_a_resuming_one_a_reconnection_time(
        string path,
        string option
    )
    {
        await using var system = await World.Start(o => o.Broadcasters(0).Set(option, 2));
        var server = system.Replicas[0].Url;
        await using var first = await SseReader.OpenAtAsync(server, path);

        await using (await SseReader.OpenAtAsync(server, path))
        {
            using var refused = await SeedRequests.SendAsync(server, HttpMethod.Get, path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);

            await using var returning = await SseReader.OpenAsync(server, path, first.LastId).ToEndAsync();
            Assert.True(returning.EndedProperly);
            Assert.NotNull(returning.Frames[^1].Retry);

            // A bare ordinal is a valid last id only where streams have ordinals.
            using var ordinal = await SeedRequests.SendAsync(server, HttpMethod.Get, path, lastId: "1");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ordinal.StatusCode);

            if (path == "/sse/events")
                await using (await SseReader.OpenAsync(server, "/sse/resilient/s", "1")) { }

            await using var elsewhere = await SseReader.OpenAtAsync(server, "/v1/events/stream");
        }

        await Eventually.HoldsAsync(
            async () =>
            {
                using var admitted = await SeedRequests.SendAsync(server, HttpMethod.Get, path);
                return admitted.StatusCode == HttpStatusCode.OK;
            },
            "the place of a closed stream is given to the next"
        );
    }

    [GeneratedRegex("^<(/tasks[^>]+)>; rel=\"next\"$")]
    private static partial Regex Next();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    private static partial Regex Iso();
}
