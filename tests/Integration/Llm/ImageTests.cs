using System.Net;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Images of a question, in each protocol: the provider gets the address that the client has sent.</summary>
public sealed class ImageTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Responses = "/v1/responses",
        Generations = "/v1/generations",
        Chat = "/api/chat",
        AgUi = "/agents/ag-ui";

    /// <summary>An address whose signature holds only for these bytes.</summary>
    private const string Signed = "https://cdn.test/my%20photo%C3%A9%22.png?sig=a%2Bb%2Fc%3D%26x%25&n=%41%7C%20z#f%20";

    public static TheoryData<string, string> Protocols =>
        new()
        {
            { Responses, "gpt-4o" },
            { Generations, "gpt-4o" },
            { Generations, "claude-x" },
            { Chat, "gpt-4o" },
            { AgUi, "gpt-4o" },
            { Messages, "gpt-4o" },
            { Completions, "claude-x" },
        };

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task The_provider_gets_the_address_of_an_image_as_it_was_sent(string path, string model)
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("a cat");
        });
        using var answer = await LlmSystem.PostAsync(A, path, Question(path, model, prompt, Signed));
        var text = await answer.TextAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        await Eventually.HoldsAsync(() => seen is not null, "the provider is asked");

        var image = seen!.Value.At("messages.0.content.1");
        Assert.Equal(Signed, image.Text(model == "claude-x" ? "source.url" : "image_url.url"));
        if (path == Responses)
        {
            var id = JsonElement.Parse(text).Text("id");
            var input = await SeedRequests.GetAsync(B.Url, $"{Responses}/{id}/input_items");
            Assert.Equal(Signed, input.Text("data.0.content.1.image_url"));
        }
    }

    /// <summary>A provider that resolved one would read its own files, or what is near it.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task An_address_that_is_neither_of_the_web_nor_the_image_itself_is_refused(string path, string model)
    {
        var member =
            path == Responses ? "image_url"
            : path == Chat ? "parts[1].url"
            : path == AgUi ? "source.value"
            : path == Messages ? "messages.0.content.1.source"
            : "image_url.url";
        var prompt = Upstream.Saying("a cat");
        foreach (
            var url in (string[])["file:///etc/passwd", "/etc/passwd", "javascript:alert(1)", "//x/y", "ftp://x/y"]
        )
        {
            using var answer = await LlmSystem.PostAsync(A, path, Question(path, model, prompt, url));
            Assert.Equal((url, HttpStatusCode.BadRequest), (url, answer.StatusCode));
            Assert.Contains(member, await answer.TextAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(0, Upstream.Attempts(prompt));
    }

    /// <summary>A question of a text and an image, in the form of a path.</summary>
    private static JsonElement Question(string path, string model, string prompt, string url)
    {
        var image = JsonSerializer.Serialize(url);
        var text = $$"""{"type":"text","text":"{{prompt}}"}""";
        return JsonElement.Parse(
            path switch
            {
                Responses => $$"""
                {"model":"{{model}}","input":[{"role":"user","content":[
                {"type":"input_text","text":"{{prompt}}"},{"type":"input_image","image_url":{{image}}}]}]}
                """,
                Chat => $$"""
                {"id":"{{prompt}}","model":"{{model}}","messages":[{"role":"user","parts":[
                {{text}},{"type":"file","mediaType":"image/png","url":{{image}}}]}]}
                """,

                AgUi => $$$"""
                {"threadId":"t","runId":"{{{prompt}}}","forwardedProps":{"model":"{{{model}}}"},"messages":[
                {"role":"user","content":[{{{text}}},{"type":"image","source":{"type":"url","value":{{{image}}}}}]}]}
                """,
                Messages => $$$"""
                {"model":"{{{model}}}","max_tokens":9,"messages":[{"role":"user","content":[
                {{{text}}},{"type":"image","source":{"type":"url","url":{{{image}}}}}]}]}
                """,
                _ => $$$"""
                {"model":"{{{model}}}","messages":[{"role":"user","content":[
                {{{text}}},{"type":"image_url","image_url":{"url":{{{image}}}}}]}]}
                """,
            }
        );
    }
}
