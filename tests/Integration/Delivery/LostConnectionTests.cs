using System.Net;
using System.Net.Http.Json;

namespace Integration.Delivery;

/// <summary>A connection that was lost while its command ran gives its place in the pool back.</summary>
public sealed class LostConnectionTests
{
    private const int Requests = 30;
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_under_way_when_the_only_host_vanished_take_no_connection_from_later_ones()
    {
        await using var system = await World.Start(o =>
            o.Set("AspireSse:EventStore:CommandTimeoutSeconds", 2)
                .Set("AspireSse:EventStore:UnhealthySeconds", 1)
                .Set("AspireSse:EventStore:ReadConnections", 2)
                .Set("AspireSse:EventStore:WorkConnections", 4)
        );
        var url = system.Replicas[0].Url;
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(90) };

        // Fills the pools. Two seconds for a command may be too few on a busy machine.
        await Eventually.HoldsAsync(
            async () => (await AskAsync("before")).All(status => status == HttpStatusCode.OK),
            "reads and writes all succeed"
        );
        system.Postgres.Swallow(); // for ever, but only the connections of now
        Assert.Contains(HttpStatusCode.ServiceUnavailable, await AskAsync("meanwhile"));
        await Eventually.HoldsAsync(
            async () => (await AskAsync("after")).All(status => status == HttpStatusCode.OK),
            "reads and writes all succeed again"
        );

        Task<HttpStatusCode[]> AskAsync(string when) =>
            Task.WhenAll(
                Enumerable
                    .Range(0, Requests)
                    .SelectMany(n => (Task<HttpStatusCode>[])[ReadAsync(), ListAsync(n), WriteAsync($"{when}-{n}")])
            );

        async Task<HttpStatusCode> ReadAsync()
        {
            using var response = await http.GetAsync(new Uri(url, "/v1/events?topic=t.1&limit=1"), Stop);
            return response.StatusCode;
        }

        async Task<HttpStatusCode> ListAsync(int number)
        {
            using var response = await http.GetAsync(new Uri(url, $"/v1/topics?prefix=t{number}"), Stop);
            return response.StatusCode;
        }

        async Task<HttpStatusCode> WriteAsync(string session)
        {
            using var response = await http.PostAsJsonAsync(
                new Uri(url, $"/sse/resilient/{session}/failure"),
                new { times = 1 },
                Stop
            );
            return response.IsSuccessStatusCode ? HttpStatusCode.OK : response.StatusCode;
        }
    }
}
