using System.Net;
using System.Net.Sockets;
using System.Text;
using LocalServices.Postgres;
using LocalServices.Redis;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Unit.LocalServices;

public sealed class HealthCheckTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Postgres_is_healthy_when_it_asks_for_the_password() =>
        Assert.Equal(
            HealthStatus.Healthy,
            (await CheckAgainst("R\0\0\0\u0017\0\0\0\nSCRAM-SHA-256\0\0", port => new PostgresHealthCheck(port))).Status
        );

    [Fact]
    public async Task Postgres_that_is_starting_up_is_unhealthy_in_its_own_words()
    {
        var result = await CheckAgainst(
            "E\0\0\0\u0050SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0",
            port => new PostgresHealthCheck(port)
        );
        Assert.Equal(
            (HealthStatus.Unhealthy, "the database system is starting up"),
            (result.Status, result.Description)
        );
    }

    [Fact]
    public async Task Redis_that_refuses_the_password_is_unhealthy_in_its_own_words()
    {
        var result = await CheckAgainst(
            "-WRONGPASS invalid username-password pair\r\n",
            port => new RedisHealthCheck(port, "secret")
        );
        Assert.Equal(
            (HealthStatus.Unhealthy, "Redis answered: -WRONGPASS invalid username-password pair"),
            (result.Status, result.Description)
        );
    }

    private static async Task<HealthCheckResult> CheckAgainst(string answer, Func<int, IHealthCheck> check)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var result = check(((IPEndPoint)listener.LocalEndpoint).Port).CheckHealthAsync(new HealthCheckContext(), Token);
        using var client = await listener.AcceptTcpClientAsync(Token);

        await client.GetStream().ReadExactlyAsync(new byte[1], Token);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), Token);
        return await result;
    }
}
