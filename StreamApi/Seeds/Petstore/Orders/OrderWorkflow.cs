using EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// Takes due steps of orders on any replica. A row holds the next step and its time, and its lock decides which replica
/// takes it; steps of a dead replica are taken by the others.
/// </summary>
internal sealed class OrderWorkflow(
    NpgsqlDataSource store,
    IDbContextFactory<PetstoreContext> contexts,
    IOptions<PetstoreOptions> options,
    TimeProvider clock,
    ILogger<OrderWorkflow> logger
) : RestartingService(logger, clock)
{
    private const int Batch = 50;

    private readonly ScheduledRows _due = new(
        store,
        "petstore.orders",
        "next_step_at",
        TimeSpan.FromMilliseconds(options.Value.PollMilliseconds),
        options.Value.MaxPause,
        clock
    );

    /// <summary>Signals that an order was placed on this replica.</summary>
    public void Placed() => _due.Changed();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        _due.RunAsync(
            TakeStepsAsync,
            e => Logger.LogWarning("Order steps could not be taken; they are retried: {Reason}", e.Message),
            stoppingToken
        );

    private Task<int> TakeStepsAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        contexts.ChangeAsync(context => TakeStepsAsync(context, now), cancellationToken);

    private async Task<int> TakeStepsAsync(PetstoreContext context, DateTimeOffset now)
    {
        var due = await context
            .Orders.FromSql(
                $"""
                select * from petstore.orders where next_step_at <= {now}
                order by next_step_at limit {Batch} for update skip locked
                """
            )
            .ToListAsync(CancellationToken.None);
        foreach (var order in due)
            if (OrderSteps.After(order.Status) is { } next)
                await OrderSteps.EnterAsync(
                    context,
                    order,
                    next,
                    now.WholeMilliseconds(),
                    options.Value,
                    CancellationToken.None
                );
            else
                await SetAsideAsync(context, order);
        await context.CommitAsync();
        return due.Count;
    }

    /// <summary>Takes no more steps of an order whose status no step follows: it would stop the others.</summary>
    private async Task SetAsideAsync(PetstoreContext context, Order order)
    {
        Logger.LogError(
            "Order {Order} takes no more steps, because none follows the status {Status}",
            order.Id,
            order.Status
        );
        order.NextStepAt = null;
        await context.SaveChangesAsync(CancellationToken.None);
    }

    public override void Dispose()
    {
        _due.Dispose();
        base.Dispose();
    }
}
