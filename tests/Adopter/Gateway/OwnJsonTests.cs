using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Adopter.Middleware;
using Adopter.Showing;

namespace Adopter.Gateway;

/// <summary>Answers of the libraries are documented: they do not depend on how the application writes its own
/// JSON.</summary>
public sealed partial class OwnJsonTests
{
    private static readonly Dictionary<string, Action<JsonSerializerOptions>> Ways = new()
    {
        ["names as they are"] = json => json.PropertyNamingPolicy = null,
        ["snake case"] = json => json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        ["a resolver instead"] = json => json.TypeInfoResolver = OfApplication.Default,
        ["resolvers cleared"] = json => json.TypeInfoResolverChain.Clear(),
        ["references"] = json => json.ReferenceHandler = ReferenceHandler.Preserve,
        ["no defaults"] = json => json.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        ["numbers as text"] = json => json.NumberHandling = JsonNumberHandling.WriteAsString,
        ["its own text"] = json => json.Converters.Add(new Loud()),
    };

    private static readonly Lazy<Task<string[]>> Usual = new(() => AnswersAsync(_ => { }));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Ways.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_answers_of_the_libraries_are_the_same(string way) =>
        Assert.Equal(await Usual.Value, await AnswersAsync(Ways[way]));

    /// <summary>Returns the status and the JSON of each kind of answer, without what differs each time.</summary>
    private static async Task<string[]> AnswersAsync(Action<JsonSerializerOptions> configure)
    {
        await using var app = await SmallApp.StartAsync(
            Map,
            builder =>
            {
                builder.AddLlmGateway();
                builder.Services.AddAuthentication("cookie").AddCookie("cookie");
                builder.Services.ConfigureHttpJsonOptions(json => configure(json.SerializerOptions));
            },
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            "10000"
        );
        var client = app.Client;
        using var signedIn = await client.PostAsync("/sign-in", content: null, Stop);
        signedIn.EnsureSuccessStatusCode();

        var question = new { model = "demo", messages = new[] { new { role = "user", content = "Where?" } } };
        var begun = await client.PostAsJsonAsync("/v1/generations", question, Stop);
        var generation = begun.Headers.Location?.OriginalString ?? "/v1/generations/none";
        if (begun.IsSuccessStatusCode)
            await client.GetStringAsync($"{generation}/stream", Stop);
        var session = await client.PostAsync("/session", content: null, Stop);

        return
        [
            await TextOf(await client.PostAsJsonAsync("/stream-tickets", new { topics = new[] { "a" } }, Stop)),
            await TextOf(await client.PostAsJsonAsync("/stream-tickets", new { topics = "a" }, Stop)),
            await TextOf(begun),
            await TextOf(await client.GetAsync(generation, Stop)),
            await TextOf(await client.GetAsync("/v1/generations/none", Stop)),
            await TextOf(await client.PostAsJsonAsync("/v1/generations", new { model = "none" }, Stop)),
            await TextOf(session),
            await TextOf(await client.GetAsync("/session/none", Stop)),
            await TextOf(await client.GetAsync("/v1/models", Stop)),
            await TextOf(await client.GetAsync("/v1/models/demo", Stop)),
            await TextOf(await client.GetAsync("/v1/models/none", Stop)),
            await TextOf(await client.PostAsJsonAsync("/v1/chat/completions", question, Stop)),
            await TextOf(
                await client.PostAsJsonAsync(
                    "/v1/messages/count_tokens",
                    new { question.model, question.messages },
                    Stop
                )
            ),
            await TextOf(await client.GetAsync("/events?from=x", Stop)),
        ];
    }

    private static void Map(WebApplication app)
    {
        app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann")));
        app.MapSseTickets();
        app.MapLlmGateway().RequireAuthorization();
        app.MapGet("/events", () => TypedResults.EventStream("news.all")).AllowAnonymous();
    }

    private static async Task<string> TextOf(HttpResponseMessage answer)
    {
        using var _ = answer;
        var text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.True(answer.StatusCode < HttpStatusCode.InternalServerError, $"{answer.RequestMessage!.RequestUri}");

        var json = text.Length == 0 ? null : JsonNode.Parse(text);
        Blank(json);
        return $"{(int)answer.StatusCode} {answer.Content.Headers.ContentType?.MediaType} {json?.ToJsonString()}";
    }

    /// <summary>Leaves only the kind of what is random or a time.</summary>
    private static void Blank(JsonNode? node)
    {
        if (node is JsonArray array)
            foreach (var item in array)
                Blank(item);
        if (node is not JsonObject members)
            return;

        foreach (var (name, value) in members.ToList())
            if (name is "id" or "ticket" or "stream" or "session_id" or "created" || name.EndsWith("At"))
                members[name] = value?.GetValueKind().ToString();
            else
                Blank(value);
    }

    private sealed class Loud : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString()?.ToUpperInvariant();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToUpperInvariant());
    }

    private sealed record Order(string Article);

    [JsonSerializable(typeof(Order))]
    private sealed partial class OfApplication : JsonSerializerContext;
}
