using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Harness;
using Integration.Security;

namespace Integration.Delivery;

/// <summary>Discovery of replicas by each other.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task A_replica_that_listens_on_every_address_announces_the_one_towards_the_store_or_its_setting()
    {
        var topic = $"t{Guid.NewGuid():N}";
        await using var system = await World.Start(o => o.Broadcasters(0));
        var everywhere = await system.StartReplicaAsync(url: "http://+:0");
        var port = FreePort.Take();

        await system.StartReplicaAsync(
            new() { ["Replicas__Url"] = $"http://localhost:{port}/" },
            $"http://127.0.0.1:{port}"
        );

        await using var stream = await SseReader.OpenAtAsync(everywhere.Url, $"/v1/events/stream?topic={topic}");
        using var http = new HttpClient { BaseAddress = system.Replicas[0].Url };

        var known = new HashSet<string>
        {
            system.Replicas[0].Url.ToString().TrimEnd('/'),
            $"http://127.0.0.1:{everywhere.Url.Port}",
            $"http://localhost:{port}",
        };

        await Eventually.HoldsAsync(
            async () =>
                known.SetEquals(
                    (await http.GetFromJsonAsync<JsonElement>("/v1/replicas"))
                        .EnumerateArray()
                        .Select(r => r.GetProperty("url").GetString()!)
                ),
            "each is known by its address"
        );

        await Eventually.HoldsAsync(
            async () =>
                (await http.GetFromJsonAsync<JsonElement>($"/v1/connections?filter={topic}")) is var page
                && page.GetProperty("connections") is var open
                && open.GetArrayLength() == 1
                && open[0].GetProperty("client").GetString()!.StartsWith("127.0.0.1:", StringComparison.Ordinal)
                && !page.TryGetProperty("partial", out _),
            "its stream is listed, from where it came"
        );
    }

    /// <summary>All replicas are one client, whose limit of held bytes must not hide streams.</summary>
    [Fact]
    public async Task A_replicas_streams_are_listed_even_if_the_list_exceeds_one_clients_memory()
    {
        await using var system = await World.Start(o => o.Replicas(2).Broadcasters(0).Set("Limits:HeldMegabytes", 1));
        var topics = Enumerable.Range(0, 100).Select(n => $"t{n}.{new string('x', 250)}").ToArray();
        var streams = new List<SseReader>();
        for (var i = 0; i < 50; i++)
            streams.Add(
                await SseReader.OpenAsync(
                    system.Replicas[1].Url,
                    "/v1/events/stream",
                    method: HttpMethod.Post,
                    body: JsonContent.Create(new { topics })
                )
            );

        using var http = new HttpClient { BaseAddress = system.Replicas[0].Url };
        await Eventually.HoldsAsync(
            async () =>
                (await http.GetFromJsonAsync<JsonElement>("/v1/connections?limit=1")) is var page
                && page.GetProperty("connections").GetArrayLength() == 1
                && !page.TryGetProperty("partial", out _),
            "the listing is whole"
        );

        foreach (var stream in streams)
            await stream.DisposeAsync();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("<html>")]
    public async Task A_replica_with_a_wrong_address_makes_the_listing_partial_and_reveals_nothing(string says)
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings) { ["Replicas__ForgetSeconds"] = "600" };
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set(settings).ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        var port = FreePort.Take();

        using var stranger = new HttpListener();
        stranger.Prefixes.Add($"http://127.0.0.1:{port}/");
        stranger.Start();

        var shown = AnswerOnceAsync();
        await AnnounceAsync(system, "gone", port);
        using var listing = await SecureSystem.SendAsync(
            server,
            HttpMethod.Get,
            "/v1/connections",
            key: SecureSystem.OperatorKey
        );

        Assert.Equal(HttpStatusCode.OK, listing.StatusCode);
        Assert.True((await listing.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("partial").GetBoolean());

        using var client = new HttpClient { BaseAddress = server };
        client.DefaultRequestHeaders.TryAddWithoutValidation(
            "Authorization",
            await shown.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken)
        );

        foreach (var path in (string[])["/v1/connections?scope=replica", "/v1/events", "/v1/topics"])
        {
            using var refused = await client.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var publish = await client.PostAsJsonAsync(
            "/v1/events",
            new EventBody("t.1", "n", 1),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.Unauthorized, publish.StatusCode);

        using var unknown = await SecureSystem.SendAsync(
            server,
            HttpMethod.Delete,
            "/v1/connections/none",
            key: SecureSystem.OperatorKey
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unknown.StatusCode);
        Assert.NotNull(unknown.Headers.RetryAfter);

        async Task<string?> AnswerOnceAsync()
        {
            var asked = await stranger.GetContextAsync();
            (asked.Response.ContentType, var credential) = ("application/json", asked.Request.Headers["Authorization"]);
            asked.Response.Close(System.Text.Encoding.UTF8.GetBytes(says), willBlock: false);
            return credential;
        }
    }

    /// <summary>The wait for its answer is no work, after which listings pause.</summary>
    [Fact]
    public async Task A_replica_that_does_not_answer_does_not_stop_the_listings()
    {
        await using var system = await World.Start(o => o.Broadcasters(0).Set("Replicas:ForgetSeconds", 600));
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var asked = 0;
        var accepted = new List<Socket>();

        var accepting = AcceptAsync();
        await AnnounceAsync(system, "silent", ((IPEndPoint)silent.LocalEndpoint).Port);
        await using var list = await SseReader.OpenAsync(system.Replicas[0].Url, "/v1/connections/stream");

        // An update a second says that the list is partial.
        await Eventually.HoldsAsync(
            () => Volatile.Read(ref asked) >= 2 || list.Frames.Count(f => f.Event == "update") >= 16,
            "it is asked again, or the first listing is repeated"
        );
        Assert.InRange(Volatile.Read(ref asked), 2, int.MaxValue);
        silent.Stop();
        await accepting;
        accepted.ForEach(socket => socket.Dispose());

        async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    accepted.Add(await silent.AcceptSocketAsync());
                    Interlocked.Increment(ref asked);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException) { }
        }
    }

    private static async Task AnnounceAsync(World system, string name, int port)
    {
        var state = new
        {
            Name = name,
            Url = $"http://127.0.0.1:{port}",
            Connections = 0,
            Head = "x-0",
            Lag = 0,
            Mode = "live",
        };
        await system.Database.ExecuteAsync(
            $"insert into streamapi.replicas values ('{name}', '{JsonSerializer.Serialize(state)}', clock_timestamp())"
        );
    }
}
