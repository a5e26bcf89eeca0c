using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Storage;

namespace StreamApi.Petstore;

/// <summary>
/// Takes the orders' steps as they fall due, on any replica: the row says which step is next and when, its lock says who takes it. A
/// replica that dies in the middle leaves the step to the others, or to itself after the restart.
/// </summary>
internal sealed class OrderWorkflow(NpgsqlDataSource store, IDbContextFactory<PetstoreContext> contexts, IOptions<PetstoreOptions> options, TimeProvider clock, ILogger<OrderWorkflow> logger) : BackgroundService
{
    private const int Batch = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.PollMilliseconds), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try { while (await TakeStepsAsync(stoppingToken) == Batch) { } }
                catch (Exception e) when (e is not OperationCanceledException) { logger.LogWarning("Orders wait for their next step: {Reason}", e.Message); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task<int> TakeStepsAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetMoment();
        if (!await store.AnyDueAsync("petstore.orders", "next_step_at", now, cancellationToken)) return 0;
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var due = await context.Orders
            .FromSql($"select * from petstore.orders where next_step_at <= {now} order by next_step_at limit {Batch} for update skip locked")
            .ToListAsync(cancellationToken);
        foreach (var order in due)
            await OrderSteps.EnterAsync(context, order, OrderSteps.After(order.Status)!, now, options.Value, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return due.Count;
    }
}
