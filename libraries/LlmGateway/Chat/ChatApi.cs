namespace LlmGateway.Chat;

/// <summary>
/// <c>POST /sse/chat</c> and <c>POST /sse/backpressure-chat</c>: answers that end with their request.
/// </summary>
internal static class ChatApi
{
    private static readonly string[] Methods = ["POST", "QUERY"];

    public static void AddChat(this WebApplicationBuilder builder) => builder.Services.AddSingleton<ChatHandler>();

    public static void MapChat(this IEndpointRouteBuilder app)
    {
        var chat = app.MapGroup("/sse").WithTags("Chat").WithStreamPool("Sse");
        chat.MapMethods("/chat", Methods, (HttpContext context, ChatHandler handler) => handler.PlainAsync(context))
            .TakesChat()
            .SendsOnce(
                "An answer token by token, then [DONE]; ends with its request.",
                ("content", typeof(ChatContent)),
                ("error", typeof(StreamError))
            );

        chat.MapMethods(
                "/backpressure-chat",
                Methods,
                (HttpContext context, ChatHandler handler) => handler.PacedAsync(context)
            )
            .TakesChat()
            .SendsOnce(
                "The same at the reader's speed: a slow reader pauses the provider.",
                ("content", typeof(PacedContent)),
                ("error", typeof(StreamError))
            );
    }

    private static RouteHandlerBuilder TakesChat(this RouteHandlerBuilder endpoint) =>
        endpoint.Publishes(ChatCall.Topic).CountedAs(GenerationLimit.Requests).Takes<ChatRequest>().SwitchesNames();
}
