using LoadTests.Measurements;
using LoadTests.Targets;
using Microsoft.AspNetCore.Http;
using Unit.Client;

namespace Unit.Load;

/// <summary>A server that lists itself as the only replica, and a run against it.</summary>
internal sealed class StubSystem(SseServer server, ReplicaSet replicas) : IAsyncDisposable
{
    public const string Connected = "id: e-0\nevent: connected\ndata: {}\n\n";

    public ReplicaSet Replicas => replicas;
    public LoadRun Run { get; } = new(replicas, "stub");

    public static async Task<StubSystem> StartAsync(Func<HttpContext, Task> stream)
    {
        var server = await SseServer.StartAsync(context =>
            context.Request.Path == "/v1/replicas"
                ? context.Response.WriteAsJsonAsync(
                    new[] { new Replica("one", $"http://{context.Request.Host}", 0, "", 0, "") }
                )
                : stream(context)
        );
        return new(server, await ReplicaSet.DiscoverAsync(new Uri(server.Url), TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await Run.DisposeAsync();
        replicas.Dispose();
        await server.DisposeAsync();
    }
}
