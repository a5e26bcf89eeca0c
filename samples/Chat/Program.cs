using System.Security.Claims;
using AspireSse;
using Chat;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
builder.AddEventStore();
builder.AddSse();
builder.AddSseRuns();
builder.Services.AddSingleton<IChatClient>(
    new ScriptedModel(TimeSpan.FromMilliseconds(builder.Configuration.GetValue("ScriptedModel:Milliseconds", 80)))
);
builder.Services.AddSingleton<Chats>();
builder.Services.AddAuthentication().AddBearerToken();
builder.Services.AddAuthorization();

var app = builder.Build();
app.MapGet(
    "/",
    () => "POST /login?user=ann&password=tea, then a client of yours with the base URL /chats/{an id of yours}."
);

// A product signs its users in by what it has: Identity, OpenID Connect, keys. The vendors' clients send the token as
// their API key.
var passwords = new Dictionary<string, string> { ["ann"] = "tea", ["bob"] = "coffee" };
app.MapPost(
    "/login",
    Results<SignInHttpResult, UnauthorizedHttpResult> (string user, string password) =>
        passwords.GetValueOrDefault(user) == password
            ? TypedResults.SignIn(
                new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], "password")),
                authenticationScheme: BearerTokenDefaults.AuthenticationScheme
            )
            : TypedResults.Unauthorized()
);

// Each chat is a base URL. The user is in the topic of each answer, so nobody reads the answers of somebody else.
var chat = app.MapGroup("/chats/{chat:guid}").RequireAuthorization();
chat.MapGet("", (Guid chat, ClaimsPrincipal user, Chats chats) => chats.ReadAsync(Of(user, chat)));
chat.MapDelete("/answer", (Guid chat, ClaimsPrincipal user, Chats chats) => chats.CancelAsync(Of(user, chat)));

// OpenAI's client: new OpenAI({ baseURL: ".../chats/{id}/v1", apiKey: token }).
chat.MapPost(
    "/v1/chat/completions",
    (Guid chat, ClaimsPrincipal user, Chats chats) =>
        TypedResults.RunStream(RunFormat.ChatCompletions, request => chats.AskAsync(Of(user, chat), request))
);
chat.MapPost(
    "/v1/responses",
    (Guid chat, ClaimsPrincipal user, Chats chats) =>
        TypedResults.RunStream(RunFormat.Responses, request => chats.AskAsync(Of(user, chat), request))
);

// The id of a response is its topic without the first token: resp_ann.{chat}.0195….
chat.MapGet(
    "/v1/responses/resp_{id}",
    (Guid chat, string id, ClaimsPrincipal user) =>
        TypedResults.RunStream(Of(user, chat).Answer(id.Split('.')[^1]), RunFormat.Responses())
);

// Anthropic's client: new Anthropic({ baseURL: ".../chats/{id}", authToken: token }).
chat.MapPost(
    "/v1/messages",
    (Guid chat, ClaimsPrincipal user, Chats chats) =>
        TypedResults.RunStream(RunFormat.Messages, request => chats.AskAsync(Of(user, chat), request))
);

// AI SDK: new DefaultChatTransport({ api: ".../chats/{id}/ui", headers: { authorization: `Bearer ${token}` } }). A
// page that returns gets the answer that runs, within the message that the answer continues.
chat.MapPost(
    "/ui",
    (Guid chat, ClaimsPrincipal user, Chats chats) =>
        TypedResults.RunStream(RunFormat.UiMessages, request => chats.AskAsync(Of(user, chat), request, isOfPage: true))
);
chat.MapGet(
    "/ui/{id}/stream",
    async Task<Results<EventStreamResult, NoContent>> (Guid chat, ClaimsPrincipal user, Chats chats) =>
        await chats.RunningAsync(Of(user, chat)) is var (answer, question)
            ? TypedResults.RunStream(
                answer,
                question.Shown is { } body ? RunFormat.UiMessages(body) : RunFormat.UiMessages()
            )
            : TypedResults.NoContent()
);

// AG-UI's HttpAgent, TanStack AI: the client names the run, and the same request again goes on with it.
chat.MapPost(
    "/ag-ui",
    (Guid chat, ClaimsPrincipal user, Chats chats) =>
        TypedResults.RunStream(RunFormat.AgUi, request => chats.AskAsync(Of(user, chat), request, request.Id))
);

await app.EnsureSchemaAsync();
app.Run();

static ChatName Of(ClaimsPrincipal user, Guid chat) => new(user.Identity!.Name!, chat);
