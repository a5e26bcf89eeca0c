using System.Net.ServerSentEvents;
using System.Reflection;
using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.Authorization;
using Microsoft.AspNetCore.OutputCaching;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Refusals;
using Streaming.Showing;

namespace Microsoft.AspNetCore.Http.HttpResults;

/// <summary>Streams events of the log (HTML Living Standard §9.2): those after the client's last event id, without a
/// gap, then the new ones. A client without an id gets only new events, or all events with
/// <c>?from=earliest</c>.</summary>
/// <remarks>Needed as the return type of an endpoint that streams events, or its own items until they end. The
/// endpoint's policy decides who may read; without a policy, the answer is 401 outside Development. A topic with a hole
/// that is not one token gets 404. The libraries' topics, such as the gateway's, need their first token in the
/// code.</remarks>
public sealed class EventStreamResult
    : IResult,
        IEndpointMetadataProvider,
        IStatusCodeHttpResult,
        IContentTypeHttpResult
{
    private readonly IReadOnlyList<EventTopic> _topics;
    private readonly Func<HttpContext, Task> _open;

    internal EventStreamResult(IReadOnlyList<EventTopic> topics, Func<HttpContext, Task> open)
    {
        _topics = topics;
        _open = open;
    }

    /// <summary>True if opening the stream starts work, which a page of another origin must not do.</summary>
    internal bool StartsWork { get; init; }

    public int? StatusCode => StatusCodes.Status200OK;

    public string ContentType => "text/event-stream";

    internal static EventStreamResult OfLog(
        IReadOnlyList<EventTopic> topics,
        IReadOnlyList<string>? types,
        IReadOnlyList<string>? keys,
        FrameFormat format,
        Greeting first,
        StreamBounds bounds,
        Func<EventRecord, SseItem<object?>?>? show = null,
        SseItem<object?>? greeting = null
    )
    {
        ArgumentNullException.ThrowIfNull(topics);
        if (topics.Count == 0)
            throw new ArgumentException("A stream needs a topic; all of them are '>'.", nameof(topics));
        if (bounds.After is { } after && !(StreamPosition.TryParse(after.ToString(), out var read) && read == after))
            throw new ArgumentException($"'{after}' is no position of a log.", nameof(bounds));

        var (wantedTypes, wantedKeys) = (EventFilter.Wanted(types), EventFilter.Wanted(keys));
        // Without topics to withhold, the filter is the same for each request and application.
        var shared = AreReserved(topics) ? FilterOf([]) : null;
        return new(
            topics,
            context =>
            {
                var filter = shared ?? FilterOf(PatternsToWithhold(context, topics));
                var services = context.RequestServices;
                var greet = greeting is { } item ? Greetings.Of(item, ApplicationJson.Of(services)) : first;
                var request = context.Subscription(filter, greet, bounds, ShownBy(show, context));
                var opener = services.GetRequiredService<StreamOpener>();
                return bounds.Begin is null
                    ? opener.OpenAsync(context, request)
                    : opener.OpenAsync(context, BeginAsync);

                async Task<StreamRequest> BeginAsync()
                {
                    // Begin takes no cancellation token: without this wait, a client that leaves would keep its seat
                    // until Begin returns.
                    await bounds.Begin().WaitAsync(context.RequestAborted);
                    return request;
                }
            }
        )
        {
            StartsWork = bounds.Begin is not null,
        };

        StreamFilter FilterOf(IReadOnlyCollection<string> except) =>
            new([.. topics.Select(topic => topic.ToString())], wantedTypes, wantedKeys, format, except);
    }

    internal static ShownEvents? ShownBy(Func<EventRecord, SseItem<object?>?>? show, HttpContext context) =>
        show is null ? null : ShownEvents.Of(show, ApplicationJson.Of(context.RequestServices), context);

    internal static EventStreamResult OfItems<T>(
        IAsyncEnumerable<SseItem<T>> items,
        TimeSpan? retry,
        string? comment,
        IReadOnlyList<string> topics
    )
    {
        ArgumentNullException.ThrowIfNull(items);
        if (retry is { } after)
            ArgumentOutOfRangeException.ThrowIfLessThan(after, TimeSpan.Zero, nameof(retry));
        return new(
            [],
            context =>
            {
                var json = ApplicationJson.Of(context.RequestServices);
                return context
                    .RequestServices.GetRequiredService<PushOpener>()
                    .OpenAsync(
                        context,
                        topics,
                        (push, stop) => WriteAsync(push, items, comment, json, stop),
                        new PushSettings(Retry: (int?)retry?.TotalMilliseconds)
                    );
            }
        );
    }

    private static async Task WriteAsync<T>(
        PushStream push,
        IAsyncEnumerable<SseItem<T>> items,
        string? comment,
        JsonSerializerOptions json,
        CancellationToken cancellationToken
    )
    {
        if (comment is not null)
            await push.WriteAsync(SseFrame.Comment(comment), events: 0);

        await foreach (var item in items.WithCancellation(cancellationToken))
            await push.WriteAsync(ItemFrames.ToBytes(item.EventId, item, json), events: item.Data is null ? 0 : 1);
    }

    /// <summary>Declares what the server and the OpenAPI document should know of the endpoint.</summary>
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) => StreamMetadata.Declare(builder);

    /// <summary>Returns when the stream has ended, or its connection has been taken over.</summary>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);

        return IsAnonymous(httpContext) || NamesPolicy(httpContext)
            ? OpenAsync(httpContext, NamesPolicy(httpContext))
            : OpenUnnamedAsync(httpContext);
    }

    /// <summary>Opens the stream of an endpoint without a policy of its own: the application's fallback policy
    /// decides.</summary>
    private async Task OpenUnnamedAsync(HttpContext context)
    {
        var policies = context.RequestServices.GetService<IAuthorizationPolicyProvider>();
        var hasFallback = policies is not null && await policies.GetFallbackPolicyAsync() is not null;
        await OpenAsync(context, hasFallback);
    }

    private Task OpenAsync(HttpContext context, bool hasPolicy) =>
        RefuseMistakeAsync(context, hasPolicy) ?? RefuseTopicsAsync(context) ?? context.RefuseErrorsAsync(OpenAsync);

    /// <summary>Refuses a request because of a mistake in the application's code, or returns null if there is no
    /// mistake.</summary>
    private Task? RefuseMistakeAsync(HttpContext context, bool hasPolicy)
    {
        if (!hasPolicy && !IsOpen(context))
            return context.RefuseAsync(
                StatusCodes.Status401Unauthorized,
                "No policy",
                "This stream has no authorization policy: call RequireAuthorization() or AllowAnonymous() on its "
                    + "endpoint."
            );

        if ((MistakeOf(context, hasPolicy) ?? WideTopicOf(context)) is not { } mistake)
            return null;

        LoggerOf(context).LogError("{Mistake}", mistake);
        return context.RefuseAsync(StatusCodes.Status500InternalServerError, "Endpoint not usable", mistake);
    }

    /// <summary>Refuses topics that are invalid, reserved or not in the caller's ticket, or returns null if the caller
    /// may read them.</summary>
    private Task? RefuseTopicsAsync(HttpContext context)
    {
        // For an endpoint whose declaration does not say that it streams.
        if (context.GetEndpoint()?.Metadata.GetMetadata<StreamMetadata>() is null)
            context.Features.Set(StreamMetadata.OfResult);
        LongResponse.Announce(context);

        if (HasHiddenTopic(context))
        {
            LogRefusals(context);
            return TypedResults.NotFound().ExecuteAsync(context);
        }

        return IsInTicket(context)
            ? null
            : context.RefuseAsync(
                StatusCodes.Status401Unauthorized,
                "Ticket not valid for this topic",
                "The ticket was issued for other topics. Request a ticket for this topic."
            );
    }

    private async Task OpenAsync(HttpContext context)
    {
        if (StartsWork && await context.RefuseCrossSiteAsync())
            return;

        if (HasUnreadTicket(context) && !await IsTicketAsync(context))
            await context.RefuseAsync(
                StatusCodes.Status401Unauthorized,
                "Ticket not valid",
                "The ticket is not valid, or has expired. Request a ticket, or send none."
            );
        // HEAD gets only the headers: a stream without a body would take a seat for nobody.
        else if (HttpMethods.IsHead(context.Request.Method))
            StreamResponseHeaders.Set(context);
        else
            await _open(context);
    }

    /// <summary>Returns true if the request has a ticket that neither a policy nor the application's own access has
    /// read.</summary>
    private static bool HasUnreadTicket(HttpContext context) =>
        context.Request.Query["ticket"].Count > 0
        && context.RequestServices.GetRequiredService<IStreamAccess>().CallerOf(context).Ticket is null;

    private static async Task<bool> IsTicketAsync(HttpContext context)
    {
        if (context.RequestServices.GetService<TicketReader>() is not { } tickets)
            return true;

        try
        {
            await tickets.ReadAsync(context.Request.Query["ticket"].ToString(), context.RequestAborted);
            return true;
        }
        catch (InvalidCredentialException)
        {
            return false;
        }
    }

    /// <summary>Logs why a string of the application's code was refused as a topic. A refused value of the client is
    /// not logged.</summary>
    private void LogRefusals(HttpContext context)
    {
        foreach (var topic in _topics)
            if (topic.Refusal is { } refusal)
                LoggerOf(context).LogWarning("{Path} answers 404: {Refusal}", context.Request.Path, refusal);
    }

    private static ILogger LoggerOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILogger<EventStreamResult>>();

    private bool HasHiddenTopic(HttpContext context)
    {
        var reserved = ReservedOf(context, _topics);
        for (var i = 0; i < _topics.Count; i++)
        {
            var topic = _topics[i];
            if (!topic.IsValid)
                return true;
            foreach (var hidden in reserved)
                if (hidden.Hides(topic))
                    return true;
        }

        return false;
    }

    private static string[] PatternsToWithhold(HttpContext context, IReadOnlyList<EventTopic> topics) =>
        [
            .. ReservedOf(context, topics)
                .Where(reserved => !topics.Any(reserved.IsNamedBy))
                .Select(reserved => reserved.Pattern),
        ];

    /// <summary>Returns the reserved topics to withhold from the stream, or none if all of its topics were made with
    /// <c>EventTopic.Reserved</c>.</summary>
    private static IEnumerable<ReservedTopics> ReservedOf(HttpContext context, IReadOnlyList<EventTopic> topics) =>
        AreReserved(topics) ? [] : context.RequestServices.GetServices<ReservedTopics>();

    private static bool AreReserved(IReadOnlyList<EventTopic> topics)
    {
        for (var i = 0; i < topics.Count; i++)
            if (!topics[i].IsReserved)
                return false;

        return true;
    }

    /// <summary>Returns false if the caller has a ticket that lacks one of the topics, or a ticket for a stream without
    /// topics. An endpoint that requires the right to a topic itself decides what that right shows.</summary>
    private bool IsInTicket(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<TopicAccess>() is { Publishes: false })
            return true;

        if (_topics.Count == 0)
            return context.Features.Get<SseTicket>() is null;

        var access = context.RequestServices.GetRequiredService<IStreamAccess>();
        for (var i = 0; i < _topics.Count; i++)
            if (!access.MayRead(context, _topics[i].ToString()))
                return false;

        return true;
    }

    /// <summary>Returns the developer's mistake, or null if there is none. Either the application has no streams, or
    /// the endpoint's declaration let middleware treat the stream as an ordinary response.</summary>
    private static string? MistakeOf(HttpContext context, bool hasPolicy)
    {
        if (context.RequestServices.GetService<StreamOpener>() is null)
            return "The application has no streams: call AddSse(…) on its builder.";

        var endpoint = context.GetEndpoint();
        var isDeclared = endpoint?.Metadata.GetMetadata<StreamMetadata>() is not null;
        var isCached = LongResponse.HoldsOthers(context);
        if (!isCached && (isDeclared || IsAnonymous(context) || !hasPolicy))
            return null;

        var name = $"The endpoint '{endpoint?.DisplayName}' returns an event stream";
        if (isDeclared && !AsksForCache(endpoint!.Metadata))
            return $"{name}, and an output cache that does not know the endpoint yet makes its readers wait for one "
                + "another: call UseOutputCache() after UseRouting().";

        return isDeclared
            ? $"{name} and asks for output caching, with which its readers would wait for one another: remove "
                + "CacheOutput() or [OutputCache] from it, or call WithEventStream() on it."
            : $"{name}, which its declaration does not say, so that no ticket opens it, a refusal may be a redirect, "
                + "and an output cache may make its readers wait for one another: declare EventStreamResult or "
                + "Results<EventStreamResult, …> as its return type instead of IResult, or call WithEventStream() "
                + "on it.";
    }

    /// <summary>Returns true for an endpoint that has an output cache policy besides those of streams.</summary>
    private static bool AsksForCache(EndpointMetadataCollection metadata) =>
        metadata.GetMetadata<OutputCacheAttribute>() is not null
        || metadata.GetOrderedMetadata<IOutputCachePolicy>().Any(policy => policy is not IApiEndpoint);

    /// <summary>Returns the mistake of a stream in which one topic names reserved topics and a wider pattern contains
    /// all of them, or null if there is none.</summary>
    private string? WideTopicOf(HttpContext context)
    {
        if (_topics.Count < 2)
            return null;

        var topics = _topics.Where(topic => topic.IsValid).ToArray();
        foreach (var reserved in ReservedOf(context, topics).Where(reserved => topics.Any(reserved.IsNamedBy)))
        foreach (var topic in topics.Where(topic => !reserved.IsNamedBy(topic)))
            if (TopicPattern.Matches(topic.ToString(), reserved.Pattern))
                return $"The stream names topics of '{reserved.Pattern}', and has all of them by '{topic}': give it "
                    + "the first tokens that it means, or make it two streams.";

        return null;
    }

    /// <summary>Returns true if the endpoint needs no policy.</summary>
    private static bool IsOpen(HttpContext context) =>
        IsAnonymous(context) || context.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment();

    private static bool IsAnonymous(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static bool NamesPolicy(HttpContext context)
    {
        var metadata = context.GetEndpoint()?.Metadata;
        return metadata?.GetMetadata<IAuthorizeData>() is not null
            || metadata?.GetMetadata<AuthorizationPolicy>() is not null
            // A filter of all controllers (MvcOptions.Filters).
            || metadata?.GetMetadata<AuthorizeFilter>() is not null;
    }
}
