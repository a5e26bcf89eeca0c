using System.Net.Sockets;
using System.Text;
using Harness;

namespace Integration.Delivery;

/// <summary>Requests of streams whose body has not arrived.</summary>
public sealed class OpenBodyTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    private RunningService A => shared.World.System.Replicas[0];

    [Theory]
    [InlineData("/v1/events/stream", "Transfer-Encoding: chunked")]
    [InlineData("/sse/events", "Content-Length: 10")]
    public async Task A_stream_begins_while_the_body_of_its_request_is_open(string path, string length)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(A.Url.Host, A.Url.Port, cancellationToken);
        var request = $"GET {path} HTTP/1.1\r\nHost: {A.Url.Authority}\r\n{length}\r\n\r\n";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);

        using var lines = new StreamReader(client.GetStream(), Encoding.UTF8);
        Assert.Equal("HTTP/1.1 200 OK", await lines.ReadLineAsync(cancellationToken));

        string? line;
        do line = await lines.ReadLineAsync(cancellationToken);
        while (line?.StartsWith("retry:", StringComparison.Ordinal) == false);

        Assert.NotNull(line);
    }
}
