using System.ClientModel;
using System.ComponentModel;
using Harness;
using Microsoft.Extensions.AI;
using OpenAI.Responses;

#pragma warning disable OPENAI001, MEAI001 // for evaluation only, says the vendor

namespace Integration.Llm.Dialects;

/// <summary>Microsoft.Extensions.AI with OpenAI's .NET client of responses.</summary>
public sealed class ResponsesTokenTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private static readonly ChatOptions Background = new() { AllowBackgroundResponses = true };

    [Fact]
    public async Task The_bytes_of_a_token_go_on_at_another_replica_after_the_first_one_was_killed()
    {
        var hasRest = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            for (var i = 0; i < 20; i++)
                await request.TokenAsync($"word{i} ");
            await hasRest.Task;
            await request.TokenAsync("end");
            await request.EndAsync(21);
        });

        await using var mortal = await MortalReplica.StartAsync(World);
        var begun = await ClientOf(A).GetResponseAsync(prompt, Background, Stop);
        var token = begun.ContinuationToken;
        var text = "";

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in Resume(mortal.Service, token!.ToBytes()))
            {
                text += update.Text;
                token = update.ContinuationToken;
                if (text.Length > 0)
                    await mortal.KillAsync();
            }
        });

        var bytes = token!.ToBytes();
        hasRest.SetResult();
        await foreach (var update in Resume(B, bytes))
            text += update.Text;

        Assert.Equal(string.Concat(Enumerable.Range(0, 20).Select(i => $"word{i} ")) + "end", text);
        Assert.Equal(1, Upstream.Attempts(prompt));

        var polled = await ClientOf(A)
            .GetResponseAsync(
                [],
                new ChatOptions
                {
                    AllowBackgroundResponses = true,
                    ContinuationToken = ResponseContinuationToken.FromBytes(bytes),
                },
                Stop
            );
        Assert.Equal((text, null), (polled.Text, polled.ContinuationToken));
    }

    [Fact]
    public async Task Tools_usage_and_failures_are_those_of_every_chat_client()
    {
        using var client = new ChatClientBuilder(ClientOf(A, "demo")).UseFunctionInvocation().Build();
        var options = new ChatOptions
        {
            Tools =
            [
                AIFunctionFactory.Create(
                    [Description("The weather.")]
                    (string city) => $"15 degrees in {city}",
                    "get_weather"
                ),
            ],
        };
        const string question = "What is the weather in Paris today?";
        var answer = await client.GetResponseAsync(question, options, Stop);
        Assert.Contains("15 degrees in Paris", answer.Text, StringComparison.Ordinal);
        Assert.True(answer.Usage?.OutputTokenCount > 0);
        var streamed = await client.GetStreamingResponseAsync(question, options, Stop).ToChatResponseAsync(Stop);
        Assert.Equal(answer.Text, streamed.Text);

        var thinking = Upstream.On(request =>
            request.EventsAsync(
                """{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"I think."}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{"content":"Yes."}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
                "[DONE]"
            )
        );
        var thought = await ClientOf(A).GetStreamingResponseAsync(thinking, cancellationToken: Stop).ToListAsync(Stop);
        var reasoning = thought.SelectMany(update => update.Contents).OfType<TextReasoningContent>();
        Assert.Equal("I think.", string.Concat(reasoning.Select(content => content.Text)));

        var dying = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half ");
        });
        var updates = await ClientOf(A).GetStreamingResponseAsync(dying, cancellationToken: Stop).ToListAsync(Stop);
        var error = Assert.Single(updates.SelectMany(update => update.Contents).OfType<ErrorContent>());
        Assert.Equal("upstream", error.ErrorCode);
    }

    private static IAsyncEnumerable<ChatResponseUpdate> Resume(RunningService replica, ReadOnlyMemory<byte> token) =>
        ClientOf(replica)
            .GetStreamingResponseAsync(
                [],
                new ChatOptions
                {
                    AllowBackgroundResponses = true,
                    ContinuationToken = ResponseContinuationToken.FromBytes(token),
                },
                Stop
            );

    private static IChatClient ClientOf(RunningService replica, string model = "gpt-4o") =>
        new ResponsesClient(
            new ApiKeyCredential("sk-client"),
            new ResponsesClientOptions { Endpoint = new Uri(replica.Url, "/v1") }
        ).AsIChatClient(model);
}
