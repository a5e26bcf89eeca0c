using EventStore;
using LlmGateway.Agents.Sessions;
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
    ChatProviders providers,
    RunStreams streams,
    RunStarter runs,
    RequestKeyStore keys,
    ErasureStore erasures,
    IStreamAccess access
)
{
    private const string Kind = "agents";
    private const int MaxPrompt = 100_000;

    private static readonly string[] EndTypes = [AgentEvents.End, "error"];
    private static readonly NamedFormatChoice Formats = GenerationFormat.Choice(_ => true, EndTypes);

    public async Task OpenAsync(HttpContext context)
    {
        // A request that resumes a run needs only its id.
        var question = LastEventId.Of(context.Request).Text is null ? await QuestionOfAsync(context) : null;
        await streams.OpenAsync(
            context,
            Kind,
            Formats.For(context.Request.Query.Flag("named")),
            EndTypes,
            () => BeginAsync(context, question!)
        );
    }

    private async Task<AgentQuestion> QuestionOfAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var prompt = query.RequiredText("prompt", MaxPrompt).Trim();
        if (prompt.Length == 0)
            throw new InvalidRequestException("prompt", "is required.");

        var target = providers.Resolve(query.Text("provider", 64), query.Text("model", 256));
        return new AgentQuestion(
            target.Provider,
            target.Model,
            access.ClientOf(context),
            [new ChatMessage(ChatRole.User, prompt)],
            await answers.ToolsForAsync(context),
            sizeof(char) * (long)prompt.Length
        );
    }

    private async Task<BegunRun> BeginAsync(HttpContext context, AgentQuestion question)
    {
        var query = context.Request.Query;
        var (id, _) = await IdempotencyKey.IdAsync(
            context,
            keys,
            () => $"{query["provider"]}\n{query["model"]}\n{question.Messages[0].Text}"
        );
        if (await erasures.IsSpentAsync($"{Kind}.{id}", id, context.RequestAborted))
            throw Continuations.Deleted;

        var announced = new SessionStarted(question.Provider, question.Model, Owner: access.OwnerOf(context));
        var start = new RunStart(new RunName(Kind, id), question.Client, RunJson.Write(announced))
        {
            ClosingEvents = AgentEvents.Closing(key: null),
        };
        return await runs.StartAsync(start, run => answers.AnswerAsync(run, question), context.RequestAborted);
    }
}
