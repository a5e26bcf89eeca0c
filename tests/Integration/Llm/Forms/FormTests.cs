namespace Integration.Llm.Forms;

/// <summary>
/// What a model's server sends means the same to a generation, to the clients of both vendors, streamed and whole, and
/// to an agent; and what nobody understands is a failure to all of them.
/// </summary>
public sealed class FormTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    public static TheoryData<Form> All =>
        [.. TextForms.OfText, .. TextForms.OfFailure, .. CallForms.OfCalls, .. AnthropicForms.OfAnthropic];

    [Theory]
    [MemberData(nameof(All), DisableDiscoveryEnumeration = true)]
    public async Task A_form_of_an_answer_is_shown_everywhere_as_what_it_means(Form form)
    {
        var prompt = Upstream.On(request =>
        {
            // The agent's second request, with the results of its tools.
            if (
                request.Body.GetRawText().Contains("\"tool_call_id\"", StringComparison.Ordinal)
                || request.Body.GetRawText().Contains("\"tool_result\"", StringComparison.Ordinal)
            )
                return request.SayAsync();
            request.Context.Response.ContentType = form.ContentType;
            return request.RawAsync(form.Body);
        });
        var (provider, model) = form.IsAnthropic ? ("anthropic", "claude-test") : ("local", "llama");
        var (stream, whole) = (
            LlmSystem.VendorQuestion(prompt, model),
            LlmSystem.VendorQuestion(prompt, model, stream: false)
        );

        var shown = await Task.WhenAll(
            Faces.GenerationAsync(A, prompt, provider),
            Faces.CompletionAsync(A, stream),
            Faces.WholeCompletionAsync(A, whole),
            Faces.MessageAsync(A, stream),
            Faces.WholeMessageAsync(A, whole),
            Faces.AgentAsync(A, prompt, provider)
        );

        var meant = Shown.Parse(form.Shown);
        // Anthropic has one word for a refusal and for a filter.
        var isRefusal = form.Name == "a refusal";
        var message = meant with
        {
            End = isRefusal ? "content_filter" : meant.End,
            Failure = Shown.Anthropics(meant.Failure),
        };
        var completion = meant with
        {
            Failure = meant.Failure == "rate_limited" ? "rate_limit_exceeded" : meant.Failure,
        };
        var agent = meant with { Reasoning = "", End = meant.End is null ? null : "end" };
        Assert.Equal([meant, completion, completion.Whole(), message, message.Whole(), agent], shown);
    }
}
