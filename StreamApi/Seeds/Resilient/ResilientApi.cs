using System.Buffers;
using System.Globalization;
using EventStore;
using Microsoft.AspNetCore.Mvc;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Opening;
using Streaming.Requests;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// <c>/sse/resilient/{session_id}</c>: one stream per session, which survives disconnects of readers, loss of replicas
/// and failures of its source.
/// </summary>
internal static class ResilientApi
{
    public const string Route = "/sse/resilient/{session_id}";

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
        StreamOpener streams,
        SessionDirectory sessions,
        SourceStarts limit,
        LineageReader lineages
    )
    {
        var session = Checked(id);
        var query = context.Request.Query;
        var named = query.Flag("named");
        var earliest = query.FromEarliest();
        var last = LastEventId.Of(context.Request);

        var isFresh = last.Text is null;
        long ordinal = 0;
        var isOrdinal =
            (isFresh && earliest)
            || long.TryParse(last.Text, NumberStyles.None, CultureInfo.InvariantCulture, out ordinal);
        var state = await sessions.ReadAsync(session, ordinal, context.RequestAborted);

        var starts = isFresh || !(state.IsRunning || state.HasFailed);
        if (starts && !isFresh && !limit.TryCount(context))
        {
            await context.AskToReconnectAsync(
                $"One client starts at most {SourceStarts.PerMinute} sources a minute by resumes. Reconnect later."
            );
            return TypedResults.Empty;
        }

        if (await HasEndAsync(state, last, ordinal, lineages, context.RequestAborted))
            return TypedResults.NoContent();

        // Fixes the start before the source may start, so that the first reader gets the first message.
        StreamPosition? start =
            isOrdinal ? state.AtOrdinal
            : isFresh ? state.Head
            : null;
        var after = start?.Position ?? state.Known(last.Id)?.Position;

        var format = ResilientFormat.Of(named, state.RestartedAfter(isFresh, after));
        var request = new StreamRequest(
            new StreamFilter([Session.Topic(session), Session.ControlTopic(session)], [], [], format),
            last,
            StartAfter: start,
            Slow: query.Slow(),
            Greeting: Greetings.Begin,
            Ordinal: isOrdinal ? state.Resync : null
        );

        await streams.OpenAsync(
            context,
            async () =>
            {
                // The readers of the other sources are recorded together.
                if (starts)
                    await sessions.EnterAsync(session, isFresh, context.RequestAborted);
                return request;
            }
        );

        return TypedResults.Empty;
    }

    /// <summary>Returns true if the reader has the fatal error already.</summary>
    private static async Task<bool> HasEndAsync(
        SessionState state,
        LastEventId last,
        long ordinal,
        LineageReader lineages,
        CancellationToken cancellationToken
    ) =>
        state.FailedAt is { } end
        && (
            last.Id is { } had
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

        await sessions.FailAsync(Checked(id), times ?? -1, context.RequestAborted);
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
