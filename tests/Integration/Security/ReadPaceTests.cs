using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Harness;
using Integration.Delivery;

namespace Integration.Security;

/// <summary>Minimum speed of reading an answer: plain answers have one, a stream may be read as slowly as its reader
/// likes.</summary>
[Trait("Takes", "long")]
public sealed class ReadPaceTests(ReadPaceTests.Pages fixture) : IClassFixture<ReadPaceTests.Pages>
{
    private const string LargePage = "/v1/events?topic=pages.large&limit=1000";

    /// <summary>A replica that also speaks HTTP/2, and a log with pages of events of 90 kB.</summary>
    public sealed class Pages : IAsyncLifetime
    {
        internal World System { get; private set; } = null!;

        /// <summary>Address that speaks HTTP/2. Taken at the start: a process keeps only its last lines.</summary>
        internal Uri Http2 { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            System = await World.Start(o =>
                o.Set(SecureSystem.Settings)
                    .Set("Limits:HeldMegabytes", 4)
                    // A test has this long to leave several pages unread, on a busy machine too.
                    .Set("Limits:ResponseGraceSeconds", 4)
                    .Set("Limits:MinResponseBytesPerSecond", 32768)
                    .Set("Limits:PublishKilobytesPerSecond", 1000000)
                    .Set("Kestrel:Endpoints:A:Url", "http://127.0.0.1:0")
                    .Set("Kestrel:Endpoints:B:Url", "http://127.0.0.1:0")
                    .Set("Kestrel:Endpoints:B:Protocols", "Http2")
                    .ApiKey(SecureSystem.OperatorKey)
            );
            await Eventually.HoldsAsync(() => Addresses(System).Count() == 2, "both addresses are in the log");
            Http2 = Addresses(System).ElementAt(1);

            foreach (var chunk in Enumerable.Range(0, 50).Chunk(10))
                await SecureSystem.PublishAsync(
                    System.Replicas[0].Url,
                    [.. chunk.Select(n => new EventBody("pages.large", $"n{n}", new string('x', 90_000)))]
                );
        }

        public ValueTask DisposeAsync() => System.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_client_that_reads_no_page_is_cut_off_and_a_client_that_reads_no_stream_is_not(int version)
    {
        var system = fixture.System;
        var server = version == 1 ? system.Replicas[0].Url : fixture.Http2;
        var (eve, ann) = (Tokens.Of($"eve{version}", ["pages.>"]), Tokens.Of("ann", ["pages.>"]));

        var topic = $"pages.http{version}";
        using var http = Client(version, eve);
        using var other = Client(version, ann);

        // Longer than what the kernel and the server take for a client that reads nothing.
        var large = topic + ".large";
        await using var stalled = await StalledReader.OpenAsync(
            system.Replicas[0].Url,
            $"/v1/events/stream?topic={large}",
            Tokens.Of("hal", ["pages.>"])
        );

        foreach (var chunk in Enumerable.Range(1, 60).Chunk(3))
            await SecureSystem.PublishAsync(
                system.Replicas[0].Url,
                [.. chunk.Select(n => new EventBody(large, "n", new { n, text = new string('x', 90_000) }))]
            );

        // A part of each page is held, some hundred kilobytes.
        await using var stream = await SseReader.OpenAsync(server, $"/v1/events/stream?topic={topic}", client: http);
        var unread = await UntilRefusedAsync(http, new Uri(server, LargePage), most: 20);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(other, server));

        await Eventually.HoldsAsync(
            async () => await StatusAsync(http, server) == HttpStatusCode.OK,
            "what was not read is given back"
        );

        Assert.Contains(
            await Task.WhenAll(unread.Where(page => page.IsSuccessStatusCode).Select(IsWholeAsync)),
            whole => !whole
        );
        // The stream on the same HTTP/2 connection does not count.
        await SecureSystem.PublishAsync(system.Replicas[0].Url, new EventBody(topic, "n", 1));
        await stream.WaitForEventsAsync(1);
        Assert.Equal(Enumerable.Range(1, 60), (await stalled.ReadToAsync(60)).Numbers);

        foreach (var page in unread)
            page.Dispose();
    }

    [Fact]
    public async Task A_list_of_tasks_that_is_not_read_counts_as_held_until_it_is_cut_off()
    {
        var server = fixture.Http2;
        var tia = Tokens.Of("tia", ["tasks.*"], ["tasks.*"]);
        using var http = Client(2, tia);

        await Parallel.ForAsync(
            0,
            200,
            TestContext.Current.CancellationToken,
            async (_, stopped) =>
            {
                using var created = await http.PostAsJsonAsync(
                    new Uri(server, "/tasks"),
                    new { title = new string('語', 200) },
                    stopped
                );
                Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            }
        );

        var tasks = new Uri(server, "/tasks");
        var unread = await UntilRefusedAsync(http, tasks, most: 60);

        await Eventually.HoldsAsync(
            async () =>
            {
                using var answer = await AskAsync(http, tasks);
                return answer.StatusCode == HttpStatusCode.OK;
            },
            "what was not read is given back"
        );

        foreach (var list in unread)
            list.Dispose();
    }

    [Fact]
    public async Task An_unread_page_costs_one_part_and_a_read_page_is_complete()
    {
        var system = fixture.System;
        var server = system.Replicas[0].Url;
        var kim = Tokens.Of("kim", ["pages.>"]);
        // Ten pages of four megabytes: a single one, held whole, would use all that kim may hold.
        var unread = Enumerable.Range(0, 10).Select(_ => Ask(server, kim)).ToList();
        foreach (var socket in unread)
        {
            var head = new byte[12];
            await socket.ReceiveAsync(head, TestContext.Current.CancellationToken);
            Assert.Equal("HTTP/1.1 200", Encoding.ASCII.GetString(head));
        }

        var read = new List<string?>();
        var after = "";
        for (var pages = 0; after is not null; pages++)
        {
            var page = await server.JsonAsync($"GET {LargePage}{after}", kim);
            Assert.InRange(page.GetRawText().Length, 1, 5 * 1024 * 1024);
            read.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
            after = page.GetProperty("next").GetString() is { } next ? "&after=" + next : null;
            Assert.InRange(pages, 0, 2);
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(n => $"n{n}"), read);

        foreach (var socket in unread)
            socket.Dispose();
    }

    internal static IEnumerable<Uri> Addresses(World system) =>
        system
            .Replicas[0]
            .Output.Split('\n')
            .Where(l => l.Contains("Now listening on: ", StringComparison.Ordinal))
            .Select(l => new Uri(l[(l.IndexOf("http://", StringComparison.Ordinal))..].Trim()));

    private static HttpClient Client(int version, string token) =>
        new(new SocketsHttpHandler { InitialHttp2StreamWindowSize = 65_535, ConnectCallback = ConnectAsync })
        {
            DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            DefaultRequestHeaders = { Authorization = new("Bearer", token) },
            Timeout = Timeout.InfiniteTimeSpan,
        };

    /// <summary>The kernel takes little for a client that does not read.</summary>
    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken
    )
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 32 * 1024, NoDelay = true };
        await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Uri server)
    {
        using var response = await AskAsync(http, new Uri(server, LargePage));
        return response.StatusCode;
    }

    /// <summary>Asks at once and without reading the answers, until one is refused: unread ones are cut off after some
    /// seconds.</summary>
    private static async Task<List<HttpResponseMessage>> UntilRefusedAsync(HttpClient http, Uri page, int most)
    {
        const int AtOnce = 12;
        var unread = new List<HttpResponseMessage>();
        do unread.AddRange(await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => AskAsync(http, page))));
        while (unread.All(answer => answer.IsSuccessStatusCode) && unread.Count < most);

        var refused = unread.Where(answer => answer.StatusCode != HttpStatusCode.OK).ToList();
        Assert.NotEmpty(refused);
        Assert.All(
            refused,
            answer =>
                Assert.Equal(
                    (HttpStatusCode.TooManyRequests, true),
                    (answer.StatusCode, answer.Headers.RetryAfter is not null)
                )
        );

        return unread;
    }

    private static Task<HttpResponseMessage> AskAsync(HttpClient http, Uri page) =>
        http.GetAsync(page, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private static async Task<bool> IsWholeAsync(HttpResponseMessage response)
    {
        try
        {
            return (await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length > 0;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
    }

    private static Socket Ask(Uri server, string token)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 32 * 1024 };
        socket.Connect(server.Host, server.Port);
        socket.Send(
            Encoding.ASCII.GetBytes(
                $"GET {LargePage} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                    + "Connection: close\r\n\r\n"
            )
        );

        return socket;
    }
}
