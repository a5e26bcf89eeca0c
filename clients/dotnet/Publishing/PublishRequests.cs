using System.Text.Json;
using AspireSse.Client.Connecting;

namespace AspireSse.Client.Publishing;

/// <summary>Sends one body, with the same event ids each time, until it is answered.</summary>
internal sealed class PublishRequests(HttpClient http, PublisherOptions options, TimeProvider clock)
{
    public async Task<IReadOnlyList<PublishedEvent>> SendAsync(
        ReadOnlyMemory<byte> body,
        string contentType,
        IReadOnlyCollection<Guid> ids,
        CancellationToken cancellationToken
    )
    {
        for (var failures = 0; ; )
        {
            TimeSpan? retryAfter = null;
            PublishException failure;
            using var timeout = new CancellationTokenSource(options.AttemptTimeout, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            try
            {
                using var response = await PostAsync(body, contentType, either.Token).ConfigureAwait(false);
                if (response.IsSuccessStatusCode)
                    return await AnswerAsync(response, ids, either.Token).ConfigureAwait(false);

                var problem = await Problems.ReadAsync(response, clock, either.Token).ConfigureAwait(false);
                failure = new PublishException(
                    Problems.Describe(response, problem),
                    null,
                    response.StatusCode,
                    problem
                );

                if (!Problems.IsTransient(response.StatusCode))
                    throw failure;

                retryAfter = Problems.RetryAfter(response, clock);
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                failure = new PublishException(
                    $"No answer within {options.AttemptTimeout} (PublisherOptions.AttemptTimeout).",
                    e
                );
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                failure = new PublishException(e.Message, e);
            }

            if (++failures > options.MaxRetries)
                throw failure;

            await Task.Delay(Delay(failures, retryAfter), clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage> PostAsync(
        ReadOnlyMemory<byte> body,
        string contentType,
        CancellationToken cancellationToken
    )
    {
        var token = options.BearerToken is null
            ? null
            : await options.BearerToken(cancellationToken).ConfigureAwait(false);
        return await new RedirectedRequest(http, options.Path, HttpMethod.Post)
            .SendAsync(Message, cancellationToken)
            .ConfigureAwait(false);

        HttpRequestMessage Message(RequestTarget target)
        {
            var message = new HttpRequestMessage(target.Method, target.Uri);
            if (target.HasBody)
                message.Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = new(contentType) } };
            if (token is not null && target.IsOwnOrigin)
                message.Headers.Authorization = new("Bearer", token);
            return message;
        }
    }

    private static async Task<IReadOnlyList<PublishedEvent>> AnswerAsync(
        HttpResponseMessage response,
        IReadOnlyCollection<Guid> ids,
        CancellationToken cancellationToken
    )
    {
        if (response.RequestMessage is { Method: var method } redirected && method != HttpMethod.Post)
            throw new PublishException(
                $"Nothing was published: the request was redirected to a {method} of {redirected.RequestUri}. "
                    + "Use the address that the redirect leads to.",
                null,
                response.StatusCode
            );

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await JsonSerializer
                .DeserializeAsync(body, ClientJson.Default.PublishAnswer, cancellationToken)
                .ConfigureAwait(false);
            return answer is { Events: { } events } && events.Select(e => e.Id).SequenceEqual(ids)
                ? events
                : throw new JsonException("It does not acknowledge the events that were sent.");
        }
        catch (JsonException e)
        {
            throw new PublishException(
                $"The response is not one of POST /v1/events: {e.Message}",
                e,
                response.StatusCode
            );
        }
    }

    private TimeSpan Delay(int failures, TimeSpan? retryAfter)
    {
        var most = options.InitialDelay * Math.Pow(2, Math.Min(failures - 1, 30));
        var least = retryAfter ?? TimeSpan.Zero;
        if (least > options.MaxDelay * 10)
            least = options.MaxDelay * 10;
        return least + (most < options.MaxDelay ? most : options.MaxDelay) * Random.Shared.NextDouble();
    }
}
