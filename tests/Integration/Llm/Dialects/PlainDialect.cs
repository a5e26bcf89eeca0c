using System.Globalization;
using System.Text.Json.Nodes;
using Integration.Llm.Dialects;
using LlmGateway.Dialects;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

[assembly: HostingStartup(typeof(PlainDialect))]

namespace Integration.Llm.Dialects;

/// <summary>
/// The smallest dialect there is: each frame has its number and a text. <c>POST /plain</c> asks,
/// <c>GET /plain/{id}?skip=</c> reads on, and <c>GET /plain/{id}/state</c> is the answer so far.
/// </summary>
internal sealed class PlainDialect : IHostingStartup, IStartupFilter
{
    public static Dictionary<string, string> Settings =>
        new() { ["ASPNETCORE_HOSTINGSTARTUPASSEMBLIES"] = typeof(PlainDialect).Assembly.GetName().Name! };

    public void Configure(IWebHostBuilder builder) =>
        builder.ConfigureServices(services => services.AddSingleton<IStartupFilter>(this));

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
        app =>
        {
            app.Map("/plain", plain => plain.Run(AnswerAsync));
            next(app);
        };

    private static Task AnswerAsync(HttpContext context)
    {
        var handler = context.RequestServices.GetRequiredService<VendorHandler>();
        return handler.AnswerAsync(
            context,
            PlainResponse.Format,
            () => context.Request.Method == "POST" ? AskAsync(context, handler) : ShowAsync(context, handler)
        );
    }

    private static async Task AskAsync(HttpContext context, VendorHandler handler)
    {
        var services = context.RequestServices;
        var body = await ChatBody.ReadAsync(context, 1_000_000);
        var call = ChatCall
            .Read(body, services.GetRequiredService<ChatProviders>())
            .From(services.GetRequiredService<IStreamAccess>().ClientOf(context));

        await handler.StreamAsync(
            context,
            async () =>
                new PlainResponse(
                    await services
                        .GetRequiredService<Generator>()
                        .StartAsync(
                            call,
                            new RunPrompt("plain", [.. call.Messages]),
                            Guid.NewGuid().ToString("N"),
                            owner: null,
                            context.RequestAborted
                        )
                ),
            isNew: true
        );
    }

    private static async Task ShowAsync(HttpContext context, VendorHandler handler)
    {
        var path = context.Request.Path.Value!.Split('/');
        var run = await context
            .RequestServices.GetRequiredService<RunUpdates>()
            .FindAsync(GenerationName.Of(path[1])!.Value, context.RequestAborted);

        if (path.Length > 2)
        {
            var state = await handler.JoinSoFarAsync(context, new PlainResponse(run!));
            await context.Response.WriteAsync(state.ToJsonString());
            return;
        }

        await handler.StreamAsync(
            context,
            () => Task.FromResult<AnswerWriter>(new PlainResponse(run!)),
            long.Parse(context.Request.Query["skip"].ToString(), CultureInfo.InvariantCulture)
        );
    }
}

/// <summary>Makes one frame of each text, one of the beginning with the run's id, and one of the end.</summary>
internal sealed class PlainResponse(RunHead run) : AnswerWriter(Format, run)
{
    private string _whole = "";
    private int _next;

    public static VendorFormat Format { get; } =
        new(
            "Plain",
            "https://example.com",
            error => new JsonObject { ["failed"] = error.Status, ["code"] = error.Code }
        )
        {
            RequestIdHeader = "x-plain-id",
            Heartbeat = ": wait\n\n"u8.ToArray(),
        };

    public override JsonObject ToJson() => new() { ["all"] = _whole };

    protected override long Join(JsonObject frame)
    {
        var text = (string)frame["text"]!;
        _whole += text;
        return text.Length;
    }

    protected override void WriteStart() => Write(Run.Name.Id);

    protected override void WriteText(TextKind kind, string text) => Write(text);

    protected override void WriteCall(FunctionCallContent call) { }

    protected override void WriteEnd() => Write($"({Finish})");

    protected override void WriteFailure(VendorError error) => Write($"({error.Status} {error.Code})");

    private void Write(string text) => Write(new JsonObject { ["n"] = _next++, ["text"] = text });
}
