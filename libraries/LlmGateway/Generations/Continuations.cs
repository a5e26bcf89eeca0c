using EventStore;
using Microsoft.Extensions.Options;

namespace LlmGateway.Generations;

/// <summary>Makes the call with which another process continues a generation.</summary>
internal sealed class Continuations(
    PromptStore prompts,
    ErasureStore erasures,
    ConversationReader conversations,
    ChatProviders providers,
    IOptions<RunOptions> runs
)
{
    /// <summary>Name of the work with which another process continues a generation.</summary>
    private const string Handler = "aspire-sse.generation";

    /// <summary>The work of a generation whose process is lost.</summary>
    public static NamedWork Work { get; } =
        new(
            Handler,
            (services, run, input, _, _) => services.GetRequiredService<Generator>().ContinueAsync(run, input)
        );

    /// <summary>The refusal of a repeated request whose run was deleted, or erased.</summary>
    public static InvalidChatException Deleted =>
        new(
            IdempotencyKey.Header,
            "is that of a response that was deleted: use a new one",
            StatusCodes.Status409Conflict
        );

    /// <summary>Stores the prompt of a generation, and returns the work that is stored with the run. Null if the
    /// provider has no continuation tokens.</summary>
    /// <exception cref="InvalidChatException">The request repeats an earlier request whose run was deleted, or
    /// erased.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<HandledWork?> PrepareAsync(
        RunName name,
        ChatCall call,
        RunPrompt prompt,
        CancellationToken cancellationToken
    )
    {
        var known = await prompts.ReadAsync(name, cancellationToken);
        if (known?.IsDeleted ?? await erasures.IsSpentAsync(PromptStore.TopicOf(name), name.Id, cancellationToken))
            throw Deleted;

        await prompts.StoreAsync(name, prompt, call.Options.Client, cancellationToken);
        if (!call.Target.MayContinue)
            return null;

        call.Options.AllowBackgroundResponses = true;
        var input = new GenerationInput(
            call.Target.Provider,
            call.Target.Model,
            call.Options.Client,
            call.Options.MaxOutputTokens,
            call.Options.StopSequences
        );
        return new HandledWork(Handler, EventRules.Data(RunJson.Write(input)), runs.Value.MaxAttempts);
    }

    /// <summary>Returns the call that continues an answer, or null if this process cannot continue it.</summary>
    public async Task<ChatCall?> CallOfAsync(RunName name, string input, StoredAnswer stored)
    {
        if (stored.Token is null)
            return null;

        var asked = JsonSerializer.Deserialize(input, RunJson.Options.TypeOf<GenerationInput>())!;
        try
        {
            var messages = await conversations.QuestionAsync(name, CancellationToken.None);
            var target = providers.Resolve(asked.Provider, asked.Model);
            var chat = new CallOptions
            {
                ModelId = target.Model,
                MaxOutputTokens = asked.MaxTokens,
                StopSequences = asked.Stops,
                AllowBackgroundResponses = true,
                ContinuationToken = stored.Token,
                Client = asked.Client,
            };
            return new ChatCall(target, messages, chat)
            {
                Bytes = sizeof(char) * messages.Sum(m => (long)m.Text.Length),
            };
        }
        catch (InvalidChatException)
        {
            // This process does not have the provider, or the store no longer has the question.
            return null;
        }
    }
}

/// <summary>The parts of a call that another process needs to continue it, in addition to the prompt.</summary>
internal sealed record GenerationInput(
    string Provider,
    string Model,
    ClientKey Client,
    int? MaxTokens,
    IList<string>? Stops
);
