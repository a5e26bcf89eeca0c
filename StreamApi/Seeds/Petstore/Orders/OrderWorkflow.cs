using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>Takes due steps of orders on any replica. A row holds the next step and its time, and its lock decides
/// which replica takes it; steps of a dead replica are taken by the others.</summary>
internal sealed class OrderWorkflow(
    [FromKeyedServices(SeedsPool.Work)] NpgsqlDataSource log,
    SeedsStore store,
    IOptions<PetstoreOptions> options,
    TimeProvider clock,
    ILogger<OrderWorkflow> logger
) : RestartingService(logger, clock)
{
    private const int Batch = 50;

    private static readonly ActivitySource Tracing = new("AspireSse.Petstore");

    private readonly TimeSpan _step = options.Value.Step;

    private readonly ScheduledRows _due = new(log, "seeds.orders", "next_step_at", options.Value.Step, clock);

    /// <summary>Signals that an order was placed on this replica.</summary>
    public void Placed() => _due.Changed();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        _due.RunAsync(
            (now, stop) => store.ChangeAsync(db => TakeStepsAsync(db, now), stop),
            e => Logger.LogWarning("Order steps could not be taken; they are retried: {Reason}", e.Message),
            stoppingToken
        );

    private async Task<bool> TakeStepsAsync(SeedsContext db, DateTimeOffset now)
    {
        var due = await db
            .Orders.FromSql(
                $"""
                select * from seeds.orders where next_step_at <= {now}
                order by next_step_at limit {Batch} for update skip locked
                """
            )
            .ToListAsync(CancellationToken.None);

        foreach (var order in due)
            if (OrderStatus.After(order.Status) is { } next)
            {
                using var step = Tracing.StartActivity("order step", ActivityKind.Internal, order.TraceParent);
                OrderStatus.Enter(db, order, next, now.WholeMilliseconds(), _step);
            }
            else
                SetAside(order);

        return due.Count == Batch;
    }

    /// <summary>Takes no more steps of an order whose status no step follows: it would stop the others.</summary>
    private void SetAside(Order order)
    {
        Logger.LogError(
            "Order {Order} takes no more steps, because none follows the status {Status}",
            order.Id,
            order.Status
        );
        order.NextStepAt = null;
    }

    public override void Dispose()
    {
        _due.Dispose();
        base.Dispose();
    }
}
