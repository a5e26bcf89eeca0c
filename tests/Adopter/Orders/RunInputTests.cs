using System.Collections.Concurrent;
using System.Text.Json.Serialization;

namespace Adopter.Orders;

/// <summary>The input of a handler, which is stored with its run.</summary>
public sealed class RunInputTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Nulls are left out of events, where a reader sees no difference; the input's own type may.</summary>
    [Fact]
    public async Task A_handler_gets_the_input_as_it_was_given_with_its_nulls()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        var got = new ConcurrentQueue<Request>();
        var builder = WebApplication.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            "--environment=Production",
            $"--ConnectionStrings:log={database.ConnectionString}",
        ]);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.Never;
            json.SerializerOptions.RespectRequiredConstructorParameters = true;
        });
        builder
            .AddEventStore("log")
            .AddSse()
            .AddSseRuns(runs =>
                runs.AddHandler<Request>(
                    "report",
                    (_, _, input, _) =>
                    {
                        got.Enqueue(input);
                        return Task.CompletedTask;
                    }
                )
            );
        await using var app = builder.Build();
        await app.StartAsync(Stop);

        var given = new Request(7, null) { Sender = null };
        Assert.True(await app.Services.GetRequiredService<IRuns>().StartAsync("reports.7", "report", given, Stop));
        var log = app.Services.GetRequiredService<IEventLog>();
        await Eventually.HoldsAsync(async () =>
            (await log.ReadAsync(new(), Stop)).Events is [.., { Type: "end" or "error" }]
        );
        Assert.Equal([given], got);
    }

    private sealed record Request(int Pages, string? Note)
    {
        public required string? Sender { get; init; }
    }
}
