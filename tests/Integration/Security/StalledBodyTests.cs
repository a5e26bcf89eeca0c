using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Integration.Security;

/// <summary>Bodies that stall on a connection of HTTP/2, which a proxy shares among its clients.</summary>
public sealed class StalledBodyTests
{
    private const string Line = """{"topic":"stalls.a","type":"n","data":1}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Kestrel's own rate would end the connection.</summary>
    [Fact]
    public async Task A_body_that_stalls_on_HTTP_2_is_refused_alone_and_the_streams_beside_it_go_on()
    {
        await using var system = await World.Start(o =>
            o.Set("Limits:BodyGraceSeconds", 2)
                .Set("Kestrel:Endpoints:Plain:Url", "http://127.0.0.1:0")
                .Set("Kestrel:Endpoints:Two:Url", "http://127.0.0.1:0")
                .Set("Kestrel:Endpoints:Two:Protocols", "Http2")
        );
        await Eventually.HoldsAsync(
            () => ReadPaceTests.Addresses(system).Count() == 2,
            "both addresses are in the log"
        );
        using var http = new HttpClient
        {
            BaseAddress = ReadPaceTests.Addresses(system).ElementAt(1),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        await using var stream = await SseReader.OpenAsync(
            http.BaseAddress,
            "/v1/events/stream?topic=stalls.>",
            client: http
        );
        await stream.WaitAsync(reader => reader.LastId is not null);

        var document = http.PostAsync("/v1/events", new StalledBody("{", "application/json"), Stop);
        var lines = http.PostAsync("/v1/events", new StalledBody($"{Line}\n", "application/x-ndjson"), Stop);

        using var refused = await document;
        Assert.Equal(HttpStatusCode.RequestTimeout, refused.StatusCode);
        using var cutOff = await lines;
        Assert.Equal(HttpStatusCode.RequestTimeout, cutOff.StatusCode);
        Assert.Contains(
            "\"line\":2,\"accepted\":1",
            await cutOff.Content.ReadAsStringAsync(Stop),
            StringComparison.Ordinal
        );

        using var later = await http.PostAsync(
            "/v1/events",
            new StringContent(Line, Encoding.UTF8, "application/json"),
            Stop
        );
        Assert.Equal(HttpStatusCode.Accepted, later.StatusCode);
        await stream.WaitForEventsAsync(2);
    }

    /// <summary>A body that begins, and does not go on.</summary>
    private sealed class StalledBody : HttpContent
    {
        private readonly string _begin;

        public StalledBody(string begin, string type)
        {
            _begin = begin;
            Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, Stop);

        protected override async Task SerializeToStreamAsync(
            Stream stream,
            TransportContext? context,
            CancellationToken cancellationToken
        )
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(_begin), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
