using System.Net.Http.Json;
using System.Text.Json;
using AspireSse.Testing;
using Harness.Worlds;

namespace Packages;

public sealed class NativeTests(MadePackages made)
{
    [Fact]
    public async Task A_native_program_streams_resumes_and_answers()
    {
        var missing = NativeCompiler.Missing();
        Assert.SkipWhen(missing is not null, missing ?? "");
        var stop = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateDatabaseAsync(stop);
        await using var shop = await RunningSample.StartAsync(await PublishAsync(), database.ConnectionString);
        var client = shop.Client;

        string? last;
        await using (var live = await client.OpenEventStreamAsync("/orders/7/events"))
        {
            await live.NextAsync("connected");
            await PutAsync("/orders/7", new { article = "Tea", state = "ordered" });

            var ordered = await live.NextAsync("ordered");
            Assert.Equal("""{"article":"Tea","state":"ordered"}""", ordered.Data);
            last = ordered.EventId;
        }

        await PutAsync("/orders/7", new { article = "Tea", state = "shipped" });
        await using (var resumed = await client.OpenEventStreamAsync("/orders/7/events", last))
        {
            await resumed.NextAsync("connected");
            Assert.Equal("""{"article":"Tea","state":"shipped"}""", (await resumed.NextAsync()).Data);
        }

        await PutAsync("/inventories/1", new[] { new { article = "Tea", state = "shipped" } });
        await using (var run = await client.OpenEventStreamAsync("/inventories/1"))
        {
            Assert.Equal("""{"article":"Tea","state":"shipped"}""", (await run.NextAsync("counted")).Data);
            await run.NextAsync("end");
        }

        using var begun = await client.PostAsJsonAsync(
            "/v1/generations",
            new { maxTokens = 3, messages = new[] { new { role = "user", content = "Where?" } } },
            stop
        );
        var generation = await begun.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(stop);
        await using (var answer = await client.OpenEventStreamAsync(generation.GetProperty("stream").GetString()!))
        {
            Assert.Equal("""{"text":"You "}""", (await answer.NextAsync("token")).Data);
            Assert.StartsWith("""{"finishReason":"length",""", (await answer.NextAsync("done")).Data);
        }

        await using var agent = await client.OpenEventStreamAsync("/stream?prompt=calculate+2*3");
        Assert.Contains("\"tool\":\"calculate\",\"output\":6,", (await agent.NextAsync("tool_result")).Data);
        await agent.NextAsync("end");

        async Task PutAsync<T>(string path, T body) =>
            (await client.PutAsJsonAsync(path, body, stop)).EnsureSuccessStatusCode();
    }

    /// <summary>Compiles the sample, which fails on any warning of the packages or of what they need.</summary>
    private async Task<string> PublishAsync()
    {
        var project = Path.Combine(made.Samples, "Native");
        var folder = Path.Combine(project, "bin", "Release", "published");
        await MadePackages.DotnetAsync(
            project,
            "publish",
            "-nologo",
            "-o",
            folder,
            $"-p:AspireSseVersion={made.Version}"
        );
        return Path.Combine(folder, "Native");
    }
}
