using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;

namespace Adopter.Orders;

/// <summary>Answers of a model, which continue when their request or their reader has gone.</summary>
public static class AnswersApi
{
    public static void MapAnswers(this WebApplication app)
    {
        app.MapPut("/answers/{id:guid}", StartAsync);
        app.MapGet("/answers/{id:guid}", (Guid id) => TypedResults.RunStream($"answers.{id}")).AllowAnonymous();
        app.MapDelete("/answers/{id:guid}", CancelAsync);
    }

    private static async Task<Results<Accepted, Conflict>> StartAsync(
        Guid id,
        Question question,
        IRuns runs,
        IChatClient chat
    ) =>
        await runs.StartAsync(
            $"answers.{id}",
            (run, stop) =>
                run.AppendEachAsync("update", chat.GetStreamingResponseAsync(question.Text, cancellationToken: stop))
        )
            ? TypedResults.Accepted($"/answers/{id}")
            : TypedResults.Conflict();

    private static async Task<Results<Accepted, NotFound>> CancelAsync(Guid id, IRuns runs) =>
        await runs.CancelAsync($"answers.{id}") ? TypedResults.Accepted($"/answers/{id}") : TypedResults.NotFound();
}

public sealed record Question(string Text);
