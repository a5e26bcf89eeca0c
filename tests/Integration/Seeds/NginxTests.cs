using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Harness;

namespace Integration.Seeds;

/// <summary>The articles' pitfalls behind a real nginx, each with its solution.</summary>
public sealed class NginxTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private readonly string _topic = $"n{Guid.NewGuid():N}";

    private string Stream => $"/v1/events/stream?topic={_topic}";

    [Theory]
    [InlineData("1.1")]
    [InlineData("1.0")] // nginx's default
    public async Task Our_nginx_configuration_passes_events_at_once_and_does_not_compress_streams(string upstream)
    {
        await using var nginx = await NginxProxy.StartAsync(A, conf => Upstream(conf, upstream));
        using var client = new HttpClient
        {
            DefaultRequestHeaders = { { "Accept-Encoding", "gzip, br" } },
            Timeout = Timeout.InfiniteTimeSpan,
        };
        await using var reader = await SseReader.OpenAsync(nginx.Url, Stream, client: client);

        Assert.Empty(reader.Response.Content.Headers.ContentEncoding);
        await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
        await World.PublishNumbersAsync(World.Replicas[1], _topic, 1, 1);
        await reader.WaitForEventsAsync(1);

        using var json = await client.GetAsync(new Uri(nginx.Url, "/v1/pets"));
        Assert.Equal("gzip", Assert.Single(json.Content.Headers.ContentEncoding));
    }

    [Theory]
    [InlineData("1.0", "proxy_ignore_headers X-Accel-Buffering;")]
    [InlineData("1.1", "proxy_ignore_headers X-Accel-Buffering; gzip_types text/event-stream; gzip_min_length 0;")]
    public async Task A_proxy_that_buffers_holds_events_back_until_its_buffer_is_full(string upstream, string mistake)
    {
        await using var nginx = await NginxProxy.StartAsync(
            A,
            conf =>
                Upstream(conf, upstream).Replace("location / {", "location / { " + mistake, StringComparison.Ordinal)
        );
        await using var unbuffered = await NginxProxy.StartAsync(A);
        await using var direct = await SseReader.OpenAtAsync(A, Stream);
        using var client = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var opening = SseReader.OpenAsync(nginx.Url, Stream, direct.LastId, client: client);
        await using var beside = await SseReader.OpenAsync(unbuffered.Url, Stream, direct.LastId);

        // Events come one after the other through a proxy without the mistake, in the same time.
        for (var n = 1; n <= 10; n++)
        {
            await World.PublishNumbersAsync(World.Replicas[0], _topic, n, 1);
            await beside.WaitForEventsAsync(n);
        }

        // The buffer may hold back even the head; it holds back the events in any case.
        Assert.False(opening.IsCompleted && (await opening).Events.Any());
        // Random text, or the compressor would hold this back too.
        var text = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(100_000));
        await World.PublishAsync(
            World.Replicas[0],
            new EventBody(_topic, "big", text),
            new EventBody(_topic, "big", text)
        );

        await using var reader = await opening;
        await reader.WaitForEventsAsync(10);
    }

    [Fact]
    public async Task A_read_timeout_below_the_heartbeat_cuts_quiet_streams_off_and_the_client_resumes()
    {
        await using var nginx = await NginxProxy.StartAsync(
            A,
            // Long enough for the first bytes on a busy machine.
            conf => conf.Replace("proxy_read_timeout 60s;", "proxy_read_timeout 4s;", StringComparison.Ordinal)
        );
        string last;
        await using (var reader = await SseReader.OpenAtAsync(nginx.Url, Stream))
        {
            await reader.WaitForEndAsync();
            // A browser reports ERR_INCOMPLETE_CHUNKED_ENCODING.
            Assert.False(reader.EndedProperly);
            last = reader.LastId!;
        }

        await World.PublishNumbersAsync(World.Replicas[1], _topic, 1, 1);
        await using var again = await SseReader.OpenAsync(nginx.Url, Stream, last).ToEventsAsync(1);
    }

    [Fact]
    public async Task A_heartbeat_within_the_read_timeout_keeps_a_quiet_stream()
    {
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set("AspireSse:Streaming:HeartbeatSeconds", 1)
        );
        await using var nginx = await NginxProxy.StartAsync(
            system.Replicas[0].Url,
            conf => conf.Replace("proxy_read_timeout 60s;", "proxy_read_timeout 4s;", StringComparison.Ordinal)
        );
        // Longer than the timeout.
        await using var reader = await SseReader.OpenAtAsync(nginx.Url, Stream);

        await reader.WaitAsync(r => r.Frames.Count(f => f.Comment == "heartbeat") >= 6);
    }

    [Fact]
    public async Task Without_a_server_the_proxy_says_502_and_a_client_asks_again()
    {
        await using var link = new FaultyLink(A.Host, A.Port);
        await using var nginx = await NginxProxy.StartAsync(new Uri($"http://127.0.0.1:{link.Port}"));
        link.Cut();

        using (var away = await SeedRequests.SendAsync(nginx.Url, HttpMethod.Get, Stream))
            Assert.Equal(HttpStatusCode.BadGateway, away.StatusCode);

        link.Heal();
        await Eventually.HoldsAsync(
            async () =>
            {
                using var back = await SeedRequests.SendAsync(nginx.Url, HttpMethod.Get, Stream);
                return back.StatusCode == HttpStatusCode.OK;
            },
            "the stream is there again"
        );
    }

    /// <summary>A replica without Postgres refuses new clients by 503, and nginx asks no <c>/health</c>.</summary>
    [Fact]
    public async Task A_stream_that_one_replica_refuses_opens_at_the_other_and_a_publish_is_not_repeated()
    {
        using var refusing = new HttpListener();
        var port = FreePort.Take();
        refusing.Prefixes.Add($"http://127.0.0.1:{port}/");
        refusing.Start();

        var answering = RefuseAsync();
        const string Server = "server 127.0.0.1:5080 max_fails=0;";
        await using (
            var nginx = await NginxProxy.StartAsync(
                A,
                conf => conf.Replace(Server, $"server 127.0.0.1:{port} max_fails=0; {Server}", StringComparison.Ordinal)
            )
        )
        {
            for (var i = 0; i < 4; i++)
            {
                await using var reader = await SseReader.OpenAsync(nginx.Url, Stream);
                await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
            }

            var published = new List<HttpStatusCode>();
            for (var i = 0; i < 4; i++)
            {
                using var body = JsonContent.Create(new EventBody(_topic, "n", i));
                using var response = await SeedRequests.SendAsync(nginx.Url, HttpMethod.Post, "/v1/events", body);
                published.Add(response.StatusCode);
            }

            Assert.Equal(2, published.Count(code => code == HttpStatusCode.Accepted));
            Assert.Equal(2, published.Count(code => code == HttpStatusCode.ServiceUnavailable));
        }

        refusing.Stop();
        await answering;

        async Task RefuseAsync()
        {
            try
            {
                while (true)
                {
                    var context = await refusing.GetContextAsync();
                    context.Response.StatusCode = (int)HttpStatusCode.ServiceUnavailable;
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException) { }
        }
    }

    /// <summary>The host of a request line is the one (RFC 9112, 3.2.2); `$http_host` passes on the
    /// other.</summary>
    [Fact]
    public async Task The_server_gets_the_host_that_nginx_itself_has_taken()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var nginx = await NginxProxy.StartAsync(
            A,
            conf =>
                conf.Replace(
                    "location / {",
                    $"location /host {{ proxy_pass http://{server.LocalEndpoint}; "
                        + $"{Line(conf, "proxy_set_header Host")} }} location / {{",
                    StringComparison.Ordinal
                )
        );

        using var client = new TcpClient();
        await client.ConnectAsync(nginx.Url.Host, nginx.Url.Port, TestContext.Current.CancellationToken);
        var asked = "GET http://sse.example/host HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(asked), TestContext.Current.CancellationToken);
        using var passed = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        using var lines = new StreamReader(passed.GetStream());
        var head = new List<string>();
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { Length: > 0 } line)
            head.Add(line);

        Assert.Contains("Host: sse.example", head);
    }

    private static string Line(string configuration, string start) =>
        configuration
            .Split('\n')
            .Select(l => l.Split('#')[0].Trim())
            .Single(l => l.StartsWith(start, StringComparison.Ordinal));

    /// <summary>nginx's defaults: a body of a megabyte at most, and nothing is passed on before its end.</summary>
    [Fact]
    public async Task A_large_body_passes_and_its_first_lines_are_published_before_its_end()
    {
        await using var nginx = await NginxProxy.StartAsync(A);
        await using var reader = await SseReader.OpenAtAsync(B, Stream);
        var published = new TaskCompletionSource();
        var answering = SeedRequests.SendAsync(
            nginx.Url,
            HttpMethod.Post,
            "/v1/events",
            new Lines(_topic, 200, published.Task)
        );
        try
        {
            await Task.WhenAny(reader.WaitForEventsAsync(1), answering);
            Assert.False(answering.IsCompleted, answering.IsCompleted ? $"{await answering}" : null);
        }
        finally
        {
            published.SetResult();
        }

        using var answer = await answering;
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        await reader.WaitForEventsAsync(400);
    }

    [Fact]
    public async Task Probes_are_not_passed_on()
    {
        await using var nginx = await NginxProxy.StartAsync(A);
        foreach (var path in (string[])["/health", "/alive", "/Health/", "/%68ealth"])
        {
            using var direct = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
            using var passed = await SeedRequests.SendAsync(nginx.Url, HttpMethod.Get, path);
            Assert.Equal(
                (path, HttpStatusCode.OK, HttpStatusCode.NotFound),
                (path, direct.StatusCode, passed.StatusCode)
            );
        }
    }

    private static string Upstream(string conf, string version) =>
        conf.Replace("proxy_http_version 1.1;", $"proxy_http_version {version};", StringComparison.Ordinal);

    /// <summary>NDJSON of 4 kB a line: some lines, a pause, and as many again.</summary>
    private sealed class Lines : HttpContent
    {
        private readonly byte[] _half;
        private readonly Task _pause;

        public Lines(string topic, int half, Task pause)
        {
            var line = $$"""{"topic":"{{topic}}","type":"n","data":"{{new string('x', 4_000)}}"}""" + "\n";
            _half = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, half)));
            _pause = pause;
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_half);
            await stream.FlushAsync();
            await _pause;
            await stream.WriteAsync(_half);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
