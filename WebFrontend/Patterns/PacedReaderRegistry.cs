using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using WebFrontend.SignIn;

namespace WebFrontend.Patterns;

/// <summary>The open <see cref="PacedReader"/>s, by id. Thread-safe.</summary>
internal sealed class PacedReaderRegistry(SignInSessions sessions)
{
    private readonly ConcurrentDictionary<string, PacedReader> _open = new(StringComparer.Ordinal);

    public PacedReader? Find(string id) => _open.GetValueOrDefault(id);

    /// <summary>
    /// Streams the chunks of a reader. Ends when StreamApi ends or breaks the response, when the page disconnects, and
    /// at sign-out.
    /// </summary>
    public async IAsyncEnumerable<SseItem<object>> StreamAsync(
        PacedReader reader,
        HttpResponseMessage response,
        HttpContext context,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var registration = sessions.CancelAtSignOut(context, cancellation);
        using var ownedResponse = response;

        _open[reader.Id] = reader;
        var reading = reader.ReadAsync(response, cancellation.Token);
        await using var chunks = reading.GetAsyncEnumerator(cancellation.Token);
        try
        {
            while (await NextAsync(chunks) is { } next)
                yield return next;
        }
        finally
        {
            _open.TryRemove(reader.Id, out _);
        }
    }

    private static async Task<SseItem<object>?> NextAsync(IAsyncEnumerator<SseItem<object>> chunks)
    {
        try
        {
            return await chunks.MoveNextAsync() ? chunks.Current : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }
}
