using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;

namespace Adopter.Orders;

/// <summary>Reports of some pages, which go on in another process with the page after the last one.</summary>
public static class ReportsApi
{
    public static void MapReports(this WebApplication app)
    {
        app.MapPut("/reports/{id:guid}", StartAsync);
        app.MapGet("/reports/{id:guid}", (Guid id) => TypedResults.RunStream($"reports.{id}")).AllowAnonymous();
        app.MapDelete("/reports/{id:guid}", CancelAsync);
    }

    public static async Task WriteAsync(IServiceProvider services, Run run, ReportOrder order, CancellationToken stop)
    {
        var written = await run.ReadAsync(stop).CountAsync(e => e.Type == "page", stop);

        for (var page = written + 1; page <= order.Pages; page++)
        {
            var chat = services.GetRequiredService<IChatClient>();
            var answer = await chat.GetResponseAsync($"{order.About}, page {page}", cancellationToken: stop);
            await run.AppendAsync("page", new ReportPage(page, run.Attempt, answer.Text));
        }
    }

    private static async Task<Results<Accepted, Conflict>> StartAsync(Guid id, ReportOrder order, IRuns runs) =>
        await runs.StartAsync($"reports.{id}", "report", order)
            ? TypedResults.Accepted($"/reports/{id}")
            : TypedResults.Conflict();

    private static async Task<Results<Accepted, NotFound>> CancelAsync(Guid id, IRuns runs) =>
        await runs.CancelAsync($"reports.{id}") ? TypedResults.Accepted($"/reports/{id}") : TypedResults.NotFound();
}

public sealed record ReportOrder(string About, int Pages);

public sealed record ReportPage(int Page, int Attempt, string Text);
