using System.Reflection;
using EventStore;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;

namespace LlmGateway.Dialects;

/// <summary>A request to an endpoint of a dialect, and the services that such endpoints use.</summary>
internal sealed class DialectRequest(HttpContext context) : IBindableFromHttpContext<DialectRequest>
{
    private readonly IServiceProvider _services = context.RequestServices;

    public HttpContext Context => context;

    // An application without the gateway has registered neither of these two.
    public VendorHandler Handler =>
        _services.GetService<VendorHandler>() ?? ActivatorUtilities.CreateInstance<VendorHandler>(_services, Updates);

    public RunUpdates Updates =>
        _services.GetService<RunUpdates>() ?? ActivatorUtilities.CreateInstance<RunUpdates>(_services);

    public Generator Generator => Of<Generator>();

    public ConversationReader Conversations => Of<ConversationReader>();

    public PromptStore Prompts => Of<PromptStore>();

    public RunThreads Threads => Of<RunThreads>();

    public RunStore Runs => Of<RunStore>();

    public RunStreams Streams => Of<RunStreams>();

    public ChatProviders Providers => Of<ChatProviders>();

    public OwnerAccess Access => Of<OwnerAccess>();

    public RequestKeyStore Keys => Of<RequestKeyStore>();

    public TimeProvider Clock => Of<TimeProvider>();

    public CancellationToken Aborted => Context.RequestAborted;

    public string? Owner => Access.OwnerOf(Context);

    public ClientKey Client => Access.ClientOf(Context);

    /// <summary>Makes the argument of an endpoint.</summary>
    public static ValueTask<DialectRequest?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        new(new DialectRequest(context));

    /// <exception cref="InvalidRequestException">The body is not an object, or longer than the limit.</exception>
    public Task<RequestValue> ReadAsync() =>
        ChatBody.ReadAsync(Context, Of<IOptions<LlmOptions>>().Value.MaxRequestBytes);

    /// <summary>Sends an answer that ends with its request.</summary>
    public Task AskAsync(RequestValue body, ChatCall call, Func<RunHead, ChatCall, AnswerWriter> respond)
    {
        var name = new RunName(ChatCall.Topic, $"{Guid.NewGuid():N}");
        var target = call.Target;
        var answer = new RunHead(name, At: default, Clock.GetUtcNow(), target.Provider, target.Model);
        return Handler.SendAsync(Context, respond(answer, call.From(Client)), body.Is("stream"));
    }

    /// <summary>Starts a generation as the latest of a thread, and cancels the others, so that one is live.</summary>
    /// <param name="thread">See <see cref="RunThreads.IdOf"/>.</param>
    /// <param name="named">The client's name of the thread.</param>
    /// <param name="run">The generation's name.</param>
    public async Task<RunHead> StartAsync(string thread, string named, RunName run, ChatCall call, RunPrompt prompt)
    {
        var client = Client;
        var owner = Owner;
        var isOwn = await MayReadAsync(run, named);
        // If the client leaves meanwhile, all steps go on: a thread whose latest run never begins would have no answer.
        var stays = CancellationToken.None;
        // The run is in its thread before it begins, so that a client can find every run that it is told of.
        Task AddAsync() => Threads.AddAsync(thread, run, client, stays);
        var head = await Generator.StartAsync(call.From(client), prompt, run.Id, owner, stays, AddAsync);
        if (isOwn)
            await Threads.CancelFormerAsync(thread);
        return head;
    }

    /// <summary>Returns true if the caller may read the run that it names.</summary>
    public ValueTask<bool> MayReadAsync(RunName run, string named) =>
        RunThreads.MayReadAsync(Context, Access, run, named);

    /// <summary>Answers that there is nothing.</summary>
    public void Empty() => Context.Response.StatusCode = StatusCodes.Status204NoContent;

    private T Of<T>()
        where T : notnull => _services.GetRequiredService<T>();
}
