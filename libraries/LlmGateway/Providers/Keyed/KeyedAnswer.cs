using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using EventStore;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// Reads the answer of a chat client that may be silent, may never end, and may ignore its cancellation. A failure
/// becomes an <see cref="UpstreamException"/> without the client's message, which may quote a key.
/// </summary>
/// <param name="provider">The provider, which has the limits of the answer.</param>
/// <param name="start">Sends the request.</param>
/// <param name="cancellationToken">Cancels the request and the reads.</param>
internal sealed class KeyedAnswer(
    ModelProvider provider,
    Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> start,
    CancellationToken cancellationToken
)
{
    private readonly CancellationTokenSource _abandoned = CancellationTokenSource.CreateLinkedTokenSource(
        cancellationToken
    );
    private UsageDetails _usage = new();
    private IAsyncEnumerator<ChatResponseUpdate>? _updates;
    private Task<bool> _next = Task.FromResult(true);
    private long _bytes;
    private bool _hasBegun;

    /// <summary>Reads the updates.</summary>
    /// <exception cref="UpstreamException">The client failed, is silent, or sends too much.</exception>
    /// <exception cref="OperationCanceledException">The caller has cancelled.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        try
        {
            while (await MoveAsync())
            {
                _hasBegun = true;
                foreach (var content in _updates!.Current.Contents)
                    Count(content);
                yield return _updates.Current;
            }
        }
        finally
        {
            await _abandoned.CancelAsync();
            // An async iterator must not be disposed of while it runs, and this iterator may never stop.
            var ending = EndAsync();
            if (_next.IsCompleted)
                await ending;
        }
    }

    private async ValueTask<bool> MoveAsync()
    {
        var options = provider.Options;
        var timeout = TimeSpan.FromSeconds(_hasBegun ? options.IdleSeconds : options.FirstTokenSeconds);
        try
        {
            _updates ??= start(_abandoned.Token).GetAsyncEnumerator(_abandoned.Token);
            _next = _updates.MoveNextAsync().AsTask();
            if (await _next.EndsWithinAsync(timeout, provider.Clock, cancellationToken))
                return await _next;
        }
        // A cancellation may come from a timeout of the client, instead of from the caller.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && FailureOf(e) is { } failure)
        {
            throw failure;
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw provider.Silent(timeout);
    }

    private async Task EndAsync()
    {
        await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_updates is not null)
            await _updates.DisposeAsync();
        _abandoned.Dispose();
    }

    private void Count(AIContent content)
    {
        // Each reader takes the last report.
        if (content is UsageContent usage)
        {
            _usage = Sum(_usage, usage.Details);
            usage.Details = _usage;
        }

        _bytes += content switch
        {
            TextContent text => Encoding.UTF8.GetByteCount(text.Text),
            TextReasoningContent reasoning => Encoding.UTF8.GetByteCount(reasoning.Text),
            FunctionCallContent call => Encoding.UTF8.GetByteCount(ToolCalls.Arguments(call)),
            DataContent data => data.Data.Length,
            _ => 0,
        };
        if (_bytes > provider.Options.MaxAnswerBytes)
            throw provider.TooLarge();
    }

    /// <summary>Returns the usage after one more report: the report itself if none of its counts is less, since some
    /// servers send the usage so far with each chunk, or else the sum of its parts.</summary>
    private static UsageDetails Sum(UsageDetails known, UsageDetails report)
    {
        var sum = new UsageDetails();
        if (!(report.InputTokenCount >= known.InputTokenCount && report.OutputTokenCount >= known.OutputTokenCount))
            sum.Add(known);
        sum.Add(report);
        return sum;
    }

    /// <summary>Returns the failure of the provider, or null if the exception is a fault in this process, which is to
    /// be logged.</summary>
    private UpstreamException? FailureOf(Exception exception)
    {
        if (exception is TimeoutException or OperationCanceledException { InnerException: TimeoutException })
            return new UpstreamException(504, "timeout", $"{provider.Name} did not answer in time.", inner: exception);
        // A library that has tried several times reports the failures of all tries.
        if (exception is AggregateException { InnerExceptions: [.., var last] })
            return FailureOf(last);
        if (StatusOf(exception) is { } status)
            return UpstreamException.OfStatus(
                status,
                status is 401 or 403 ? provider.Refuses(status) : $"{provider.Name} answered {status}.",
                inner: exception
            );

        return exception is HttpRequestException or IOException or OperationCanceledException
            ? provider.Lost(_hasBegun, at: "", exception)
            : null;
    }

    /// <summary>
    /// Returns the HTTP status in an exception, or null if there is none. The libraries have no type in common:
    /// <c>Status</c> is a number in System.ClientModel and Azure.Core, <c>StatusCode</c> an
    /// <see cref="HttpStatusCode"/> in .NET and AWS.
    /// </summary>
    private static int? StatusOf(Exception exception) =>
        (
            (object?)(exception as HttpRequestException)?.StatusCode
            ?? Property(exception, "Status")
            ?? Property(exception, "StatusCode")
        ) switch
        {
            int status and >= 400 and < 600 => status,
            HttpStatusCode status and >= HttpStatusCode.BadRequest => (int)status,
            _ => null,
        };

    /// <summary>Returns a property of a library's type, which this gateway does not know.</summary>
    [UnconditionalSuppressMessage(
        "Trimming",
        "IL2075",
        Justification = "A property that is trimmed is missing: the failure has no status then, or the end no reason."
    )]
    public static object? Property(object? of, string name) => of?.GetType().GetProperty(name)?.GetValue(of);
}
