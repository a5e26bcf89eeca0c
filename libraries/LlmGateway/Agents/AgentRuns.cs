using EventStore;
using LlmGateway.Providers;
using Runs;
using Streaming.Frames;
using Streaming.Opening;

namespace LlmGateway.Agents;

/// <summary>
/// Answers one question to an agent as a run. A browser that reconnects resumes the same answer by its last id; the
/// agent does the work once.
/// </summary>
internal sealed class AgentRuns(
    AgentAnswers answers,
    RunStreams streams,
    RunStarter runs,
    RequestKeyStore keys,
    IStreamAccess access
)
{
    private const string Kind = "agents";
    private const int MaxPrompt = 100_000;

    private static readonly string[] EndTypes = ["end", "error"];
    private static readonly NamedFormatChoice Formats = NamedFormatChoice.Of(
        _ => true,
        EndTypes,
        sendsPositions: false
    );

    private static readonly RunEvent[] InterruptedEvents =
    [
        Error("The server stopped before the answer was complete.", true, "interrupted"),
    ];

    public static RunEvent Error(string error, bool fatal, string reason) =>
        RunEvent.Of("error", new RunError("error", error, fatal, reason));

    public async Task OpenAsync(HttpContext context)
    {
        var query = context.Request.Query;
        // A request that resumes a run needs only its id.
        var question = LastEventId.Of(context.Request).Text is null ? await QuestionOfAsync(context) : null;
        await streams.OpenAsync(
            context,
            Kind,
            Formats.For(query.Flag("named")),
            EndTypes,
            () => BeginAsync(context, question!)
        );
    }

    private async Task<Question> QuestionOfAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var prompt = query.RequiredText("prompt", MaxPrompt).Trim();
        if (prompt.Length == 0)
            throw new InvalidRequestException("prompt", "is required.");

        var target = answers.Resolve(query.Text("provider", 64), query.Text("model", 256));
        return new Question(
            target,
            access.ClientOf(context),
            AgentInput.Of(prompt, await answers.ToolsForAsync(context)),
            $"{query["provider"]}\n{query["model"]}\n{prompt}"
        );
    }

    private async Task<BegunRun> BeginAsync(HttpContext context, Question question)
    {
        var (id, _) = await IdempotencyKey.IdAsync(context, keys, () => question.Text);
        return await runs.StartAsync(
            Kind,
            question.Client,
            new AgentStarted(question.Target.Provider, question.Target.Model, access.OwnerOf(context)),
            run => AnswerAsync(run, question),
            id,
            InterruptedEvents,
            context.RequestAborted
        );
    }

    private async Task AnswerAsync(Run run, Question question)
    {
        await using var buffer = answers.BufferOf(run, question.Target);
        try
        {
            await answers.WriteAsync(question.Target, question.Client, question.Input, buffer, run.Stopping);
            await buffer.EndAsync(RunEvent.Of("end", new AgentEnd("end")));
        }
        catch (OperationCanceledException) when (run.StopReason is StopReason.Interrupted or StopReason.Cancelled)
        {
            await buffer.EndAsync(InterruptedEvents);
        }
        catch (UpstreamException e)
        {
            await buffer.EndAsync(Error(e.Message, true, e.Reason));
        }
    }

    /// <summary>A question to the agent.</summary>
    /// <param name="Target">The model that answers.</param>
    /// <param name="Client">The client that asks.</param>
    /// <param name="Input">The input for the model.</param>
    /// <param name="Text">Text that must be the same in a repeated request with the same key.</param>
    private sealed record Question(ChatTarget Target, ClientKey Client, AgentInput Input, string Text);
}

/// <summary>Data of the event that announces an answer.</summary>
internal sealed record AgentStarted(string Provider, string Model, string? Owner);
