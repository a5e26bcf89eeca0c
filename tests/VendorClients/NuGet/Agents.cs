// Microsoft's agents over Microsoft.Extensions.AI.OpenAI: Client.dll <replica> <replica>
using System.ClientModel;
using System.Text;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using static VendorClients.NuGet.Trying;

var endpoint = new Uri($"{args[0]}/v1");
var key = new ApiKeyCredential("sk-client");

IChatClient ChatOf(string model) =>
    new ChatClient(model, key, new OpenAIClientOptions { Endpoint = endpoint }).AsIChatClient();

IChatClient ResponsesOf(string model) =>
    new ResponsesClient(key, new ResponsesClientOptions { Endpoint = endpoint }).AsIChatClient(model);

foreach (
    var (api, clientOf) in (IEnumerable<(string, Func<string, IChatClient>)>)
        [("Chat Completions", ChatOf), ("Responses", ResponsesOf)]
)
{
    foreach (var model in (string[])["demo", "scripted"])
    {
        ChatClientAgent AgentOf() =>
            new(
                clientOf(model),
                instructions: "Be short.",
                tools: [AIFunctionFactory.Create(Look, "get_weather", "Says the weather.")]
            );

        await AttemptAsync(
            $"ChatClientAgent.RunAsync with a function, {api}, {model}",
            async () => Contains("15 degrees in Paris", (await AgentOf().RunAsync(Question)).Text)
        );

        await AttemptAsync(
            $"ChatClientAgent.RunStreamingAsync with a function, {api}, {model}",
            async () =>
            {
                var streamed = new StringBuilder();
                await foreach (var update in AgentOf().RunStreamingAsync(Question))
                    streamed.Append(update.Text);
                Contains("15 degrees in Paris", streamed.ToString());
            }
        );
    }

    await AttemptAsync(
        $"ChatClientAgent, two turns of a session, {api}",
        async () =>
        {
            var agent = new ChatClientAgent(clientOf("scripted"));
            var session = await agent.CreateSessionAsync();
            for (var turn = 0; turn < 2; turn++)
                Equal("Hello from the script.", (await agent.RunAsync("hello", session)).Text);
        }
    );
}
