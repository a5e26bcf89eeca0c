using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Integration.Security;

/// <summary>New connections of one address, faster than they get their turns.</summary>
public sealed class ConnectionTurnTests
{
    [Fact]
    public async Task An_address_that_connects_too_fast_waits_and_delays_no_other_address()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "One machine has many loopback addresses on Linux.");
        const int Rate = 5,
            Turns = Rate + 10 * Rate,
            TooMany = 40;

        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__ConnectionsPerSecond"] = $"{Rate}",
            ["Security__Proxies__0"] = "127.0.0.9",
        };

        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set(settings).ApiKey(SecureSystem.OperatorKey)
        );
        var server = system.Replicas[0].Url;
        Task<bool>[] From(string address, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => AliveFromAsync(address, server))];

        static async Task UntilAsync(Task<bool>[] asked, bool answered, int count)
        {
            while (asked.Count(a => a.IsCompletedSuccessfully && a.Result == answered) < count)
                await Task.WhenAny(asked.Where(a => !a.IsCompleted));
        }

        var load = From("127.0.0.2", Turns + TooMany);
        // A connection that would wait more than ten seconds is closed.
        await UntilAsync(load, answered: false, TooMany / 2);
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.3", Rate)));
        Assert.DoesNotContain(false, await Task.WhenAll(From("127.0.0.9", Turns + TooMany)));
        // The others get their turns: a second's worth at once, then one after the other.
        await UntilAsync(load, answered: true, 2 * Rate);
        Assert.Contains(load, a => !a.IsCompleted);
    }

    /// <summary>Returns true if the server answers a request from this address, false if it closes the
    /// connection.</summary>
    private static async Task<bool> AliveFromAsync(string address, Uri server)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));

        try
        {
            await socket.ConnectAsync(server.Host, server.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            return await socket.ReceiveAsync(new byte[16]) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
