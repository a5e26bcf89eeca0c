using System.Diagnostics;
using System.Text.Json;
using LlmGateway;
using LlmGateway.Agents;
using LlmGateway.Agents.Sessions;
using LlmGateway.Chat;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

public sealed class GatewayJsonTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly JsonSerializerOptions Bare = new(RunJson.Options) { TypeInfoResolver = GatewayJson.Types };

    /// <summary>A native application has no reflection, and nothing else would find a type that is missing.</summary>
    [Fact]
    public void The_gateway_writes_alike_without_reflection()
    {
        var call = ToolCalls.Parse("c1", "find", """{"of":"猫 <b>","n":1.50}""");
        var input = ToolCalls.InputOrText(call);

        Assert.Equal("""{"content":"猫"}""", Written(new ChatContent("猫")));
        Assert.Equal("""{"content":"a","buffer_size":2,"paused":false}""", Written(new PacedContent("a", 2, false)));

        Assert.Equal("""{"text":"a"}""", Written(new GenerationToken("a")));
        Assert.Equal(
            """{"id":"c1","tool":"find","input":{"of":"猫 <b>","n":1.50}}""",
            Written(new GenerationToolUse("c1", "find", input))
        );
        Assert.Equal("""{"state":"queued","reason":"busy"}""", Written(new DelayNotice("queued", "busy")));
        Assert.Equal(
            """{"finishReason":"stop","usage":{"inputTokens":1,"outputTokens":2}}""",
            Written(new GenerationDone("stop", new GenerationUsage(1, 2)))
        );
        Assert.Equal(
            """{"provider":"p","model":"m","createdAt":"2026-01-02T03:04:05+00:00"}""",
            Written(new GenerationStarted("p", "m", Time))
        );
        Assert.Equal(
            """{"id":"g","status":"done","text":"a","usage":null,"stream":"/s"}""",
            Written(new GenerationState("g", "done", "a", Stream: "/s"))
        );

        Assert.Equal("""{"type":"content","content":"a","data":"a"}""", Written(new AgentContent("content", "a", "a")));
        Assert.Equal(
            """{"type":"tool_use","id":"c1","tool":"find","input":"no JSON"}""",
            Written(new AgentToolUse("tool_use", "c1", "find", ToolCalls.InputOrText("no JSON")))
        );
        Assert.Equal(
            """{"type":"tool_result","id":"c1","tool":"find","output":{"error":"a"},"durationMs":1.5}""",
            Written(new AgentToolResult("tool_result", "c1", "find", new ToolError("a"), 1.5))
        );
        Assert.Equal("""{"type":"end"}""", Written(new AgentEnd("end")));

        var session = new SessionStarted("p", null, Owner: "ann");
        Assert.Equal("""{"session_id":"s"}""", Written(new SessionCreated("s")));
        Assert.Equal("""{"provider":"p","owner":"ann"}""", Written(session));
        Assert.Equal(
            """{"content":"a","tools":["find"],"announced":{"provider":"p","owner":"ann"}}""",
            Written(new StoredMessage("a", ["find"], session))
        );
        Assert.Equal(
            """{"session_id":"s","createdAt":"2026-01-02T03:04:05+00:00","turns":["""
                + """{"message":"a","askedAt":"2026-01-02T03:04:05+00:00","events":[]}]}""",
            Written(
                new SessionState(
                    "s",
                    null,
                    null,
                    Time,
                    [new SessionTurn(new StoredMessage("a", null, null), Time, null, [])]
                )
            )
        );

        Assert.Equal("""{"of":"猫 <b>","n":1.50}""", Written(call.Arguments!));
    }

    [Fact]
    public void A_span_has_the_messages_as_the_conventions_name_their_members()
    {
        using var span = new Activity("chat");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "猫 <b>"),
            new(ChatRole.Assistant, [ToolCalls.Parse("c1", "find", """{"Of":"猫"}""")]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", new { Name = "Tom" })]),
        ];
        MessageContent.AddInput(span, messages, "Be brief.");

        Assert.Equal("""[{"type":"text","content":"Be brief."}]""", span.GetTagItem("gen_ai.system_instructions"));
        Assert.Equal(
            """[{"role":"user","parts":[{"type":"text","content":"\u732B \u003Cb\u003E"}]},"""
                + """{"role":"assistant","parts":["""
                + """{"type":"tool_call","id":"c1","name":"find","arguments":{"Of":"\u732B"}}]},"""
                + """{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{"name":"Tom"}}]}]""",
            span.GetTagItem("gen_ai.input.messages")
        );
    }

    private static string Written<T>(T value)
    {
        var json = JsonSerializer.Serialize(value, Bare);

        Assert.Equal(RunJson.Write(value), json);
        return json;
    }
}
