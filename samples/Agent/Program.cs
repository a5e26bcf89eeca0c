using Agent;
using AspireSse;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
builder.AddEventStore();
builder.AddSse();
builder.AddSseRuns();

// Without a key a model that is built in answers.
IChatClient model = builder.Configuration["OPENAI_API_KEY"] is { Length: > 0 } key
    ? new OpenAI.Chat.ChatClient(builder.Configuration["Model"] ?? "gpt-5-mini", key).AsIChatClient()
    : new DemoModel(TimeSpan.FromMilliseconds(builder.Configuration.GetValue("DemoModel:Milliseconds", 80)));
AIAgent agent = new ChatClientAgent(model, instructions: "You answer in three sentences.");

var app = builder.Build();
app.UseFileServer();

// The client chooses the id, so that it may repeat its request, and reads the answer under it.
app.MapPut(
    "/answers/{id:guid}",
    async (Guid id, Question question, IRuns runs) =>
    {
        await runs.StartAsync(
            $"answers.{id}",
            (run, stop) =>
                run.AppendEachAsync(
                    "text",
                    agent.RunStreamingAsync(question.Text, cancellationToken: stop).Select(update => update.Text)
                )
        );
        return TypedResults.Accepted($"/answers/{id}");
    }
);

// An id that nobody can guess is the right to read the answer. For users put them into the topic, and ask for a policy.
app.MapGet("/answers/{id:guid}", (Guid id) => TypedResults.RunStream($"answers.{id}")).AllowAnonymous();
app.MapDelete("/answers/{id:guid}", (Guid id, IRuns runs) => runs.CancelAsync($"answers.{id}"));

await app.EnsureSchemaAsync();
app.Run();

internal sealed record Question(string Text);
