using System.ClientModel;
using System.Text.RegularExpressions;
using Harness;
using Integration.Delivery;
using Microsoft.Extensions.AI;
using OpenAI.Responses;

#pragma warning disable OPENAI001 // Responses is for evaluation only, says the vendor

namespace Integration.Llm.Forms;

/// <summary>
/// The forms of answers as the vendors' own packages read them, which an application has registered as keyed clients. A
/// package decides what it understands: what it hands over is shown as it is, and what it ends without a reason has
/// failed.
/// </summary>
public sealed partial class KeyedFormTests(KeyedFormTests.KeyedSystem system)
    : IClassFixture<KeyedFormTests.KeyedSystem>
{
    /// <summary>The forms that the packages show in another way than the gateway's own readers.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        // A reason that OpenAI's package does not know is an exception; [DONE] it keeps to itself.
        ["OpenAI: empty reasons"] = "||upstream",
        ["OpenAI: an empty reason after the last one"] = "Hello||upstream",
        ["OpenAI: the word null"] = "||upstream",
        ["OpenAI: another vendor's word"] = "Hello||upstream",
        ["OpenAI: empty reasons and no [DONE]"] = "||upstream",
        ["OpenAI: no reason, but [DONE]"] = "Hello||upstream",
        ["OpenAI: one, and [DONE] only"] = "Well.||upstream",
        // It drops parts that it does not know, or fails at them.
        ["OpenAI: one part"] = "||stop",
        ["OpenAI: Mistral's reasoning and references"] = "||upstream",
        ["OpenAI: OpenRouter's reasoning and comments"] = "Hello||stop",
        ["OpenAI: Ollama's reasoning"] = "Hello||stop",
        ["OpenAI: the text of the former API"] = "||stop",
        ["OpenAI: a line of a gateway"] = "Hel||upstream",
        ["OpenAI: a refusal"] = "||stop",
        // It mixes the choices.
        ["OpenAI: another answer beside ours"] = "Bye!lo||length",
        ["OpenAI: only another answer"] = "Bye||stop",
        ["OpenAI: chunks in one list"] = "||upstream",
        // It skips what has no field, and a choice's error.
        ["OpenAI: a line without a field"] = "half||stop",
        ["OpenAI: a named event without data"] = "half||stop",
        ["OpenAI: a choice's own"] = "half||stop",
        // It wants a stream.
        ["OpenAI: a whole answer"] = "||upstream",
        ["OpenAI: a whole answer in lines"] = "||upstream",
        ["OpenAI: a whole answer without a type"] = "||upstream",
        ["OpenAI: a whole answer in an event"] = "||stop",
        ["OpenAI: a whole answer beside an empty delta"] = "||stop",
        ["OpenAI: a whole answer of parts"] = "||upstream",
        ["OpenAI: a whole answer of calls"] = "||upstream",
        // It skips errors, so that their kind is lost.
        ["OpenAI: a list that knows its status"] = "half||upstream",
        ["OpenAI: a list"] = "half||upstream",
        ["OpenAI: a number"] = "half||upstream",
        ["OpenAI: a number as text"] = "half||upstream",
        ["OpenAI: a number beside the text"] = "half||upstream",
        ["OpenAI: a word of a library"] = "half||upstream",
        ["OpenAI: a body"] = "||upstream",
        ["OpenAI: a code"] = "half||upstream",
        ["OpenAI: a message alone"] = "half||upstream",
        ["OpenAI: an object after the end"] = "half||stop",
        ["OpenAI: llama.cpp's word"] = "half||upstream",
        // It joins calls by their number alone, and what is no JSON then fails the answer.
        ["OpenAI: two, all numbered 0"] = "||upstream",
        ["OpenAI: two, all numbered 0, in pieces"] = "||upstream",
        ["OpenAI: two, interlaced, all numbered 0 with ids"] = "||upstream",
        ["OpenAI: two, no numbers"] = "||upstream",
        ["OpenAI: two in one delta, no numbers"] = "||upstream",
        ["OpenAI: two, empty ids, all numbered 0"] = "||upstream",
        ["OpenAI: the whole call again at the end"] = "||upstream",
        ["OpenAI: the whole call again at the end, written otherwise"] = "||upstream",
        ["OpenAI: two, the same id, no numbers"] = "||upstream",
        ["OpenAI: two, no numbers and no ids"] = "||upstream",
        ["OpenAI: arguments as an object"] = "||upstream",
        ["OpenAI: flat"] = "||upstream",

        // Anthropic's package reads an input from deltas alone.
        ["Anthropic: no reason"] = "Hello||upstream",
        ["Anthropic: an input in the first event"] = "||upstream",
        ["Anthropic: overloaded"] = "half||upstream",
        ["Anthropic: overloaded, without a name"] = "half||upstream",
        ["Anthropic: a whole answer"] = "||upstream",
        ["Anthropic: a whole answer of text"] = "||upstream",
        // It has contents for the searches, which the text tells of.
        ["Anthropic: a search of its own"] = Told("call") + Told("result") + "Hello||stop",
        ["Anthropic: a call after a search of its own"] = $"{Told("call")}|{ServerEvents.Sum(1)}|tool_calls",
    };

    private RunningService Replica => system.System.Replicas[0];

    [Theory]
    [MemberData(nameof(FormTests.All), MemberType = typeof(FormTests), DisableDiscoveryEnumeration = true)]
    public async Task A_form_is_shown_as_the_vendors_package_reads_it(Form form)
    {
        var asked = system.Upstream.On(request =>
        {
            request.Context.Response.ContentType = form.ContentType;
            return request.RawAsync(form.IsAnthropic ? Typed().Replace(form.Body, "event: $1\n$0") : form.Body);
        });
        var url = system.Upstream.Url;
        using var client = form.IsAnthropic
            ? VendorClients.ForAnthropic(url).AsIChatClient("m")
            : VendorClients.ForOpenAi(url).AsIChatClient();

        var shown = await GenerateAsync(client, asked);

        Assert.Equal(Shown.Parse(Others.GetValueOrDefault(form.ToString(), form.Shown)), shown);
    }

    private static string Told(string part) =>
        $"\n\n[A part of the answer (web search tool {part}) that this API cannot show.]\n\n";

    [Fact]
    public void Each_exception_is_one_of_a_form() =>
        Assert.Empty(Others.Keys.Except(FormTests.All.Select(row => $"{row.Data}")));

    [Theory]
    [InlineData(3, "length")]
    [InlineData(null, "stop")]
    public async Task An_answer_of_the_package_for_Responses_says_why_it_ended(int? maxTokens, string end)
    {
        using var client = new ResponsesClient(
            new ApiKeyCredential("sk-client"),
            new ResponsesClientOptions { Endpoint = new Uri(Replica.Url, "/v1") }
        ).AsIChatClient("demo");

        var shown = await GenerateAsync(client, "Where?", maxTokens);

        Assert.NotEmpty(shown.Text);
        Assert.Equal((end, null), (shown.End, shown.Failure));
    }

    private Task<Shown> GenerateAsync(IChatClient client, string asked, int? maxTokens = null)
    {
        var prompt = KeyedModels.On(
            (_, _, stop) =>
                client.GetStreamingResponseAsync(asked, new ChatOptions { MaxOutputTokens = maxTokens }, stop)
        );
        return Faces.GenerationAsync(Replica, prompt, KeyedModels.Provider);
    }

    /// <summary>An event of Anthropic's, which has its type also as a name.</summary>
    [GeneratedRegex("""^data: {"type":"(\w+)".*$""", RegexOptions.Multiline)]
    private static partial Regex Typed();

    public sealed class KeyedSystem : SharedWorld
    {
        internal FakeUpstream Upstream { get; private set; } = null!;

        protected override Dictionary<string, string> Settings => KeyedModels.Settings;

        public override async ValueTask InitializeAsync()
        {
            Upstream = await FakeUpstream.StartAsync();
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await Upstream.DisposeAsync();
        }
    }
}
