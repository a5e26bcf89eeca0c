namespace Adopter.Databases;

/// <summary>A Postgres that is reached by a Unix socket, as on one machine with the application.</summary>
public sealed class UnixSocketTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_behind_a_socket_streams_what_is_appended()
    {
        await using var store = await SocketStore.StartAsync(Stop);
        var builder = LogApp.Builder(store.ConnectionString);
        builder.AddEventStore("log");
        builder.AddSse();
        await using var app = await LogApp.StartAsync(
            builder,
            app => app.MapGet("/orders/7", () => TypedResults.EventStream("orders.7")).AllowAnonymous()
        );

        await using var stream = await SseReader.OpenAtAsync(app.Server, "/orders/7");
        await app.AppendAsync("7");
        await stream.WaitForEventsAsync(1);
    }
}
