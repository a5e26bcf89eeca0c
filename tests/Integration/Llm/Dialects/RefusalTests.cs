using System.Text.Json;
using Harness;
using Integration.Seeds;
using LlmGateway.Dialects.Responses;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm.Dialects;

/// <summary>A model's refusal: a part of its own to OpenAI's Responses API, and text to all others.</summary>
public sealed class RefusalTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/v1/responses",
        Part = """{"type":"refusal","refusal":"I am sorry."}""";

    private static readonly string[] Declined =
    [
        """{"id":"c1","choices":[{"index":0,"delta":{"refusal":"I am "}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"refusal":"sorry."}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
        "[DONE]",
    ];

    /// <summary>As OpenAI's: a text would be parsed by a client that has asked for JSON.</summary>
    [Fact]
    public async Task A_refusal_has_the_vendors_events_and_its_part()
    {
        await using var reader = await LlmSystem
            .OpenAsync(
                A,
                Path,
                new
                {
                    model = "gpt-4o",
                    input = Refusing(),
                    stream = true,
                }
            )
            .ToEndAsync();
        var events = reader.Events.Select(e => e.Json()).ToList();

        Assert.Equal(
            [
                .. (string[])["created", "in_progress", "output_item.added", "content_part.added", "refusal.delta"],
                .. (string[])["refusal.done", "content_part.done", "output_item.done", "completed"],
            ],
            events.Select(e => e.Text("type")!["response.".Length..]).Distinct()
        );
        var deltas = events.Where(e => e.Text("type") == "response.refusal.delta");
        Assert.Equal("I am sorry.", string.Concat(deltas.Select(e => e.Text("delta"))));
        var done = events.Single(e => e.Text("type") == "response.refusal.done");
        Assert.Equal(("I am sorry.", 0), (done.Text("refusal"), done.Number("content_index")));
        var added = events.Single(e => e.Text("type") == "response.content_part.added");
        Assert.Equal("""{"type":"refusal","refusal":""}""", added.At("part").GetRawText());
        Assert.Equal(Part, PartOf(events[^1].At("response")));
    }

    [Fact]
    public async Task A_whole_response_has_the_refusal_then_and_later_at_any_replica()
    {
        var answer = await LlmSystem.AnswerAsync(A, Path, new { model = "gpt-4o", input = Refusing() });
        Assert.Equal(Part, PartOf(answer));
        Assert.Equal("completed", answer.Text("status"));
        var later = await SeedRequests.GetAsync(B.Url, $"{Path}/{answer.Text("id")}");
        Assert.Equal(answer.GetRawText(), later.GetRawText());
    }

    /// <summary>Clients send the items of an output back.</summary>
    [Fact]
    public async Task A_refusal_that_a_client_sends_back_stays_one_and_is_text_to_the_provider()
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("yes");
        });
        var members = $$"""
            {"model":"gpt-4o","input":[{"type":"message","id":"msg_1","status":"completed","role":"assistant",
            "content":[{{Part}}]},{"role":"user","content":"{{prompt}}"}]}
            """;

        var answer = await LlmSystem.AnswerAsync(A, Path, JsonElement.Parse(members));

        var input = await SeedRequests.GetAsync(B.Url, $"{Path}/{answer.Text("id")}/input_items?order=asc");
        Assert.Equal(Part, input.At("data.0.content.0").GetRawText());
        Assert.Equal("I am sorry.", seen!.Value.Text("messages.0.content"));
    }

    [Fact]
    public async Task A_refusal_is_a_part_of_the_conversation_after_it()
    {
        var refused = await LlmSystem.AnswerAsync(A, Path, new { model = "gpt-4o", input = Refusing() });
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("yes");
        });

        await LlmSystem.AnswerAsync(
            B,
            Path,
            new
            {
                model = "gpt-4o",
                input = prompt,
                previous_response_id = refused.Text("id"),
            }
        );

        Assert.Equal("I am sorry.", seen!.Value.Text("messages.1.content"));
    }

    [Fact]
    public async Task A_refusal_is_text_to_the_readers_of_a_generation()
    {
        var id = await LlmSystem.GenerateAsync(A, Refusing(), "openai");
        await using var reader = await LlmSystem.ReadAsync(B, id);
        Assert.Equal("I am sorry.", LlmSystem.Text(reader.Events.Where(e => e.Event == "token"), "text"));
        Assert.All(
            reader.Events.Where(e => e.Event == "token"),
            e => Assert.Equal(["text"], e.Json().EnumerateObject().Select(member => member.Name))
        );
        Assert.Equal("I am sorry.", (await LlmSystem.StateAsync(B, id)).Text("text"));
    }

    /// <summary>As Microsoft.Extensions.AI has it.</summary>
    [Fact]
    public async Task A_refusal_that_an_application_appended_is_a_part_too()
    {
        var name = new RunName("answers", Guid.NewGuid().ToString("N"));
        var refusal = new ErrorContent("I am sorry.") { ErrorCode = "Refusal" };
        await Services(A)
            .GetRequiredService<IRuns>()
            .StartAsync(
                name.Topic,
                (run, _) => run.AppendAsync(new ChatResponseUpdate(ChatRole.Assistant, [refusal])),
                Stop
            );

        var updates = Services(B).GetRequiredService<RunUpdates>();
        var head = (await updates.FindAsync(name, Stop))!;
        var response = new ResponsesWriter(head, prompt: null);
        await foreach (var update in updates.ReadAsync(head, "me", cancellationToken: Stop))
            response.Next(update);

        Assert.Equal(Part, PartOf(JsonElement.Parse(response.ToJson().ToJsonString())));
    }

    private string Refusing() => Upstream.On(request => request.EventsAsync(Declined));

    private static IServiceProvider Services(RunningService replica) => ((ServiceHost)replica).Services;

    private static string PartOf(JsonElement response) => response.At("output.0.content.0").GetRawText();
}
