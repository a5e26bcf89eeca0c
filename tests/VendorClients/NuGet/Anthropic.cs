// Anthropic's client: Client.dll <replica> <replica>
using System.Text;
using Anthropic;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;
using static VendorClients.NuGet.Trying;

var client = new AnthropicClient
{
    ApiKey = "sk-ant-client",
    BaseUrl = args[0],
    MaxRetries = 0,
};
var asked = new MessageCreateParams
{
    Model = "demo",
    MaxTokens = 60,
    Messages = [new UserMessageParam { Content = Prompt }],
};
var text = "";
await AttemptAsync(
    "Messages.Create",
    async () =>
    {
        var whole = await client.Messages.Create(asked);
        Equal(60L, whole.Usage.OutputTokens);
        text = whole.Content[0].TryPickText(out var block) ? block.Text : "";
    }
);

await AttemptAsync(
    "Messages.CreateStreaming",
    async () =>
    {
        var streamed = new StringBuilder();
        await foreach (var received in client.Messages.CreateStreaming(asked))
            if (received.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var piece))
                streamed.Append(piece.Text);
        Equal(text, streamed.ToString());
    }
);

foreach (var model in (string[])["demo", "scripted"])
    await AttemptAsync(
        $"IChatClient with a function, whole and stream, {model}",
        async () =>
        {
            using var chat = client.AsIChatClient(model).AsBuilder().UseFunctionInvocation().Build();
            var options = new ChatOptions
            {
                MaxOutputTokens = 99,
                Tools = [AIFunctionFactory.Create(Look, "get_weather", "Says the weather.")],
            };
            Contains("15 degrees in Paris", (await chat.GetResponseAsync(Question, options)).Text);
            var streamed = new StringBuilder();
            await foreach (var update in chat.GetStreamingResponseAsync(Question, options))
                streamed.Append(update.Text);
            Contains("15 degrees in Paris", streamed.ToString());
        }
    );
