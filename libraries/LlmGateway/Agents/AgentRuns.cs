using EventStore;
using LlmGateway.Agents.Sessions;
using LlmGateway.Generations;
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
    private static readonly NamedFormatChoice Formats = new(
        (isNamed, inData) => new GenerationFormat(isNamed, inData, EndTypes, sendsPositions: false),
        _ => true
    );

    public static RunEvent Error(string error, bool fatal, string reason) =>
        RunEvent.Of("error", new RunError("error", error, fatal, reason));

    /// <summary>Returns the events that end an answer whose process stops or dies.</summary>
    /// <param name="key">Key of the session's message, or null for a question outside a session.</param>
    /// <param name="more">Text about the calls of tools, or null if no tool was called. Only then may the message be
    /// sent again.</param>
    public static RunEvent[] Closing(string? key, string? more = null)
    {
        more ??= key is null ? "" : " Send the message again.";
        var error = Error($"The server stopped before the answer was complete.{more}", key is null, "interrupted");
        return key is null ? [error] : [error, SessionEvents.End(key)];
    }

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
        var tools = await answers.ToolsForAsync(context);
        return new Question(
            target,
            access.ClientOf(context),
            new AgentInput([new ChatMessage(ChatRole.User, prompt)], tools, sizeof(char) * (long)prompt.Length),
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
            Closing(key: null),
            context.RequestAborted
        );
    }

    private Task AnswerAsync(Run run, Question question)
    {
        run.EndOf = failure => failure is UpstreamException e ? [Error(e.Message, true, e.Reason)] : null;
        var end = RunEvent.Of("end", new AgentEnd("end"));
        return answers.AnswerAsync(question.Target, question.Client, question.Input, run, end);
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
