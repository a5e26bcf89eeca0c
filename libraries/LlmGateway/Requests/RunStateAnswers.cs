using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace LlmGateway.Requests;

/// <summary>
/// Answers requests for the state of a run. A state may have megabytes, so it is read and encoded within the client's
/// turn, and its bytes count as held until the client has taken them.
/// </summary>
internal sealed class RunStateAnswers(RunStore runs, ReadGate turns, RequestBudget budget, IOptions<RunOptions> options)
{
    /// <param name="context">The request.</param>
    /// <param name="readAsync">Reads the state and its position, from at most the given bytes of events. Null if there
    /// is no such run.</param>
    /// <returns>Null if there is no such run.</returns>
    /// <exception cref="RefusedException">The client, or all clients together, hold too many bytes, or no turn became
    /// free.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<IResult?> AnswerAsync<T>(
        HttpContext context,
        Func<RunStore, int, Task<(T State, StreamPosition Position)?>> readAsync
    )
    {
        using var turn = await turns.EnterAsync(context);
        if (await readAsync(runs, options.Value.MaxReadBytes) is not var (state, position))
            return null;

        var json = JsonSerializer.SerializeToUtf8Bytes(state, RunJson.Options.TypeOf<T>());
        budget.Hold(context).Set(json.Length);
        // A stream that starts after this position continues the run without gap or repetition.
        context.Response.Headers["X-Sse-Position"] = position.ToString();

        return TypedResults.Bytes(json, "application/json; charset=utf-8");
    }
}
