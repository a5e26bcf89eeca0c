using System.Net;
using System.Net.Http.Json;
using AspireSse.Testing;
using Harness.Worlds;

namespace Packages;

public sealed class AgentTests(MadePackages made)
{
    [Fact]
    public async Task An_answer_goes_on_while_its_reader_is_away()
    {
        var stop = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateDatabaseAsync(stop);
        await using var agent = await RunningSample.StartAsync(
            await made.BuildSampleAsync("Agent"),
            database.ConnectionString
        );

        var answer = $"/answers/{Guid.NewGuid()}";
        using var asked = await agent.Client.PutAsJsonAsync(answer, new { text = "Where?" }, stop);
        Assert.Equal(HttpStatusCode.Accepted, asked.StatusCode);

        string? last;
        await using (var first = await agent.Client.OpenEventStreamAsync(answer))
        {
            Assert.Equal("\"You \"", (await first.NextAsync("text")).Data);
            last = (await first.NextAsync("text")).EventId;
        }

        // Nobody reads, and the answer goes on to its end.
        await using (var whole = await agent.Client.OpenEventStreamAsync(answer))
            await whole.NextAsync("end");

        await using var resumed = await agent.Client.OpenEventStreamAsync(answer, last);
        Assert.Equal("\"Where? \"", (await resumed.NextAsync("text")).Data);
        var end = await resumed.NextAsync("end");

        // A browser that has the end must not come again (HTML Living Standard §9.2.3).
        using var again = new HttpRequestMessage(HttpMethod.Get, answer);
        again.Headers.Add("Last-Event-ID", end.EventId);
        using var nothing = await agent.Client.SendAsync(again, stop);
        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
    }
}
