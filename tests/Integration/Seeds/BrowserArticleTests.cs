using System.Text.Json;
using Harness;

namespace Integration.Seeds;

/// <summary>The articles' browser programs in a real Chromium, from another origin. Each file says what differs from
/// the article.</summary>
[Collection("Shop")] // the pets are everybody's
public sealed class BrowserArticleTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    [Fact]
    public async Task The_pet_shops_page_gets_its_recommendations_and_closes()
    {
        await using var page = await Pages.OpenAsync("petstore.html", A);
        await page.WaitAsync(_ => true, "the page reports");
        await Eventually.HoldsAsync(
            async () =>
                !(await SeedRequests.GetAsync(A, "/v1/connections"))
                    .ToString()
                    .Contains("/v1/pets/recommendations/stream", StringComparison.Ordinal),
            "the page's stream is over"
        );

        // A page that had not closed it would have reported the end as an error.
        var result = page.Result!.Value;
        var pets = result.Items("said").ToList();
        Assert.NotEmpty(pets);
        Assert.Equal($"Received {pets.Count} recommendations", result.Text("text"));
        Assert.All(pets, p => Assert.NotEmpty(p.Text("reason")!));
    }

    [Fact]
    public async Task The_agents_pages_get_an_answer_by_name_and_a_sessions_by_message()
    {
        await using var page = await Pages.OpenAsync(
            "agent.html",
            B,
            "?prompt=" + Uri.EscapeDataString("calculate 6*7")
        );

        var shown = await page.WaitAsync(
            r => r.TryGetProperty("answer", out _) && r.TryGetProperty("said", out _),
            "both have their end"
        );
        Assert.Equal(["calculate"], shown.Items("tools").Select(t => t.GetString()));
        Assert.All(
            (string[])["answer", "said"],
            name => Assert.Contains("42", shown.Text(name)!, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("", "Event received:")]
    [InlineData("?named=true", "Task updated:")]
    public async Task The_task_page_receives_changes_by_message_or_by_name(string query, string said)
    {
        var task = await SeedRequests.PostAsync(A, "/tasks", new { title = "seen in a browser" });
        await using var page = await Pages.OpenAsync("tasks.html", B, query);
        var change = $"/tasks/status/{task.Text("id")}?new_status=";

        // The page may still be opening: the task is moved until the page has received a move.
        await Eventually.HoldsAsync(
            async () =>
            {
                foreach (var status in (string[])["in_progress", "done"])
                    await SeedRequests.JsonAsync(A, HttpMethod.Put, change + status);
                return page.Result is { } result && HasReceived(result);
            },
            $"the page says '{said}'"
        );

        bool HasReceived(JsonElement result) =>
            result
                .EnumerateArray()
                .Any(l =>
                    l[0].GetString() == said && l[1].ToString().Contains(task.Text("id")!, StringComparison.Ordinal)
                );
    }

    [Fact]
    public async Task The_wrapper_resumes_a_session_by_query_and_misses_nothing()
    {
        await using var link = new FaultyLink(A.Host, A.Port);
        await using var page = await Pages.OpenAsync(
            "wrapper.html",
            new Uri($"http://127.0.0.1:{link.Port}"),
            $"?session=s{Guid.NewGuid():N}"
        );
        await page.WaitAsync(r => r.GetProperty("ids").GetArrayLength() >= 3, "messages come");
        link.Cut();
        link.Heal();

        var result = await page.WaitAsync(r => r.Number("opened") >= 2, "it has connected again");
        var ids = result.Items("ids").Select(i => i.GetInt64()).ToList();
        Assert.Equal(Enumerable.Range((int)ids[0], ids.Count).Select(n => (long)n), ids);
    }
}
