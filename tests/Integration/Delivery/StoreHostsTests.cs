using System.Net;
using System.Net.Sockets;
using EventStore;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Pools over several hosts of which one is frozen: its kernel accepts connections, and nothing
/// answers.</summary>
public sealed class StoreHostsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Otherwise each new connection waits for it, longer than a lease lives: nobody leads until the host
    /// is thawed.</summary>
    [Fact]
    public async Task A_host_that_did_not_answer_is_not_asked_again_for_the_next_connections()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        // An address of its own: to 127.0.0.1, clients of other tests come back to a port that was their server's.
        using var frozen = new TcpListener(IPAddress.Parse("127.0.0.2"), 0);
        frozen.Start();
        var port = ((IPEndPoint)frozen.LocalEndpoint).Port;
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        settings.Host = $"127.0.0.2:{port},{settings.Host}:{settings.Port}";
        await using var pool = new StoreHosts(TimeProvider.System).Build(settings, "frozen");

        // Held, so that each is a new one.
        var held = new List<NpgsqlConnection>();
        for (var i = 0; i < 4; i++)
            held.Add(await pool.OpenConnectionAsync(Stop));
        foreach (var connection in held)
            await connection.DisposeAsync();

        var asked = 0;
        for (; frozen.Pending(); asked++)
            using (await frozen.AcceptSocketAsync(Stop)) { }
        Assert.Equal(1, asked);
    }
}
