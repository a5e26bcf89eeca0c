using System.Net;

namespace Harness.Worlds;

/// <summary>A server that may be busy for a moment, as on a slow machine: a statement runs into its time limit, or a
/// process loses its lease on runs.</summary>
internal static class BusyServer
{
    private const int Tries = 30;

    /// <summary>Asks again after each 503, when it says, as a client does, for a minute at most. Returns the first
    /// other answer, or the last.</summary>
    public static async Task<HttpResponseMessage> AskAsync(
        Func<Task<HttpResponseMessage>> ask,
        CancellationToken cancellationToken = default
    )
    {
        for (var tried = 1; ; tried++)
        {
            var answer = await ask();
            if (answer.StatusCode is not HttpStatusCode.ServiceUnavailable || tried == Tries)
                return answer;

            var wait = answer.Headers.RetryAfter?.Delta;
            Assert.True(wait is not null, "A refusal says when to come back.");
            answer.Dispose();
            await Task.Delay(wait.Value, cancellationToken);
        }
    }
}
