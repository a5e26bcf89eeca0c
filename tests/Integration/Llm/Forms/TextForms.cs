using static Integration.Llm.Forms.ServerEvents;

namespace Integration.Llm.Forms;

/// <summary>Texts and failures of servers with the API of OpenAI.</summary>
internal static class TextForms
{
    /// <summary>Texts and ends of servers with OpenAI's API.</summary>
    public static IEnumerable<Form> OfText =>
        [
            new("OpenAI", Chunk("Hel") + Chunk("lo") + Finish("stop") + Done, "Hello||stop"),
            new("no [DONE]", Chunk("Hello") + Finish("stop"), "Hello||stop"),
            new(
                "the text of the former API",
                Data("""{"choices":[{"index":0,"text":"Hello","finish_reason":null}]}""") + Finish("stop"),
                "Hello||stop"
            ),
            new("a line of a gateway", Chunk("Hel") + Data("ping") + Chunk("lo") + Finish("stop"), "Hello||stop"),
            new(
                "chunks in one list",
                Data(
                    """
                    [{"choices":[{"index":0,"delta":{"content":"Hel"}}]},{"choices":[{"delta":{"content":"lo"}}]}]
                    """
                )
                    + Finish("stop")
                    + Done,
                "Hello||stop"
            ),
            new("no reason, but [DONE]", Chunk("Hello") + Done, "Hello||stop"),
            new("empty reasons", Chunk("Hel", "\"\"") + Chunk("lo", "\"\"") + Done, "Hello||stop"),
            new(
                "an empty reason after the last one",
                Chunk("Hello", "\"length\"") + Chunk("", "\"\"") + Done,
                "Hello||length"
            ),
            new("the word null", Chunk("Hel", "\"null\"") + Chunk("lo", "\"stop\"") + Done, "Hello||stop"),
            new("capitals", Chunk("Hello") + Finish("STOP") + Done, "Hello||stop"),
            new("another vendor's word", Chunk("Hello") + Finish("max_tokens") + Done, "Hello||length"),
            new(
                "parts",
                Delta("""{"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}""") + Finish("stop"),
                "Hello||stop"
            ),
            new("one part", Delta("""{"content":{"type":"text","text":"Hello"}}""") + Finish("stop"), "Hello||stop"),
            new(
                "Mistral's reasoning and references",
                Delta("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}""")
                    + Delta("""{"content":[{"type":"text","text":"Hello"},{"type":"reference","reference_ids":[1]}]}""")
                    + Finish("stop"),
                "<hm>Hello||stop"
            ),
            new(
                "DeepSeek's reasoning",
                Delta("""{"reasoning_content":"hm","content":null}""") + Chunk("Hello") + Finish("stop"),
                "<hm>Hello||stop"
            ),
            new(
                "OpenRouter's reasoning and comments",
                ": PROCESSING\n\n" + Delta("""{"reasoning":"hm","content":""}""") + Chunk("Hello") + Finish("stop"),
                "<hm>Hello||stop"
            ),
            new(
                "Ollama's reasoning",
                Delta("""{"thinking":"hm","content":""}""") + Chunk("Hello") + Finish("stop"),
                "<hm>Hello||stop"
            ),
            new(
                "both names of the reasoning",
                Delta("""{"reasoning":"hm","reasoning_content":"hm"}""") + Chunk("Hello") + Finish("stop"),
                "<hm>Hello||stop"
            ),
            new(
                "Azure's first event",
                Data("""{"choices":[],"prompt_filter_results":[]}""") + Chunk("Hello") + Finish("stop"),
                "Hello||stop"
            ),
            new(
                "another answer beside ours",
                Data("""{"choices":[{"index":1,"delta":{"content":"Bye"}},{"index":0,"delta":{"content":"Hel"}}]}""")
                    + Data("""{"choices":[{"index":1,"delta":{"content":"!"},"finish_reason":"length"}]}""")
                    + Chunk("lo")
                    + Finish("stop"),
                "Hello||stop"
            ),
            new("a refusal", Delta("""{"refusal":"No."}""") + Finish("stop"), "No.||stop"),
            new("a whole answer", Completion("\"Hello\"", "stop"), "Hello||stop", ContentType: Form.Whole),
            new(
                "a whole answer in lines",
                "\n " + Completion("\"Hello\"", "stop").Replace(",", ",\r\n\r\n  "),
                "Hello||stop",
                ContentType: Form.Whole
            ),
            new(
                "a whole answer without a type",
                "\ufeff" + Completion("\"Hello\"", "stop"),
                "Hello||stop",
                ContentType: "text/plain"
            ),
            new("a whole answer in an event", Data(Completion("\"Hello\"", "stop")) + Done, "Hello||stop"),
            new(
                "a whole answer of parts",
                Completion("""[{"type":"text","text":"Hello"}]""", "length"),
                "Hello||length",
                ContentType: Form.Whole
            ),
            new(
                "a whole answer beside an empty delta",
                Data("""{"choices":[{"delta":{},"message":{"content":"Hello"},"finish_reason":"stop"}]}""") + Done,
                "Hello||stop"
            ),
            new(
                "a stream with another type",
                Chunk("Hello") + Finish("stop") + Done,
                "Hello||stop",
                ContentType: Form.Whole
            ),
        ];

    /// <summary>Failures of servers with OpenAI's API: each has begun its answer with 200.</summary>
    public static IEnumerable<Form> OfFailure =>
        [
            new("an end without a reason", Chunk("half"), "half||upstream"),
            new("empty reasons and no [DONE]", Chunk("half", "\"\""), "half||upstream"),
            new("only [DONE]", Done, "||upstream"),
            new("nothing", "", "||upstream"),
            new("a page", "<html><body>Sign in</body></html>", "||upstream", ContentType: "text/html"),
            new("an unknown reason", Chunk("half") + Finish("exploded") + Done, "half||upstream"),
            new("the reason of a failure", Chunk("half") + Finish("error") + Done, "half||upstream"),
            new("a reason that is no text", Chunk("half") + Delta("{}", "7") + Done, "half||upstream"),
            new("an object", Chunk("half") + Data("""{"error":{"message":"bad"}}""") + Done, "half||upstream"),
            new("a text", Chunk("half") + Data("""{"error":"out of memory"}""") + Done, "half||upstream"),
            new("a text as the first event", Data("""{"error":"out of memory"}""") + Done, "||upstream"),
            new(
                "an object without its name",
                Chunk("half") + Data("""{"object":"error","message":"bad","code":50001}""") + Done,
                "half||upstream"
            ),
            new(
                "a type without its name",
                Chunk("half") + Data("""{"type":"error","message":"bad"}""") + Done,
                "half||upstream"
            ),
            new(
                "a message alone",
                Chunk("half") + Data("""{"code":429,"message":"bad","request_id":"r"}""") + Done,
                "half||rate_limited"
            ),
            new(
                "a message and a word",
                Chunk("half") + Data("""{"status":"error","message":"bad"}""") + Done,
                "half||upstream"
            ),
            new("a line of text", Chunk("half") + Data("out of memory") + Done, "half||upstream"),
            new("half an event", Chunk("half") + Data("{\"choices\":[{\"delta\":") + Done, "half||upstream"),
            new(
                "an object after the end",
                Chunk("half") + Finish("stop") + Data("""{"error":{"message":"bad"}}""") + Done,
                "half||upstream"
            ),
            new(
                "a choice's own",
                Chunk("half")
                    + Data("""{"choices":[{"index":0,"error":{"code":502,"message":"bad"},"delta":{}}]}""")
                    + Finish("stop")
                    + Done,
                "half||upstream"
            ),
            new(
                "a line without a field",
                Chunk("half") + """{"error":{"message":"bad"}}""" + "\n\n" + Finish("stop") + Done,
                "half||upstream"
            ),
            new("a page", Chunk("half") + "<html>bad</html>\n\n" + Done, "half||upstream"),
            new(
                "a named event without data",
                Chunk("half") + "event: error\n\n" + Finish("stop") + Done,
                "half||upstream"
            ),
            new(
                "a chunk in lines that are broken",
                Chunk("half")
                    + "data: {\ndata: \"choices\":[{\"index\":0,\"delta\":\ndata: {\"content\":\"!\"}\ndata: }]\n\n"
                    + Finish("stop")
                    + Done,
                "half||upstream"
            ),
            new("a yes", Chunk("half") + Data("""{"error":true,"message":"bad"}""") + Done, "half||upstream"),
            new(
                "a delta that is no object",
                Data("""{"choices":[{"index":0,"delta":"half","finish_reason":null}]}""") + Finish("stop") + Done,
                "||upstream"
            ),
            new(
                "choices that are no list",
                Data("""{"choices":{"0":{"delta":{"content":"half"}}}}""") + Finish("stop") + Done,
                "||upstream"
            ),
            new("a detail", Chunk("half") + Data("""{"detail":"bad"}""") + Done, "half||upstream"),
            new("details", Chunk("half") + Data("""{"detail":[{"msg":"bad"}]}""") + Done, "half||upstream"),
            new(
                "a list beside the choices",
                Chunk("half") + Data("""{"choices":[],"errors":[{"code":7009,"message":"bad"}]}""") + Done,
                "half||upstream"
            ),
            new(
                "a list that knows its status",
                Chunk("half") + Data("""{"choices":[],"errors":[{"code":429,"message":"bad"}]}""") + Done,
                "half||rate_limited"
            ),
            new(
                "only another answer",
                Data("""{"choices":[{"index":1,"delta":{"content":"Bye"},"finish_reason":"stop"}]}"""),
                "||upstream"
            ),
            new("an unknown object", Chunk("half") + Data("""{"status":"failed"}""") + Done, "half||upstream"),
            new(
                "a named event",
                Chunk("half") + "event: error\n" + Data("""{"message":"bad"}""") + Done,
                "half||upstream"
            ),
            new(
                "a named event of text",
                Chunk("half") + "event: error\n" + Data("out of memory") + Done,
                "half||upstream"
            ),
            new(
                "a list",
                Chunk("half") + Data("""[{"error":{"code":503,"message":"bad","status":"UNAVAILABLE"}}]"""),
                "half||overloaded"
            ),
            new("a number", Chunk("half") + Data("""{"error":{"code":429,"message":"bad"}}"""), "half||rate_limited"),
            new(
                "a number as text",
                Chunk("half") + Data("""{"error":{"code":"429","message":"bad"}}"""),
                "half||rate_limited"
            ),
            new(
                "a number beside the text",
                Chunk("half") + Data("""{"error":"slow down","status":429}"""),
                "half||rate_limited"
            ),
            new(
                "a word of a library",
                Chunk("half") + Data("""{"object":"error","type":"RateLimitError","message":"bad"}"""),
                "half||rate_limited"
            ),
            new(
                "OpenRouter's",
                Chunk("half")
                    + Data(
                        """{"error":{"code":502,"message":"bad"},"choices":[{"delta":{},"finish_reason":"error"}]}"""
                    ),
                "half||upstream"
            ),
            new(
                "a body",
                """{"error":{"message":"bad","code":"context_length_exceeded","type":"invalid_request_error"}}""",
                "||context_length_exceeded",
                ContentType: Form.Whole
            ),
            new(
                "a code",
                Chunk("half") + Data("""{"error":{"message":"bad","code":"context_length_exceeded"}}"""),
                "half||context_length_exceeded"
            ),
            new(
                "llama.cpp's word",
                Chunk("half") + Data("""{"error":{"code":400,"message":"bad","type":"exceed_context_size_error"}}"""),
                "half||context_length_exceeded"
            ),
            new(
                "an unknown part alone",
                Delta("""{"content":[{"type":"image_url","image_url":{"url":"x"}}]}""") + Done,
                "||upstream"
            ),
            new(
                "nulls that are none",
                Data("""{"error":null,"errors":[],"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}""")
                    + Done,
                "Hello||stop"
            ),
        ];
}
