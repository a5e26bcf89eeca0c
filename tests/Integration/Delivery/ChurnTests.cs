using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Integration.Delivery;

/// <summary>Clients connect and leave. tests/Reliability does this for minutes.</summary>
public sealed class ChurnTests
{
    [Fact]
    public async Task Disconnected_clients_leave_neither_streams_nor_descriptors()
    {
        await using var system = await World.Start(o => o.AsProcesses());
        var replica = system.Replicas[0];
        await VisitAsync(replica, 0, 50);
        await NobodyIsLeftAsync(replica);
        var before = Descriptors(replica);
        for (var round = 1; round <= 10; round++)
            await VisitAsync(replica, round, 50);
        await NobodyIsLeftAsync(replica);
        await Eventually.HoldsAsync(
            () => Task.FromResult(Descriptors(replica) <= before + 10),
            $"the {before} descriptors of before are all"
        );
    }

    private static Task VisitAsync(RunningService replica, int round, int clients) =>
        Task.WhenAll(
            Enumerable
                .Range(0, clients)
                .Select(async client =>
                {
                    await using var reader = await SseReader.OpenAsync(
                        replica.Url,
                        $"/v1/events/stream?topic=churn.r{round}.c{client}"
                    );
                    await reader.WaitAsync(r => r.LastId is not null);
                })
        );

    private static Task NobodyIsLeftAsync(RunningService replica) =>
        Eventually.HoldsAsync(
            async () =>
            {
                using var http = new HttpClient();
                return (await http.GetFromJsonAsync<JsonElement>(new Uri(replica.Url, "/v1/connections")))
                        .GetProperty("connections")
                        .GetArrayLength() == 0;
            },
            "no stream is open"
        );

    private static int Descriptors(RunningService replica) =>
        OperatingSystem.IsLinux() ? Directory.GetFiles($"/proc/{replica.Process.Id}/fd").Length : 0;
}
