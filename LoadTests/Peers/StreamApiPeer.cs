using System.Text;
using LoadTests.Chaos;
using LoadTests.Targets;

namespace LoadTests.Peers;

/// <summary>One replica of the targeted system, at its own address. Its events are durable before they are answered, which the others' are not.</summary>
internal sealed class StreamApiPeer(Replica replica, string topic) : Peer("StreamApi")
{
    public override Uri Subscribe { get; } = new(replica.Address, $"/v1/events/stream?topic={topic}");

    public override IReadOnlyList<int> Processes { get; } = ProcessTable.Family(ProcessTable.ListenerOf(replica.Address.Port) ?? throw new LoadTestException($"Nobody here listens at {replica.Url}."));

    // Not ours to end.
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    protected override HttpRequestMessage Request(byte[] data) => new(HttpMethod.Post, new Uri(replica.Address, "/v1/events"))
    {
        Content = Json(Encoding.UTF8.GetBytes($$"""{"topic":"{{topic}}","type":"load","data":{{Encoding.UTF8.GetString(data)}}}""")),
    };
}
