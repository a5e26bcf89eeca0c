using System.Buffers;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the parts of an answer that are neither text nor calls, in the forms of both vendors' APIs. A result is null
/// if the part has another form.
/// <code>
/// {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}
/// {"type":"url_citation","url_citation":{"url":"https://…","title":"…","start_index":0,"end_index":5}}
/// {"type":"web_search_result_location","url":"https://…","title":"…","cited_text":"…"}
/// </code>
/// </summary>
internal static class AnswerParts
{
    /// <summary>Members and parts that say nothing that a reader of the answer would miss.</summary>
    private static readonly HashSet<string> Harmless =
    [
        // What the answer is, and what it cost.
        .. "id index object type role name created model provider usage x_groq service_tier timings".Split(' '),
        .. "system_fingerprint prompt_filter_results obfuscation provider_specific_fields p".Split(' '),
        .. "request_id trace_id metadata metrics stats time_info estimated_cost nvext base_resp warnings".Split(' '),
        .. "content_filter content_filter_results content_filter_offsets safety_ratings moderation".Split(' '),
        .. "moderation_hit_type related_questions perf_metrics meta trace session_id response_id".Split(' '),
        .. "message_id event_id conversation_id created_at model_id model_version prompt note".Split(' '),
        // How the model came to it. The provider's own tools have given it their results.
        .. "logprobs token_ids prompt_token_ids stop_reason matched_stop phase prefix tool_call_id".Split(' '),
        .. "prompt_logprobs native_finish_reason kv_transfer_params caller cache_control signature".Split(' '),
        .. "executed_tools reference extra_content thinking_blocks hidden_states routed_experts sglext".Split(' '),
        .. "meta_info weight_version prompt_progress __verbose raw_output content_filter_result".Split(' '),
    ];

    /// <summary>Names in the events of an answer.</summary>
    private static readonly SearchValues<string> Names = SearchValues.Create(
        [
            .. Harmless
                .Concat("choices delta message content content_block error".Split(' '))
                .Select(name => $"\"{name}\""),
        ],
        StringComparison.Ordinal
    );

    /// <summary>Returns true for the text of an event, even if it is broken.</summary>
    public static bool AreNamedIn(string text) => text.AsSpan().ContainsAny(Names);

    /// <summary>Returns true if nobody misses a member: its name is known, or its value is blank.</summary>
    public static bool IsHarmless(string name, JsonElement value) => IsBlank(value) || Harmless.Contains(name);

    /// <summary>Returns true for a value that says nothing alone: an empty one, a number, a yes or a no.</summary>
    public static bool IsBlank(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.ValueEquals("") || value.ValueEquals("false"),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.Object => value.GetPropertyCount() == 0,
            _ => true,
        };

    public static AIContent? ImageOf(JsonElement? part)
    {
        var url = Text(Get(part, "image_url"), "url") ?? Text(part, "image_url") ?? Text(part, "url");
        if (url?.StartsWith("data:", StringComparison.OrdinalIgnoreCase) != true)
            return AddressOf(url) is { } address ? new UriContent(address, "image/*") : null;

        try
        {
            return new DataContent(url);
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Reads a source of the text, which has an address, a file's name, or a quotation at least.</summary>
    public static CitationAnnotation? CitationOf(JsonElement part)
    {
        var inner = Get(part, Text(part, "type") ?? "") ?? part;
        var citation = new CitationAnnotation
        {
            Url = AddressOf(Text(inner, "url") ?? Text(inner, "link") ?? Text(inner)),
            Title = Name(inner, "title") ?? Name(inner, "document_title") ?? Name(inner, "name"),
            FileId = Name(inner, "file_id") ?? Name(inner, "hash"),
            Snippet = Name(inner, "cited_text") ?? Name(inner, "content") ?? Name(inner, "quote"),
        };

        if (Number(inner, "start_index") is { } start and <= int.MaxValue)
            citation.AnnotatedRegions =
            [
                new TextSpanAnnotatedRegion { StartIndex = (int)start, EndIndex = (int?)Number(inner, "end_index") },
            ];
        return (citation.Url ?? citation.Title ?? citation.FileId ?? (object?)citation.Snippet) is null
            ? null
            : citation;
    }

    private static Uri? AddressOf(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address : null;
}
