// OpenAI's client: Client.dll <replica> <replica>
using System.ClientModel;
using System.Text;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using static VendorClients.NuGet.Trying;

var endpoint = new Uri($"{args[0]}/v1");
var key = new ApiKeyCredential("sk-client");

ChatClient ChatOf(string model) => new(model, key, new OpenAIClientOptions { Endpoint = endpoint });

List<ChatMessage> question = [new UserChatMessage(Prompt)];
var length = new ChatCompletionOptions { MaxOutputTokenCount = 60 };
var text = "";
await AttemptAsync(
    "CompleteChatAsync",
    async () =>
    {
        var whole = (await ChatOf("demo").CompleteChatAsync(question, length)).Value;
        Equal((60, ChatFinishReason.Length), (whole.Usage.OutputTokenCount, whole.FinishReason));
        text = whole.Content[0].Text;
    }
);

await AttemptAsync(
    "CompleteChatStreamingAsync",
    async () =>
    {
        var streamed = new StringBuilder();
        await foreach (var update in ChatOf("demo").CompleteChatStreamingAsync(question, length))
        foreach (var part in update.ContentUpdate)
            streamed.Append(part.Text);
        Equal(text, streamed.ToString());
    }
);

foreach (var model in (string[])["demo", "scripted"])
    await AttemptAsync(
        $"CompleteChatAsync, tool and its result, {model}",
        async () =>
        {
            var tool = ChatTool.CreateFunctionTool("get_weather", "Says the weather.", BinaryData.FromString(Weather));
            var options = new ChatCompletionOptions { Tools = { tool } };
            List<ChatMessage> said = [new UserChatMessage(Question)];
            var asked = (await ChatOf(model).CompleteChatAsync(said, options)).Value;
            Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
            Equal("""{"city":"Paris"}""", asked.ToolCalls[0].FunctionArguments.ToString());

            said.Add(new AssistantChatMessage(asked));
            said.Add(new ToolChatMessage(asked.ToolCalls[0].Id, Look("Paris")));
            Contains(
                "15 degrees in Paris",
                (await ChatOf(model).CompleteChatAsync(said, options)).Value.Content[0].Text
            );
        }
    );

await AttemptAsync(
    "ResponsesClient, whole and stream",
    async () =>
    {
        var client = new ResponsesClient(key, new ResponsesClientOptions { Endpoint = endpoint });
        var whole = (await client.CreateResponseAsync("scripted", "hello")).Value;
        Equal("Hello from the script.", whole.GetOutputText());

        var streamed = new StringBuilder();
        await foreach (var update in await client.CreateResponseStreamingAsync("scripted", "hello"))
            if (update is StreamingResponseOutputTextDeltaUpdate delta)
                streamed.Append(delta.Delta);
        Equal("Hello from the script.", streamed.ToString());
    }
);

await AttemptAsync(
    "errors",
    async () =>
    {
        try
        {
            await ChatOf("nobodys").CompleteChatAsync(question);
        }
        catch (ClientResultException e)
        {
            Equal(404, e.Status);
            return;
        }

        throw new InvalidOperationException("nobody's model answered");
    }
);
