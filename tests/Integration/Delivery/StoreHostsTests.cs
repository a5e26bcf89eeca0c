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
        using var frozen = new TcpListener(IPAddress.Loopback, 0);
        frozen.Start();

        var port = ((IPEndPoint)frozen.LocalEndpoint).Port;
        var builder = new NpgsqlDataSourceBuilder(database.ConnectionString) { Name = "frozen" };
        builder.ConnectionStringBuilder.Host = $"127.0.0.1:{port},{database.Host}:{database.Port}";

        await using var pool = new StoreHosts(TimeProvider.System).Build(builder);

        await using var first = await pool.OpenConnectionAsync(Stop);
        // Now and then a second connection, which sends nothing, is opened within the same two seconds.
        Assert.InRange(await AskedAsync(), 1, 2);

        // Held, so that each is a new one.
        await using var second = await pool.OpenConnectionAsync(Stop);
        await using var third = await pool.OpenConnectionAsync(Stop);
        await using var fourth = await pool.OpenConnectionAsync(Stop);

        Assert.Equal(0, await AskedAsync());

        async Task<int> AskedAsync()
        {
            var asked = 0;
            for (; frozen.Pending(); asked++)
                using (await frozen.AcceptSocketAsync(Stop)) { }
            return asked;
        }
    }
}
