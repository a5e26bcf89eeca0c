using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Harness.Worlds;
using LocalServices;
using NATS.Client.JetStream;
using NATS.Net;

namespace Packages;

public sealed class BridgeTests(MadePackages made)
{
    private const int Orders = 40;

    [Fact]
    public async Task A_bridge_that_is_killed_copies_each_event_once_and_in_order()
    {
        var stop = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateDatabaseAsync(stop);
        await using var shop = await RunningSample.StartAsync(
            await made.BuildSampleAsync("Shop"),
            database.ConnectionString
        );
        using var staff = await ShopTests.SignInAsync(shop, ShopTests.Staff);
        var program = await made.BuildSampleAsync("Bridge");
        var port = FreePort.Take();
        await using var nats = StartNats(port, made.FolderOf("nats"));
        await using var client = new NatsClient($"nats://127.0.0.1:{port}");
        var jetStream = client.CreateJetStreamContext();

        List<string> ordered = [];
        await using (var killed = StartBridge(program, shop, port))
        {
            await OrderAsync(Orders / 2);
            await Eventually.HoldsAsync(async () => await CountAsync() > Orders / 4, state: () => killed.Output);
            Signals.Send(killed.Processes[0], Signals.Kill);
        }

        await OrderAsync(Orders / 2);
        await using var bridge = StartBridge(program, shop, port);
        await Eventually.HoldsAsync(async () => await CountAsync() == Orders, state: () => bridge.Output);

        Assert.Equal(ordered, await ReadAsync());

        async Task OrderAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var answer = await staff.PostAsJsonAsync(
                    "/orders",
                    new { article = $"Tea {ordered.Count}" },
                    stop
                );
                answer.EnsureSuccessStatusCode();
                ordered.Add($"Tea {ordered.Count}");
            }
        }

        async Task<long> CountAsync()
        {
            try
            {
                return (await jetStream.GetStreamAsync("shop", cancellationToken: stop)).Info.State.Messages;
            }
            catch (NatsJSApiException)
            {
                return 0; // the bridge has not made it yet
            }
        }

        async Task<List<string>> ReadAsync()
        {
            List<string> articles = [];
            var consumer = await jetStream.CreateOrderedConsumerAsync("shop", cancellationToken: stop);
            await foreach (
                var message in consumer.FetchNoWaitAsync<string>(new() { MaxMsgs = Orders }, cancellationToken: stop)
            )
                articles.Add(JsonDocument.Parse(message.Data!).RootElement.GetProperty("article").GetString()!);
            return articles;
        }
    }

    private static ChildProcess StartNats(int port, string folder)
    {
        var server = LocalProgram.Find(
            Repository.PathOf(".local/tools"),
            "NATS",
            ["nats-server"],
            "--version",
            ["nats-server"],
            "usr/sbin/nats-server",
            "Install nats-server."
        );
        return ChildProcess.Start("NATS", [server.File, "-js", "-sd", folder, "-a", "127.0.0.1", "-p", $"{port}"]);
    }

    private static ChildProcess StartBridge(string program, RunningSample shop, int nats) =>
        ChildProcess.Start(
            "bridge",
            [program],
            new Dictionary<string, string>
            {
                ["Shop__Url"] = shop.Address.ToString(),
                ["Shop__Staff"] = ShopTests.Staff,
                ["Shop__Password"] = ShopTests.Password,
                ["Nats__Url"] = $"nats://127.0.0.1:{nats}",
            }
        );
}
