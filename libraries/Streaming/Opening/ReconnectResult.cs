namespace Streaming.Opening;

/// <summary>Asks a client to reconnect later.</summary>
internal sealed class ReconnectResult(string why) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => httpContext.AskToReconnectAsync(why);
}
