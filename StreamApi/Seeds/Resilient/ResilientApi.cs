using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// <c>/sse/resilient/{session_id}</c>: one stream per session, which survives disconnects of readers, loss of replicas
/// and failures of its source.
/// </summary>
internal static class ResilientApi
{
    public const string Route = "/sse/resilient/{session_id}";

    private static readonly string[] Ends = [ResilientFormat.Failed];

    private const int MaxLength = 128;
    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    );

    public static void AddResilient(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SourceStarts>();
        builder.Services.ReserveTopics("sse.resilient.>");
        builder.Services.AddSingleton<SessionDirectory>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionDirectory>());
        builder.Services.AddHostedService<SessionSources>();
    }

    public static void MapResilient(this IEndpointRouteBuilder app)
    {
        var resilient = app.MapGroup("").WithTags("Resilient");
        resilient
            .MapStream(Route, StreamAsync)
            .Reads("sse.resilient.{session_id}")
            .WithStreamPool("Sse")
            .SwitchesNames()
            .StartsWork()
            .SendsNumbered(
                "Streams one source per session, replays missed messages and retries a failing source.",
                (ResilientFormat.Message, typeof(ResilientMessage)),
                (ResilientFormat.Error, typeof(ResilientError))
            );

        if (!app.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
            return;

        resilient
            .MapPost(Route + "/failure", FailAsync)
            .Publishes("sse.resilient.{session_id}")
            .WithSummary("Makes the session's source fail {\"times\"} times, or until repaired. Development only.");

        resilient
            .MapDelete(Route + "/failure", HealAsync)
            .Publishes("sse.resilient.{session_id}")
            .WithSummary("Repairs the session's source. Development only.");
    }

    private static async Task<IResult> StreamAsync(
        [FromRoute(Name = "session_id")] string id,
        HttpContext context,
        SessionDirectory sessions,
        SourceStarts limit,
        LineageReader lineages
    )
    {
        var session = Checked(id);
        var query = context.Request.Query;
        var named = query.Flag("named");
        var last = context.Request.GetLastEventId();
        StreamPosition? lastId = StreamPosition.TryParse(last, out var given) ? given : null;

        var isFresh = last is null;
        long ordinal = 0;
        var isOrdinal =
            (isFresh && query["from"] == "earliest")
            || long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out ordinal);
        var state = await sessions.ReadAsync(session, ordinal, context.RequestAborted);

        var starts = isFresh || !(state.IsRunning || state.HasFailed);
        if (starts && !isFresh && !limit.TryCount(context))
            return TypedResults.Reconnect(
                $"One client starts at most {SourceStarts.PerMinute} sources a minute by resumes. Reconnect later."
            );

        if (await HasEndAsync(state, lastId, ordinal, lineages, context.RequestAborted))
            return TypedResults.NoContent();

        // Fixes the start before the source may start, so that the first reader gets the first message.
        StreamPosition? start =
            isOrdinal ? state.AtOrdinal
            : isFresh ? state.Head
            : null;
        var restartedAfter = state.RestartedAfter(isFresh, start?.Position ?? state.Known(lastId)?.Position);

        return TypedResults.EventStream(
            [EventTopic.Pattern(Session.Topic(session)), EventTopic.Pattern(Session.ControlTopic(session))],
            show: new ResilientFormat(named, restartedAfter).Show,
            hasConnected: false,
            bounds: new StreamBounds
            {
                After = start,
                Resync = isOrdinal ? state.Resync : null,
                Ends = Ends,
                EndsAfter = restartedAfter,
                // The readers of the other sources are recorded together.
                Begin = starts ? () => sessions.EnterAsync(session, isFresh, context.RequestAborted) : null,
            }
        );
    }

    /// <summary>Returns true if the reader has the fatal error already.</summary>
    private static async Task<bool> HasEndAsync(
        SessionState state,
        StreamPosition? last,
        long ordinal,
        LineageReader lineages,
        CancellationToken cancellationToken
    ) =>
        state.FailedAt is { } end
        && (
            last is { } had
                ? (await lineages.TranslateAsync(had, state.Head.Epoch, cancellationToken))?.Position >= end
                : ordinal > 0 && (state.AtOrdinal?.Position ?? long.MaxValue) >= end
        );

    private static async Task<IResult> FailAsync(
        [FromRoute(Name = "session_id")] string id,
        HttpContext context,
        SessionDirectory sessions
    )
    {
        int? times = null;
        if (JsonBody.IsThere(context))
        {
            var body = await JsonBody.ReadAsync(context);
            body.CheckMembers("times");
            times = body.Whole("times", 1, 1_000);
        }

        await sessions.FailAsync(Checked(id), times, context.RequestAborted);
        return TypedResults.Ok(new { failing = true, times });
    }

    private static async Task<IResult> HealAsync(
        [FromRoute(Name = "session_id")] string id,
        HttpContext context,
        SessionDirectory sessions
    )
    {
        await sessions.FailAsync(Checked(id), 0, context.RequestAborted);
        return TypedResults.Ok(new { failing = false });
    }

    private static string Checked(string id) =>
        id.Length <= MaxLength && !id.AsSpan().ContainsAnyExcept(IdCharacters)
            ? id
            : throw new InvalidRequestException("session_id", $"must be 1 to {MaxLength} characters of [A-Za-z0-9_-].");
}
