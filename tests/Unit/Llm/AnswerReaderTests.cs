using System.Text;
using Microsoft.Extensions.AI;
using static Unit.Llm.ProviderAnswers;

namespace Unit.Llm;

/// <summary>Answers that are read completely, or fail.</summary>
public sealed class AnswerReaderTests
{
    [Theory]
    [InlineData("Hello you", """{"content":"Hel"}""", """{"content":"lo "}""", """{"content":"you"}""")]
    [InlineData("Hello you", """{"content":"Hel"}""", """{"content":"Hello "}""", """{"content":"Hello you"}""")]
    [InlineData("Hello", """{"content":"Hello"}""", """{"content":"Hello"}""")]
    [InlineData("Ha!", """{"content":"Ha"}""", """{"content":"Ha"}""", """{"content":"Ha!"}""")]
    [InlineData("HaHa!", """{"content":"Ha"}""", """{"content":"Ha"}""", """{"content":"!"}""")]
    [InlineData("No.", """{"content":null,"refusal":"No"}""", """{"content":null,"refusal":"No."}""")]
    public async Task Messages_in_place_of_deltas_count_for_what_goes_beyond_the_text_so_far(
        string expected,
        params string[] messages
    )
    {
        string[] events = [.. messages.Select(m => $$"""{"choices":[{"message":{{m}}}]}"""), Stop];
        Assert.Equal((expected, "stop"), Said(await ReadAsync(events)));
        var whole = (await ReadAsync(events, isNative: true)).Whole.Message();
        Assert.Equal(expected, $"{whole["content"]}{whole["refusal"]}");
    }

    [Theory]
    [InlineData("""{"delta":{"reasoning_content":"hm"}}""", """{"message":{"content":"Hello"}}""", "hm")]
    [InlineData("""{"delta":{"content":"Hel"}}""", """{"message":{"content":"Hello"}}""", "")]
    [InlineData("""{"delta":{"content":"Hello "}}""", """{"message":{"content":"Hello"}}""", "")]
    [InlineData(
        """{"delta":{"role":"assistant"},"message":{"content":"Hel"}}""",
        """{"message":{"content":"lo"}}""",
        ""
    )]
    public async Task A_message_after_deltas_counts_for_what_is_new(string first, string second, string reasoning)
    {
        string[] events = [$$"""{"choices":[{{first}}]}""", $$"""{"choices":[{{second}}]}""", Stop];
        var read = await ReadAsync(events);
        Assert.Equal(("Hello", "stop"), (Said(read).Text.Trim(), Said(read).End));
        Assert.Equal(reasoning, Joined<TextReasoningContent>(read));
        var whole = (await ReadAsync(events, isNative: true)).Whole.Message();
        Assert.Equal(("Hello", reasoning), ($"{whole["content"]}".Trim(), $"{whole["reasoning_content"]}"));
    }

    [Fact]
    public async Task A_message_that_contradicts_the_text_so_far_is_a_failure() =>
        Assert.NotNull((await ReadAsync([Hel, """{"choices":[{"message":{"content":"Bye"}}]}""", Stop])).Failure);

    [Theory]
    [InlineData("""{"choices":[{"delta":{"content":"Hel"}}],"tables":[{"url":"x"}]}""", "tables")]
    [InlineData("""{"choices":[{"delta":{"content":"Hel"},"tables":[{"url":"x"}]}]}""", "tables")]
    [InlineData("""{"choices":[{"delta":{"content":[{"type":"text","text":"Hel","tables":["x"]}]}}]}""", "tables")]
    [InlineData("""{"content":"Hel","usage":{"prompt_tokens":1}}""", "content")]
    [InlineData("""{"choices":[{"delta":{"content":"Hel","images":{"url":"x"}}}]}""", "images")]
    public async Task A_member_that_nobody_reads_is_noted_wherever_it_is(string chunk, string name)
    {
        var read = await ReadAsync([chunk, Stop]);
        Assert.Contains($"'{name}'", read.Failure!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{"choices":[{"delta":{"content":"Hel"}}],"search_results":[SOURCE],"citations":["https://x.test/"]}"""
    )]
    [InlineData("""{"choices":[{"delta":{"content":"Hel"},"annotations":[SOURCE]}]}""")]
    [InlineData("""{"choices":[{"delta":{"content":[{"type":"text","text":"Hel","annotations":[SOURCE]}]}}]}""")]
    public async Task A_source_is_read_once_wherever_it_is(string chunk)
    {
        chunk = chunk.Replace("SOURCE", """{"url":"https://x.test/","title":"X"}""", StringComparison.Ordinal);
        var read = await ReadAsync([chunk, Stop]);
        Assert.Equal(("Hel", "stop"), Said(read));
        Assert.Equal("https://x.test/", Assert.Single(Sources(read)).Url!.OriginalString);
        var native = await ReadAsync([chunk, Stop], isNative: true);
        Assert.Contains("\"https://x.test/\"", native.Whole.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_beside_the_choices_is_content_of_the_answer()
    {
        const string Chunk =
            """{"choices":[{"delta":{"content":"Hel"}}],"images":[{"image_url":"https://x.test/a.png","height":9}]}""";
        var image = Assert.Single(Contents<UriContent>(await ReadAsync([Chunk, Chunk, Stop])));
        Assert.Equal("https://x.test/a.png", image.Uri.OriginalString);
    }

    [Fact]
    public async Task A_refusal_beside_a_text_is_read()
    {
        string[] events = ["""{"choices":[{"delta":{"content":"Hm.","refusal":" No."}}]}""", Stop];
        Assert.Equal(("Hm. No.", "stop"), Said(await ReadAsync(events)));
        var native = (await ReadAsync(events, isNative: true)).Whole.Message();
        Assert.Equal(("Hm.", " No."), ($"{native["content"]}", $"{native["refusal"]}"));
    }

    [Theory]
    [InlineData("m")]
    [InlineData("h")]
    public async Task Details_after_a_named_reasoning_count_unless_they_are_all_of_it(string text)
    {
        var details = $$$"""
            {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"{{{text}}}"}]}}]}
            """;
        var read = await ReadAsync(["""{"choices":[{"delta":{"reasoning":"h"}}]}""", details, Hel, Stop]);
        Assert.Equal(text == "m" ? "hm" : "h", Joined<TextReasoningContent>(read));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Content_of_the_first_event_is_content_of_the_answer(bool isNative)
    {
        const string First =
            """{"type":"message_start","message":{"id":"m1","content":[{"type":"text","text":"Hel"}]}}""";
        var read = await ReadAsync(
            [
                First,
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"lo"}}""",
                """{"type":"content_block_stop","index":0}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
            ],
            isOpenAi: false,
            isNative
        );
        Assert.Equal(("Hello", "stop"), Said(read));
        if (isNative)
            Assert.Equal(["Hel", "lo"], read.Whole["content"]!.AsArray().Select(block => $"{block!["text"]}"));
    }

    /// <summary>A client that runs the other call would do half of what the model wants, and one of Microsoft's would
    /// run this one without arguments.</summary>
    [Fact]
    public async Task A_call_whose_arguments_nobody_can_read_fails_the_answer()
    {
        const string Calls =
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},"""
            + """{"index":1,"id":"b","function":{"name":"g","arguments":"{\"x\":1,}"}}]}}]}""";
        var read = await ReadAsync([Calls, Stop]);
        Assert.Equal("The answer is incomplete: the arguments of g are no JSON object.", read.Failure?.Message);
        // A client of the same API has them as the model wrote them.
        Assert.Null((await ReadAsync([Calls, Stop], isNative: true)).Failure);
    }

    [Fact]
    public async Task A_call_that_each_message_repeats_is_one_call()
    {
        const string Call =
            """{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{\"x\":1}"}}]}}]}""";
        foreach (var isNative in (bool[])[false, true])
            Assert.Equal("f({\"x\":1})", Calls(await ReadAsync([Call, Call, Stop], isNative: isNative)));
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"lo"}}],"usage":null,"usage":{"prompt_tokens":5}}""")]
    [InlineData(
        """{"choices":[{"delta":{"content":"lo"},"logprobs":{"content":[{"logprob":NaN},{"logprob":-Infinity}]}}]}"""
    )]
    [InlineData("""{"choices":[{"delta":{"content":"xx","content":"lo"}}]}""")]
    public async Task A_chunk_that_only_strict_parsers_refuse_is_read(string chunk)
    {
        Assert.Equal(("Hello", "stop"), Said(await ReadAsync([Hel, chunk, Stop])));
        Assert.Equal("Hello", $"{(await ReadAsync([Hel, chunk, Stop], isNative: true)).Whole.Message()["content"]}");
    }

    [Fact]
    public async Task A_text_with_the_words_of_Python_for_numbers_stays()
    {
        const string Chunk = """{"choices":[{"delta":{"content":" \"NaN\" -Infinity"}}],"usage":null,"usage":NaN}""";
        Assert.Equal(("Hel \"NaN\" -Infinity", "stop"), Said(await ReadAsync([Hel, Chunk, Stop])));
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"lo"}""")]
    [InlineData("""[{"choices":""")]
    public async Task A_chunk_that_no_parser_reads_fails_the_answer_whatever_its_end_says(string chunk)
    {
        var read = await ReadAsync([Hel, chunk, Stop]);
        Assert.Contains("JSON", read.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(
            ("Hello", "stop"),
            Said(await ReadAsync([Hel.Replace("Hel", "Hello", StringComparison.Ordinal), "ping", Stop]))
        );

        // The same without the empty lines between the events.
        var lines = string.Concat(((string[])[Hel, chunk, Stop]).Select(line => $"data: {line}\n"));
        var merged = await ReadAsync([Encoding.UTF8.GetBytes(lines + "\n")]);
        Assert.Contains("JSON", merged.Failure!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"content":"Hel","video":{"url":"x"}}""", "video", true)]
    [InlineData("""{"video":{"url":"x"}}""", "video", true)]
    [InlineData("""{"audio":{"data":"AAAA"}}""", "audio", true)]
    [InlineData("""{"images":[{"type":"image_url","image_url":{"url":"nowhere"}}]}""", "image_url", true)]
    [InlineData("""{"annotations":[{"type":"riddle"}]}""", "riddle", true)]
    [InlineData("""{"content":[{"type":"text","text":"Hel"},{"type":"video","video":{}}]}""", "video", false)]
    public async Task What_is_not_read_and_shown_to_nobody_fails_the_answer_whatever_its_end_says(
        string delta,
        string name,
        bool isShownToItsOwnClient
    )
    {
        string[] events = [$$"""{"choices":[{"index":0,"delta":{{delta}}}]}""", Stop];
        Assert.Contains($"'{name}'", (await ReadAsync(events)).Failure!.Message, StringComparison.Ordinal);

        var native = await ReadAsync(events, isNative: true);
        Assert.Equal(isShownToItsOwnClient, native.Failure is null);
        if (isShownToItsOwnClient)
            Assert.Contains(name, native.Whole.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"content":"Hel","role":"assistant","refusal":null,"token_ids":[1],"index":0,"video":null}""")]
    [InlineData("""{"content":"Hel","new_count":7,"is_new":true}""")]
    [InlineData("""{"content":[{"type":"text","text":"Hel"},{"type":"reference","reference_ids":[1]}],"images":[]}""")]
    public async Task Members_that_nobody_misses_are_in_a_table(string delta)
    {
        string[] events = [$$"""{"service_tier":"x","choices":[{"index":0,"logprobs":{},"delta":{{delta}}}]}""", Stop];
        Assert.Equal(("Hel", "stop"), Said(await ReadAsync(events)));
    }

    [Theory]
    [InlineData("""{"content":"Hello"}""")]
    [InlineData("""{"message":{"content":"Hello"}}""")]
    [InlineData("""{"delta":{"content":"Hello"}}""")]
    [InlineData("""{"choices":["Hello"]}""")]
    public async Task An_event_of_another_api_is_not_passed_over(string data) =>
        Assert.NotNull((await ReadAsync([Hel, data, Stop])).Failure);

    [Theory]
    [InlineData("""{"images":[{"type":"image_url","image_url":{"url":"PIXEL"}}]}""")]
    [InlineData("""{"content":[{"type":"image_url","image_url":{"url":"PIXEL"}}]}""")]
    [InlineData("""{"content":[{"type":"image_url","image_url":"PIXEL"}]}""")]
    public async Task An_image_is_content_of_the_answer(string delta)
    {
        string[] EventsOf(string url) =>
            [$$"""{"choices":[{"index":0,"delta":{{delta.Replace("PIXEL", url, StringComparison.Ordinal)}}}]}""", Stop];
        var read = await ReadAsync(EventsOf(Pixel));
        Assert.Equal(Pixel, Assert.Single(Contents<DataContent>(read)).Uri);
        Assert.Equal("image/png", Contents<DataContent>(read)[0].MediaType);
        Assert.Equal(("", "stop"), Said(read));
        var address = Assert.Single(Contents<UriContent>(await ReadAsync(EventsOf("https://x.test/a.png"))));
        Assert.Equal("https://x.test/a.png", address.Uri.OriginalString);

        var native = await ReadAsync(EventsOf(Pixel), isNative: true);
        Assert.Contains(Pixel, native.Whole.Message()["images"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sources_are_annotations_of_the_text()
    {
        var read = await ReadAsync([
            Hel,
            """{"choices":[{"delta":{"content":"lo","annotations":[{"type":"url_citation","url_citation":"""
                + """{"url":"https://x.test/","title":"X","start_index":0,"end_index":3}}]}}]}""",
            """{"citations":["https://y.test/"],"choices":[{"delta":{}}]}""",
            """{"citations":["https://y.test/"],"choices":[{"delta":{}}]}""",
            Stop,
        ]);
        Assert.Equal(("Hello", "stop"), Said(read));
        var sources = Sources(read);
        Assert.Equal(["https://x.test/", "https://y.test/"], sources.Select(source => source.Url!.OriginalString));
        var region = (TextSpanAnnotatedRegion)Assert.Single(sources[0].AnnotatedRegions!);
        Assert.Equal(("X", 0, 3), (sources[0].Title, region.StartIndex, region.EndIndex));
    }

    [Theory]
    [InlineData("""{"type":"web_search_result_location","url":"https://x.test/","title":"X","cited_text":"q"}""")]
    [InlineData("""{"type":"char_location","document_index":0,"document_title":"X","cited_text":"q"}""")]
    public async Task A_citation_of_Anthropics_is_an_annotation(string citation)
    {
        var read = await ReadAsync(
            [
                Begin,
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hel"}}""",
                $$$"""
                {"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{{{citation}}}}}
                """,
                """{"type":"content_block_stop","index":0}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
            ],
            isOpenAi: false
        );
        Assert.Equal(("Hel", "stop"), Said(read));
        var source = Assert.Single(Sources(read));
        Assert.Equal(("X", "q"), (source.Title, source.Snippet));
    }

    [Fact]
    public async Task Details_of_the_reasoning_are_reasoning_unless_it_came_under_its_usual_name()
    {
        const string Details =
            """ "reasoning_details":[{"type":"reasoning.text","text":"h"},{"type":"reasoning.summary","summary":"m"},"""
            + """{"type":"reasoning.encrypted","data":"opaque"}]""";
        var alone = await ReadAsync([$$$"""{"choices":[{"delta":{ {{{Details}}} }}]}""", Hel, Stop]);
        Assert.Equal(("hm", ("Hel", "stop")), (Joined<TextReasoningContent>(alone), Said(alone)));
        Assert.Equal(
            """{"reasoning_details":[{"type":"reasoning.encrypted","data":"opaque"}]}""",
            Assert.Single(Contents<TextReasoningContent>(alone), one => one.ProtectedData is not null).ProtectedData
        );

        var named = await ReadAsync([$$$"""{"choices":[{"delta":{"reasoning":"hm",{{{Details}}} }}]}""", Hel, Stop]);
        Assert.Equal("hm", Joined<TextReasoningContent>(named));
    }

    [Theory]
    [InlineData("reasoning")]
    [InlineData("thinking")]
    public async Task A_part_of_reasoning_is_reasoning_and_not_text(string type)
    {
        var parts = $$"""[{"type":"{{type}}","text":"hm"},{"type":"text","text":"Hel"}]""";
        var read = await ReadAsync([$$$"""{"choices":[{"delta":{"content":{{{parts}}}}}]}""", Stop]);
        Assert.Equal(("hm", ("Hel", "stop")), (Joined<TextReasoningContent>(read), Said(read)));
    }
}
