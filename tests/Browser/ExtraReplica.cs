using System.Text.Json.Nodes;
using Harness;
using Npgsql;

namespace Browser;

/// <summary>One more StreamApi on the stack's stores, which a test may kill without taking it from the
/// others.</summary>
internal sealed class ExtraReplica : IAsyncDisposable
{
    private readonly ServiceProcess _process;
    private readonly string _eventStore;
    private readonly Api _others;

    private ExtraReplica(ServiceProcess process, string eventStore, Api others) =>
        (_process, _eventStore, _others, Name) = (
            process,
            eventStore,
            others,
            $"streamapi-{Environment.MachineName}-{process.Id}"
        );

    public string Name { get; }

    public static async Task<ExtraReplica> StartAsync(
        string eventStore,
        string redis,
        Api others,
        CancellationToken cancellationToken
    ) =>
        new(
            await ServiceProcess.StartAsync(
                "StreamApi",
                new Dictionary<string, string>
                {
                    ["ConnectionStrings__eventstore"] = eventStore,
                    ["ConnectionStrings__redis"] = redis,
                    ["ASPNETCORE_ENVIRONMENT"] = "Development",
                    ["Traffic__Enabled"] = "false",
                },
                cancellationToken
            ),
            eventStore,
            others
        );

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        // It was killed, so it is removed from the list: the next test's page need not show it.
        await using var store = NpgsqlDataSource.Create(_eventStore);
        await using var forget = store.CreateCommand("delete from eventstore.replicas where name = $1");
        forget.Parameters.AddWithValue(Name);
        await forget.ExecuteNonQueryAsync();
        // Each of the others reads the list at most once a second.
        await PageTests.UntilAsync(async () =>
        {
            foreach (var other in (await _others.ReplicasAsync()).Where(r => !IsThis(r)))
                if ((await _others.ReplicasAsync(new Uri(other["url"]!.GetValue<string>()))).Any(IsThis))
                    return false;
            return true;
        });

        bool IsThis(JsonNode replica) => replica["name"]!.GetValue<string>() == Name;
    }
}
