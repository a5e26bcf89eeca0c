using System.Runtime.CompilerServices;
using Adopter.Callers;
using Harness;
using Microsoft.Extensions.AI;

namespace Adopter.Gateway;

/// <summary>Tools of the application that fail.</summary>
public sealed class ToolTests
{
    private static readonly Dictionary<string, Delegate> Failures = new()
    {
        ["throws"] = (Func<int>)(() => throw new InvalidOperationException("The database is down.")),
        ["times out, as HttpClient does"] = (Func<int>)(() => throw new TaskCanceledException("Timeout")),
        ["is cancelled by a time of its own"] = async () =>
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
            await Task.Delay(Timeout.Infinite, patience.Token);
        },
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Failures.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_model_hears_of_it_and_the_answer_goes_on(string failure)
    {
        await using var app = await CallersApp.StartAsync(
            isOpen: true,
            agents: agents => agents.AddTool(AIFunctionFactory.Create(Failures[failure], "look_up")),
            services: services =>
                services.AddKeyedSingleton<IChatClient>("own", new ScriptedChatClient(Answer, "own-model"))
        );
        using var client = app.Anonymous();

        var stream = await client.GetStringAsync("/stream?prompt=Hello&provider=own", Stop);
        Assert.Contains("The tool look_up failed.", stream, StringComparison.Ordinal);
        Assert.Contains("Done.", stream, StringComparison.Ordinal);
        Assert.Contains("event: end", stream, StringComparison.Ordinal);
    }

    /// <summary>Calls the tool, and then says that it is done.</summary>
    private static async IAsyncEnumerable<ChatResponseUpdate> Answer(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await Task.CompletedTask;
        yield return messages.Any(message => message.Role == ChatRole.Tool)
            ? new ChatResponseUpdate(ChatRole.Assistant, "Done.")
            : new ChatResponseUpdate(
                ChatRole.Assistant,
                [new FunctionCallContent("1", "look_up", new Dictionary<string, object?>())]
            );
    }
}
