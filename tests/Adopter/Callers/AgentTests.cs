using System.Runtime.CompilerServices;
using Harness;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.AI;

namespace Adopter.Callers;

/// <summary>Agents are what the application makes of them.</summary>
public sealed class AgentTests
{
    private const string Instructions = "You help the customers of a bank.";

    private static readonly AIFunction Balance = AIFunctionFactory.Create(
        (IServiceProvider services) => services.GetRequiredService<ApiKeys>().Withdrawn.Count,
        "balance",
        "Says how much there is."
    );

    [Fact]
    public async Task A_model_is_told_the_application_s_instructions_and_offered_its_tools()
    {
        var model = new Model();
        await using var app = await StartAsync(
            model,
            agents =>
            {
                agents.Instructions = Instructions;
                agents.AddTool(
                    Balance,
                    new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireRole("customer").Build()
                );
            }
        );

        var stream = await app.WithKey("id=1;role=customer").GetStringAsync("/stream?prompt=Hello&provider=own");
        Assert.Contains("\"tool\":\"balance\",\"output\":0", stream, StringComparison.Ordinal);
        Assert.Equal(Instructions, model.Asked[0].Messages[0].Text);
        Assert.Contains(model.Asked[0].Tools, tool => tool.StartsWith("balance", StringComparison.Ordinal));

        // Whoever does not meet its policy is not offered the tool, nor gets it used.
        model.Asked.Clear();
        var other = await app.WithKey("id=2").GetStringAsync("/stream?prompt=Hello&provider=own");
        Assert.DoesNotContain(model.Asked[0].Tools, tool => tool.StartsWith("balance", StringComparison.Ordinal));
        Assert.Contains("There is no tool balance", other, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_told_nothing_that_the_application_did_not_say()
    {
        var model = new Model();
        await using var app = await StartAsync(model, configure: null);

        await app.WithKey("id=1").GetStringAsync("/stream?prompt=Hello&provider=own");
        Assert.Equal(["Hello"], model.Asked[0].Messages.Select(message => message.Text));
        Assert.Empty(model.Asked[0].Tools);
    }

    [Fact]
    public async Task A_tool_twice_is_refused_at_the_start() =>
        await Assert.ThrowsAsync<ArgumentException>(() =>
            StartAsync(new Model(), agents => agents.AddTool(Balance).AddTool(Balance))
        );

    [Fact]
    public void Two_tools_of_one_name_are_refused() =>
        Assert.Throws<ArgumentException>(() => new LlmGatewayOptions().AddTool(Balance).AddTool(Balance));

    private static Task<CallersApp> StartAsync(Model model, Action<LlmGatewayOptions>? configure) =>
        CallersApp.StartAsync(
            agents: configure,
            services: services =>
                services.AddKeyedSingleton<IChatClient>("own", new ScriptedChatClient(model.Answer, "own-model"))
        );

    /// <summary>Calls the tool "balance" once, and then says that it is done.</summary>
    private sealed class Model
    {
        public List<(ChatMessage[] Messages, string[] Tools)> Asked { get; } = [];

        public async IAsyncEnumerable<ChatResponseUpdate> Answer(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options,
            [EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            Asked.Add(([.. messages], [.. options?.Tools?.Select(tool => $"{tool.Name}: {tool.Description}") ?? []]));
            await Task.CompletedTask;
            yield return Asked.Count == 1
                ? new ChatResponseUpdate(
                    ChatRole.Assistant,
                    [new FunctionCallContent("1", "balance", new Dictionary<string, object?>())]
                )
                : new ChatResponseUpdate(ChatRole.Assistant, "Done.");
        }
    }
}
