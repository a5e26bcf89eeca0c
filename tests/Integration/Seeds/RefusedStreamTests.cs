using System.Net;

namespace Integration.Seeds;

/// <summary>A refused stream costs no work: nobody has the id of what it would have begun.</summary>
public sealed class RefusedStreamTests
{
    [Fact]
    public async Task A_stream_without_a_place_begins_nothing_and_one_that_fails_to_begin_gives_its_place_back()
    {
        await using var system = await World.Start(o => o.Set("AspireSse:Streaming:MaxConnections", 1));
        var server = system.Replicas[0].Url;
        await using (await SseReader.OpenAtAsync(server, "/v1/events/stream?topic=x"))
            foreach (
                var path in (string[])
                    ["/stream?prompt=x", "/v1/pets/recommendations/stream?userId=u", "/sse/resilient/s"]
            )
            {
                using var refused = await SeedRequests.SendAsync(server, HttpMethod.Get, path);
                Assert.Equal((path, HttpStatusCode.ServiceUnavailable), (path, refused.StatusCode));
            }

        var begun = await system.Database.AskAsync<long>(
            """
            select (select count(*) from eventstore.events)
                + (select count(*) from eventstore.outbox) + (select count(*) from seeds.sessions)
            """
        );
        Assert.Equal(0, begun);

        const string without = "/v1/pets/recommendations/stream";
        await Eventually.HoldsAsync(async () => await StatusAsync() == HttpStatusCode.BadRequest, "a place");
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync());

        await using var next = await SseReader.OpenAsync(server, "/sse/resilient/s").ToEventsAsync(1);

        async Task<HttpStatusCode> StatusAsync()
        {
            using var response = await SeedRequests.SendAsync(server, HttpMethod.Get, without);
            return response.StatusCode;
        }
    }
}
