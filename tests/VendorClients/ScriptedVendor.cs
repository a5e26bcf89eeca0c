using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace VendorClients;

/// <summary>A model server with OpenAI's Chat Completions API, whose answers follow from the request alone, and the
/// pages of a browser's client.</summary>
internal sealed class ScriptedVendor : IAsyncDisposable
{
    public const string Model = "scripted";

    private readonly WebApplication _app;

    private ScriptedVendor(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    /// <summary>Folder of the pages.</summary>
    public string? Folder { get; set; }

    public static async Task<ScriptedVendor> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var vendor = new ScriptedVendor(builder.Build());
        vendor._app.MapPost("/v1/chat/completions", AnswerAsync);
        vendor._app.MapGet("/{file}", vendor.PageOf);

        await vendor._app.StartAsync(cancellationToken);
        return vendor;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult PageOf(string file) =>
        Folder is { } folder && file is "index.html" or "page.js"
            ? TypedResults.PhysicalFile(
                Path.Combine(folder, file),
                file.EndsWith(".js", StringComparison.Ordinal) ? "text/javascript" : "text/html"
            )
            : TypedResults.NotFound();

    private static async Task AnswerAsync(HttpContext context)
    {
        using var request = await JsonDocument.ParseAsync(context.Request.Body);
        context.Response.ContentType = "text/event-stream";

        foreach (var delta in DeltasOf(request.RootElement))
            await SayAsync(context, ChunkOf(new JsonObject { ["index"] = 0, ["delta"] = delta }));

        var hasCalls = CallOf(request.RootElement) is not null;
        await SayAsync(
            context,
            ChunkOf(
                new JsonObject
                {
                    ["index"] = 0,
                    ["delta"] = new JsonObject(),
                    ["finish_reason"] = hasCalls ? "tool_calls" : "stop",
                }
            )
        );

        var usage = ChunkOf();
        usage["usage"] = new JsonObject
        {
            ["prompt_tokens"] = 7,
            ["completion_tokens"] = 5,
            ["total_tokens"] = 12,
        };
        await SayAsync(context, usage);
        await context.Response.WriteAsync("data: [DONE]\n\n");
    }

    /// <summary>Calls a tool that has no result yet, else repeats the result; gives an object for a schema; or
    /// reasons, and says hello.</summary>
    private static IEnumerable<JsonObject> DeltasOf(JsonElement request)
    {
        if (CallOf(request) is { } tool)
        {
            yield return CallDelta(new JsonObject { ["name"] = tool, ["arguments"] = "" }, id: "call_1");
            foreach (var piece in (string[])["{\"city\":", "\"Paris\"}"])
                yield return CallDelta(new JsonObject { ["arguments"] = piece }, id: null);
        }
        else if (ResultOf(request) is { } result)
            yield return new JsonObject { ["content"] = $"The tool says: {result}" };
        else if (request.TryGetProperty("response_format", out _))
            yield return new JsonObject { ["content"] = """{"city":"Paris","degrees":15}""" };
        else
        {
            yield return new JsonObject { ["reasoning_content"] = "I think." };
            foreach (var word in (string[])["Hello ", "from ", "the ", "script."])
                yield return new JsonObject { ["content"] = word };
        }
    }

    private static JsonObject CallDelta(JsonObject function, string? id)
    {
        var call = new JsonObject { ["index"] = 0, ["function"] = function };
        if (id is not null)
            (call["id"], call["type"]) = (id, "function");

        return new JsonObject { ["tool_calls"] = new JsonArray(call) };
    }

    /// <summary>Returns the name of the tool to call, or null.</summary>
    private static string? CallOf(JsonElement request) =>
        ResultOf(request) is null && request.TryGetProperty("tools", out var tools)
            ? tools[0].GetProperty("function").GetProperty("name").GetString()
            : null;

    private static string? ResultOf(JsonElement request)
    {
        var last = request.GetProperty("messages").EnumerateArray().Last();
        if (last.GetProperty("role").GetString() != "tool")
            return null;

        var content = last.GetProperty("content");
        return content.ValueKind == JsonValueKind.String ? content.GetString() : content.GetRawText();
    }

    private static JsonObject ChunkOf(params JsonNode?[] choices) =>
        new()
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion.chunk",
            ["created"] = 1,
            ["model"] = Model,
            ["choices"] = new JsonArray(choices),
        };

    private static Task SayAsync(HttpContext context, JsonObject chunk) =>
        context.Response.WriteAsync($"data: {chunk.ToJsonString()}\n\n");
}
