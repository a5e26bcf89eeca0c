namespace Integration.Llm;

/// <summary>The vendors' JavaScript clients; the .NET ones are in <see cref="VendorApiTests"/>.</summary>
public sealed class SdkTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    [Fact]
    public Task The_vendors_javascript_clients_work_by_their_base_address_alone() =>
        SdkScripts.RunAsync("sdks.mjs", SdkScripts.Address(A));

    [Fact]
    public async Task The_vendors_javascript_clients_get_their_own_vendors_answers_whole()
    {
        string? beta = null;

        var thinking = Upstream.On(async request =>
        {
            beta = request.Context.Request.Headers["anthropic-beta"];

            await request.EventsAsync(
                """{"type":"message_start","message":{"id":"m","model":"fake","usage":{"input_tokens":7}}}""",
                """{"type":"content_block_start","index":0,"content_block":"""
                    + """{"type":"thinking","thinking":"","signature":""}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let"}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" me"}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}""",
                """{"type":"content_block_stop","index":0}""",
                """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}""",
                """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"It is"}}""",
                """{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":"""
                    + """{"type":"char_location","cited_text":"こ"}}}""",
                """{"type":"content_block_stop","index":1}""",
                """{"type":"content_block_start","index":2,"content_block":"""
                    + """{"type":"tool_use","id":"t1","name":"look","input":{}}}""",
                """{"type":"content_block_delta","index":2,"delta":"""
                    + """{"type":"input_json_delta","partial_json":"{\"a\":"}}""",
                """{"type":"content_block_delta","index":2,"delta":"""
                    + """{"type":"input_json_delta","partial_json":" [1]}"}}""",
                """{"type":"content_block_stop","index":2}""",
                """{"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null},"""
                    + """ "usage":{"output_tokens":9,"cache_read_input_tokens":100}}""",
                """{"type":"message_stop"}"""
            );
        });

        var reasoning = Upstream.On(request =>
            request.EventsAsync(
                """{"id":"c","model":"fake","choices":[{"index":0,"delta":"""
                    + """{"role":"assistant","content":"","reasoning_content":"Let"}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":" me"}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{"content":"It"},"""
                    + """ "logprobs":{"content":[{"token":"It"}]}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{"content":" is"},"""
                    + """ "logprobs":{"content":[{"token":" is"}]}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"id":"t1","type":"function","""
                    + """ "function":{"name":"look","arguments":"{}"}}]}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
                "[DONE]"
            )
        );

        await SdkScripts.RunAsync("native.mjs", SdkScripts.Address(A), thinking, reasoning);
        Assert.Equal("one,two", beta);
    }

    [Fact]
    public async Task The_vendors_JavaScript_clients_survive_a_silent_model_behind_a_proxy_timeout()
    {
        await using var own = await World.Start(o =>
            o.Broadcasters(0)
                .Set(LlmSystem.Settings(Upstream))
                .Set("AspireSse:Llm:PingSeconds", 1)
                .Set("AspireSse:Llm:HeadMilliseconds", 250)
        );
        var answered = Thinking(request => request.SayAsync("thought"));
        var refused = Thinking(request => request.RefuseAsync(400, "thought better of it"));

        await SdkScripts.RunAsync("thinking.mjs", SdkScripts.Address(own.Replicas[0]), answered, refused);

        string Thinking(Func<UpstreamRequest, Task> answer) =>
            Upstream.On(async request =>
            {
                await Task.Delay(TimeSpan.FromSeconds(9), request.Gone);
                await answer(request);
            });
    }
}
