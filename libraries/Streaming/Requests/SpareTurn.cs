namespace Streaming.Requests;

/// <summary>The turn of a request beyond its client's rate.</summary>
internal static class SpareTurn
{
    private sealed record Taken;

    /// <summary>Returns true if the request has, or has had, its turn.</summary>
    public static bool HasSpareTurn(this HttpContext context) => context.Features.Get<Taken>() is not null;

    /// <summary>Waits for a turn, once per request. The turn ends when the response begins, because a stream lasts
    /// longer.</summary>
    /// <exception cref="RefusedException">No turn became free in time, or too many requests wait.</exception>
    public static async Task TakeSpareAsync(this HttpContext context, FairGate spare, ClientKey client, TimeSpan limit)
    {
        if (context.HasSpareTurn())
            return;

        var turn = await spare.EnterAsync(client, limit, context.RequestAborted);
        context.Features.Set(new Taken());
        context.Response.RegisterForDispose(turn);
        context.Response.OnStarting(() =>
        {
            turn.Dispose();
            return Task.CompletedTask;
        });
    }
}
