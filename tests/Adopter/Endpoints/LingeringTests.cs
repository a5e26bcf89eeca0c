using System.Net.Sockets;
using System.Text;
using Adopter.Databases;
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

    private static void Map(WebApplication app)
    {
        app.UseLingeringBodies();
        app.MapPost("/refused", () => TypedResults.BadRequest());
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
