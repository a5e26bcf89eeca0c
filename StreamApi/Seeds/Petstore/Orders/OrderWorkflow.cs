using EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// Takes the orders' steps as they fall due, on any replica: the row says which step is next and when, its lock says
/// who takes it. A
/// replica that dies in the middle leaves the step to the others, or to itself after the restart.
/// </summary>
internal sealed class OrderWorkflow(
    NpgsqlDataSource store,
    IDbContextFactory<PetstoreContext> contexts,
    IOptions<PetstoreOptions> options,
    TimeProvider clock,
    ILogger<OrderWorkflow> logger
) : RestartingService(logger)
{
    private const int Batch = 50;

    private readonly ScheduledRows _due = new(
        store,
        "petstore.orders",
        "next_step_at",
        TimeSpan.FromMilliseconds(options.Value.PollMilliseconds),
        clock
    );

    /// <summary>An order was placed here.</summary>
    public void Placed() => _due.Changed();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        _due.RunAsync(
            TakeStepsAsync,
            e => Logger.LogWarning("Orders wait for their next step: {Reason}", e.Message),
            stoppingToken
        );

    private async Task<int> TakeStepsAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetMoment();
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var due = await context
            .Orders.FromSql(
                $"select * from petstore.orders where next_step_at <= {now} order by next_step_at limit {Batch} for update skip locked"
            )
            .ToListAsync(cancellationToken);
        foreach (var order in due)
            await OrderSteps.EnterAsync(
                context,
                order,
                OrderSteps.After(order.Status)!,
                now,
                options.Value,
                cancellationToken
            );
        await transaction.CommitAsync(cancellationToken);
        return due.Count;
    }

    public override void Dispose()
    {
        _due.Dispose();
        base.Dispose();
    }
}
