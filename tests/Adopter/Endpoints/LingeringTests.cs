using System.Net.Sockets;
using System.Text;
using Adopter.Databases;
using AspireSse.Server;
using Harness;

namespace Adopter.Endpoints;

/// <summary>Bodies that do not go on after their refusal.</summary>
public sealed class LingeringTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>HAProxy resets its connection once it has the answer.</summary>
    [Theory]
    [InlineData("Content-Length: 1000", "half", false)]
    [InlineData("Content-Length: 1000", "half", true)]
    [InlineData("Transfer-Encoding: chunked", "4\r\nhalf\r\n", false)]
    [InlineData("Transfer-Encoding: chunked", "4\r\nhalf\r\n", true)]
    public async Task The_server_ends_the_request_without_an_error(string length, string half, bool isReset)
    {
        using var log = new WarningLines();
        var builder = LogApp.Builder(null);
        builder.Logging.AddProvider(log);
        builder.AddInMemoryEventLog().AddSse();
        await using (var app = await LogApp.StartAsync(builder, Map))
        {
            using var client = new TcpClient();
            await client.ConnectAsync(app.Server.Host, app.Server.Port, Stop);
            var request = $"POST /refused HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n{half}";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Stop);
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            Assert.Equal("HTTP/1.1 400 Bad Request", await reader.ReadLineAsync(Stop));

            if (isReset)
                client.Client.Close(0);
            else
                await EndAsync(reader);
        }

        Assert.Empty(log.Texts);
    }

    /// <summary>A client that waits for the 100 sends no body after a refusal, and its next request would be taken for
    /// it (RFC 9110 §10.1.1).</summary>
    [Theory]
    [InlineData("/refused", "Expect: 100-continue\r\n", true)]
    [InlineData("/missing", "Expect: 100-continue\r\n", true)]
    [InlineData("/refused", "", false)]
    [InlineData("/accepted", "Expect: 100-continue\r\n", false)]
    public async Task A_refusal_closes_the_connection_of_a_client_that_waits_to_send_its_body(
        string path,
        string expect,
        bool closes
    )
    {
        var builder = LogApp.Builder(null);
        builder.AddInMemoryEventLog().AddSse();
        await using var app = await LogApp.StartAsync(builder, Map);
        using var client = new TcpClient();
        await client.ConnectAsync(app.Server.Host, app.Server.Port, Stop);
        var request = $"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n{expect}\r\n";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Stop);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var head = new List<string>();
        while (await reader.ReadLineAsync(Stop) is { Length: > 0 } line)
            head.Add(line);

        Assert.Equal(closes, head.Contains("Connection: close"));
    }

    private static void Map(WebApplication app)
    {
        app.UseLingeringBodies();
        app.MapPost("/refused", () => TypedResults.BadRequest());
        app.MapPost("/accepted", () => TypedResults.Ok());
    }

    private static async Task EndAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync(Stop) is not null) { }
        }
        catch (IOException)
        {
            // A reset is an end, too.
        }
    }
}
