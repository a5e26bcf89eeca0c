namespace Integration.Security;

/// <summary>Requests that are refused, beside those that are not: one row a rule.</summary>
public sealed class RefusalTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Nobody = "",
        Operator = "operator",
        Eve = "reads >, publishes elsewhere.>",
        Ann = "reads orders.>",
        Everything = "reads >",
        Closer = "reads $sys.>, publishes $sys.> >",
        Event = """{"topic":"orders.1","type":"n","data":1}""",
        Erasure = """{"topics":["never.was"],"reason":"asked by its owner"}""";

    /// <summary>Caller, request, body, status, and a part of the answer.</summary>
    public static TheoryData<string, string, string?, int, string> Rows =>
        new()
        {
            // Without credentials everything is 401 and says how, in its vendor's words to a vendor's client.
            { Nobody, "GET /openapi/v1.json", null, 401, "Authorization: Bearer" },
            { Nobody, "GET /no/such/thing", null, 401, "Authorization: Bearer" },
            { "sk-wrong", "POST /v1/chat/completions", "{}", 401, "\"code\":\"invalid_api_key\"" },
            { "sk-ant-wrong", "POST /v1/messages", "{}", 401, "\"type\":\"authentication_error\"" },
            // A token opens the topics of its claims and nothing else.
            { Ann, "GET /v1/events/stream?topic=secret.a", null, 403, "sse.subscribe" },
            { Ann, "GET /v1/events/stream?topic=%3E", null, 403, "sse.subscribe" },
            { Ann, "GET /v1/events/stream?topic=*.a", null, 403, "sse.subscribe" },
            { Ann, "GET /v1/events/stream?topic=orders.a&topic=secret.a", null, 403, "sse.subscribe" },
            { Ann, "GET /v1/events?topic=secret.a", null, 403, "sse.subscribe" },
            { Ann, "GET /events/stream", null, 403, "sse.subscribe" },
            { Ann, "GET /sse/events", null, 403, "sse.subscribe" },
            // A changing request needs the claim to publish its topic.
            { Eve, "POST /tasks", """{"title":"feed the cat"}""", 403, "sse.publish" },
            { "publishes tasks.>", "POST /tasks", """{"title":"feed the cat"}""", 201, "feed the cat" },
            { Eve, "POST /v1/orders", """{"petId":"nobody"}""", 403, "sse.publish" },
            { "publishes petstore.>", "POST /v1/orders", """{"petId":"nobody"}""", 404, "" },
            { Eve, "PATCH /v1/pets/nobody", """{"price":5}""", 403, "sse.publish" },
            { "publishes petstore.inventory", "PATCH /v1/pets/nobody", """{"price":5}""", 404, "" },
            { Eve, "POST /session", "{}", 403, "sse.publish" },
            { "publishes sessions.>", "POST /session", "{}", 200, "session_id" },
            { Eve, "POST /chat/stream", """{"text":"hi"}""", 403, "sse.publish" },
            { "publishes chat", "POST /chat/stream", """{"text":"hi"}""", 200, "" },
            { Eve, "POST /sse/chat", "{}", 403, "sse.publish" },
            { "publishes chat", "POST /sse/chat", "{}", 400, "" },
            { Eve, "POST /v1/chat/completions", "{}", 403, "sse.publish" },
            { "publishes chat", "POST /v1/chat/completions", "{}", 400, "" },
            { Eve, "POST /v1/messages", "{}", 403, "sse.publish" },
            { "publishes chat", "POST /v1/messages", "{}", 400, "" },
            { Eve, "POST /v1/messages/count_tokens", "{}", 403, "sse.publish" },
            { "publishes chat", "POST /v1/messages/count_tokens", "{}", 400, "" },
            { Eve, "POST /v1/embeddings", "{}", 403, "sse.publish" },
            { "publishes chat", "POST /v1/embeddings", "{}", 404, "" },
            { Eve, "POST /api/chat", "{}", 403, "\"errorText\"" },
            { "publishes generations.>", "POST /api/chat", "{}", 400, "\"errorText\"" },
            { Eve, "POST /agents/ag-ui", "{}", 403, "RUN_ERROR" },
            { "publishes generations.>", "POST /agents/ag-ui", "{}", 400, "RUN_ERROR" },
            { Eve, "POST /v1/generations", "{}", 403, "sse.publish" },
            { "publishes generations.>", "POST /v1/generations", "{}", 400, "" },
            // A publisher may publish the topics of its claim, singly, in arrays and in lines.
            { "publishes orders.>", "POST /v1/events", Event, 202, "position" },
            { "writer", "POST /v1/events", Event, 202, "position" },
            { "publishes bills.>", "POST /v1/events", Event, 403, "orders.1" },
            { "publishes orders.>", "POST /v1/events", $"[{Event},{EventOf("bills.1")}]", 403, "bills.1" },
            { "publishes orders.>", "GET /v1/events/stream?topic=orders.1", null, 403, "sse.subscribe" },
            // No client may publish to the system's topics.
            { Operator, "POST /v1/events", EventOf("sse.ticks"), 403, "sse.ticks" },
            { Operator, "POST /v1/events", EventOf("petstore.inventory"), 403, "petstore.inventory" },
            { Operator, "POST /v1/events", EventOf("petstore.orders.1.status"), 403, "petstore.orders.1.status" },
            { Operator, "POST /v1/events", EventOf("tasks.1"), 403, "tasks.1" },
            { Operator, "POST /v1/events", EventOf("sse.resilient.s"), 403, "sse.resilient.s" },
            { Operator, "POST /v1/events", EventOf("sse.resilient.s.control"), 403, "sse.resilient.s.control" },
            { Operator, "POST /v1/events", EventOf("generations.0123"), 403, "generations.0123" },
            { Operator, "POST /v1/events", EventOf("agents.0123.log"), 403, "agents.0123.log" },
            { Operator, "POST /v1/events", EventOf("sessions.0123"), 403, "sessions.0123" },
            { Operator, "POST /v1/events", EventOf("$sys.connections"), 403, "topic" },
            { Closer, "POST /v1/events", EventOf("$sys.connections"), 403, "topic" },
            { Closer, "POST /v1/events", EventOf("$sys.other"), 403, "topic" },
            // No client may publish the types of the server's own events.
            { Operator, "POST /v1/events", EventOf("a.b", "connected"), 400, "connected" },
            { Operator, "POST /v1/events", EventOf("a.b", "resync"), 400, "resync" },
            { Operator, "POST /v1/events", EventOf("a.b", "skipped"), 400, "skipped" },
            { Operator, "POST /v1/events", EventOf("a.b", "unauthorized"), 400, "unauthorized" },
            { Operator, "POST /v1/events", EventOf("a.b", "error"), 400, "error" },
            // The connections are for operators, and the right to read them is no right to close one.
            { Everything, "GET /v1/connections", null, 403, "$sys.connections" },
            { Operator, "GET /v1/connections", null, 200, "connections" },
            { Everything, "GET /v1/connections/stream", null, 403, "$sys.connections" },
            { Operator, "GET /v1/connections/stream", null, 200, "" },
            { Everything, "GET /v1/events/stream?topic=$sys.%3E", null, 403, "sse.subscribe" },
            { Operator, "GET /v1/events/stream?topic=$sys.%3E", null, 200, "" },
            { Everything, "GET /v1/events/stream?topic=$sys.connections", null, 403, "sse.subscribe" },
            { Operator, "GET /v1/events/stream?topic=$sys.connections", null, 200, "" },
            { Operator, "DELETE /v1/connections/x", null, 404, "" },
            { Everything, "DELETE /v1/connections/x", null, 403, "sse.publish for $sys.connections" },
            {
                "reads > $sys.>, publishes >",
                "DELETE /v1/connections/x",
                null,
                403,
                "sse.publish for $sys.connections"
            },
            { "publishes $sys.connections", "DELETE /v1/connections/x", null, 404, "" },
            { "publishes $sys.>", "DELETE /v1/connections/x", null, 404, "" },
            { "publishes $sys.>", "GET /v1/connections", null, 403, "$sys.connections" },
            // Erasures are for operators who have that right by name.
            { Everything, "POST /v1/erasures", Erasure, 403, "sse.publish for $sys.erasures" },
            { Operator, "POST /v1/erasures", Erasure, 403, "sse.publish for $sys.erasures" },
            { "publishes $sys.erasures", "POST /v1/erasures", Erasure, 200, "\"events\":0" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"topics":["a.>"],"reason":"r"}""", 400, "topics" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"topics":["a"]}""", 400, "reason" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"topics":["a"],"reason":" "}""", 400, "reason" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"reason":"r"}""", 400, "topics" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"topic":["a"],"reason":"r"}""", 400, "topic" },
            { "publishes $sys.erasures", "POST /v1/erasures", """{"ids":["1"],"reason":"r"}""", 400, "ids" },
            { "publishes $sys.erasures", "GET /v1/events/stream?topic=$sys.erasures", null, 403, "sse.subscribe" },
            // A ticket is refused where its topics or time are not to be had.
            { Ann, "POST /v1/stream-tickets", """{"topics":["secret.a"]}""", 403, "secret.a" },
            { Ann, "POST /v1/stream-tickets", """{"topics":["orders.a","secret.a"]}""", 403, "secret.a" },
            { Ann, "POST /v1/stream-tickets", """{"topics":["$sys.>"]}""", 403, "$sys" },
            { Ann, "POST /v1/stream-tickets", """{"topics":[]}""", 400, "topics" },
            { Ann, "POST /v1/stream-tickets", """{"topics":"orders.a"}""", 400, "topics" },
            { Ann, "POST /v1/stream-tickets", """{"topics":["orders..a"]}""", 400, "topics" },
            { Ann, "POST /v1/stream-tickets", """{"topics":["orders.a"],"expiresIn":86401}""", 400, "expiresIn" },
            { Ann, "POST /v1/stream-tickets", """{"topics":["orders.a"],"expiresIn":0}""", 400, "expiresIn" },
            { Ann, "POST /v1/stream-tickets", "{}", 400, "topics" },
            // A filter that means nothing is refused by its name, in a query and in a body.
            { Operator, "GET /v1/events/stream?topic=", null, 400, "\"topic\":" },
            { Operator, "GET /v1/events/stream?topic=a&topic=", null, 400, "\"topic\":" },
            { Operator, "GET /v1/events/stream?type=", null, 400, "\"type\":" },
            { Operator, "GET /v1/events?topic=", null, 400, "\"topic\":" },
            { Operator, "GET /v1/events?type=%00", null, 400, "\"type\":" },
            { Operator, "GET /v1/events/stream?type=a%0Ab", null, 400, "\"type\":" },
            { Operator, "GET /v1/events?key=a%00b", null, 400, "\"key\":" },
            { Operator, "GET /v1/events/stream?topic=a..b", null, 400, "\"topic\":" },
            { Operator, "GET /v1/events/stream?topic=$sys..b", null, 400, "\"topic\":" },
            { Operator, "POST /v1/events/stream", """{"topics":[null]}""", 400, "" },
            { Operator, "POST /v1/events/stream", """{"topics":["a"],"types":[null]}""", 400, "" },
            { Operator, "POST /v1/events/stream", """{"topics":["a"],"keys":[""]}""", 400, "" },
            { Operator, "POST /v1/events/stream", """{"topics":["a"],"types":["\u0000"]}""", 400, "" },
            { Operator, "POST /v1/events/stream", """{"topics":["\ud800"]}""", 400, "" },
            { Operator, "POST /v1/events/stream", """{"topics":{}}""", 400, "" },
            { Operator, "POST /v1/events/stream", "[]", 400, "" },
        };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_request_gets_the_answer_of_its_row(
        string caller,
        string request,
        string? body,
        int status,
        string says
    ) =>
        Assert.Contains(
            says,
            await shared.World.A.ExpectAsync(status, request, SecureSystem.CredentialOf(caller), body),
            StringComparison.Ordinal
        );

    private static string EventOf(string topic, string type = "n") =>
        $$"""{"topic":"{{topic}}","type":"{{type}}","data":1}""";
}
