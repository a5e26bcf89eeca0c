using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;

namespace LlmGateway.Dialects;

/// <summary>A request to an endpoint of a dialect, and the services that such endpoints use.</summary>
internal sealed class DialectRequest(HttpContext context)
{
    public HttpContext Context => context;

    public VendorHandler Handler => Of<VendorHandler>();

    public Generator Generator => Of<Generator>();

    public ConversationReader Conversations => Of<ConversationReader>();

    public RunUpdates Updates => Of<RunUpdates>();

    public PromptStore Prompts => Of<PromptStore>();

    public RunThreads Threads => Of<RunThreads>();

    public AllRuns Runs => Of<AllRuns>();

    public RunStreams Streams => Of<RunStreams>();

    public ChatProviders Providers => Of<ChatProviders>();

    public OwnerAccess Access => Of<OwnerAccess>();

    public RequestKeyStore Keys => Of<RequestKeyStore>();

    public TimeProvider Clock => Of<TimeProvider>();

    public CancellationToken Aborted => Context.RequestAborted;

    public string? Owner => Access.OwnerOf(Context);

    public ClientKey Client => Access.ClientOf(Context);

    /// <exception cref="InvalidChatException">The body is not an object, or longer than the limit.</exception>
    public Task<JsonElement> ReadAsync() =>
        ChatBody.ReadAsync(Context, Of<IOptions<LlmOptions>>().Value.MaxRequestBytes);

    /// <summary>Sends an answer that ends with its request.</summary>
    public Task AskAsync(
        VendorFormat format,
        Func<JsonElement, ChatCall> read,
        Func<RunHead, JsonElement, ChatCall, AnswerWriter> respond
    ) =>
        AnswerAsync(
            format,
            async () =>
            {
                var body = await ReadAsync();
                var call = read(body);
                var isStreamed = ChatBody.Flag(body, "stream");
                await Handler.AskAsync(Context, format, call, answer => respond(answer, body, call), isStreamed);
            }
        );

    /// <summary>Starts a generation as the latest of a thread.</summary>
    /// <param name="thread">See <see cref="RunThreads.IdOf"/>.</param>
    /// <param name="named">The client's name of the thread.</param>
    /// <param name="run">The generation's name.</param>
    public async Task<RunHead> StartAsync(string thread, string named, RunName run, ChatCall call, RunPrompt prompt)
    {
        var client = Client;
        var owner = Owner;
        var isOwn = await RunThreads.MayReadAsync(Context, Access, run, named);
        return await Threads.StartAsync(
            thread,
            run,
            client,
            isOwn,
            prepared => Generator.StartAsync(call.From(client), prompt, run.Id, owner, CancellationToken.None, prepared)
        );
    }

    /// <summary>Answers with refusals and failures in the dialect's format.</summary>
    public Task AnswerAsync(VendorFormat format, Func<Task> respondAsync) =>
        Handler.AnswerAsync(Context, format, respondAsync);

    private T Of<T>()
        where T : notnull => context.RequestServices.GetRequiredService<T>();
}
