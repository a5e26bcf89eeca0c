using System.Reflection;
using EventStore;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Requests;

namespace Microsoft.AspNetCore.Http.HttpResults;

/// <summary>Streams events of the log (HTML Living Standard §9.2): what follows the client's last event id, without a
/// gap, then the new ones. A client without an id gets only new events, with <c>?from=earliest</c> all that there
/// are.</summary>
/// <remarks>The endpoint's policy decides who may read; without one, the answer is 401 outside Development. A topic
/// with a hole that is no token answers 404.</remarks>
public sealed class EventStreamResult
    : IResult,
        IEndpointMetadataProvider,
        IStatusCodeHttpResult,
        IContentTypeHttpResult
{
    private readonly IReadOnlyList<EventTopic> _topics;
    private readonly IReadOnlyList<string> _types,
        _keys;
    private readonly EventFormat _format;

    internal EventStreamResult(
        IReadOnlyList<EventTopic> topics,
        IReadOnlyList<string>? types,
        IReadOnlyList<string>? keys,
        EventFormat format
    )
    {
        if (topics.Count == 0)
            throw new ArgumentException("A stream needs a topic; all of them are '>'.", nameof(topics));
        _topics = topics;
        _types = types ?? [];
        _keys = keys ?? [];
        _format = format;
    }

    /// <summary>Opens the stream; null: one of events without an end.</summary>
    internal Func<HttpContext, Task>? Opens { get; init; }

    public int? StatusCode => StatusCodes.Status200OK;

    public string ContentType => "text/event-stream";

    /// <summary>Declares what the server and the OpenAPI document should know of the endpoint.</summary>
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder)
    {
        builder.Metadata.Add(new ProducesResponseTypeMetadata(200, typeof(string), ["text/event-stream"]));
        builder.Metadata.Add(new StreamMetadata("Streams events.", Events: []));
        builder.Metadata.Add(RequestKind.Stream);
    }

    /// <summary>Returns when the stream has ended.</summary>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        if (!IsGuarded(httpContext))
        {
            await httpContext.RefuseAsync(
                StatusCodes.Status401Unauthorized,
                "No policy",
                "This stream has no authorization policy: call RequireAuthorization() or AllowAnonymous() on its "
                    + "endpoint."
            );
            return;
        }

        if (_topics.Any(topic => !topic.IsValid))
        {
            await TypedResults.NotFound().ExecuteAsync(httpContext);
            return;
        }

        var access = httpContext.RequestServices.GetRequiredService<IStreamAccess>();
        if (!_topics.All(topic => access.MayRead(httpContext, topic.ToString())))
        {
            await httpContext.RefuseAsync(
                StatusCodes.Status401Unauthorized,
                "Ticket not valid for this topic",
                "The ticket was issued for other topics. Request a ticket for this topic."
            );
            return;
        }

        try
        {
            await (Opens ?? OpenAsync)(httpContext);
        }
        catch (InvalidRequestException e)
        {
            await e.ToResult().ExecuteAsync(httpContext);
        }
        catch (Exception e) when (StoreUnavailableException.Is(e) && !httpContext.Response.HasStarted)
        {
            await httpContext.RefuseInOutageAsync();
        }
    }

    private Task OpenAsync(HttpContext context)
    {
        var filter = new StreamFilter([.. _topics.Select(topic => topic.ToString())], _types, _keys, FramesOf(_format));
        return context
            .RequestServices.GetRequiredService<StreamOpener>()
            .OpenAsync(context, context.Subscription(filter));
    }

    private static FrameFormat FramesOf(EventFormat format) =>
        format switch
        {
            EventFormat.Named => NamedFormat.Always,
            EventFormat.Messages => NamedFormat.Never,
            EventFormat.Envelope => EnvelopeFormat.Instance,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };

    /// <summary>Returns true if something decides who may use the endpoint.</summary>
    private static bool IsGuarded(HttpContext context)
    {
        var metadata = context.GetEndpoint()?.Metadata;
        return metadata?.GetMetadata<IAuthorizeData>() is not null
            || metadata?.GetMetadata<AuthorizationPolicy>() is not null
            || metadata?.GetMetadata<IAllowAnonymous>() is not null
            || context.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment()
            || context.RequestServices.GetService<IOptions<AuthorizationOptions>>()?.Value.FallbackPolicy is not null;
    }
}
