using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Requests;

namespace Unit.Streaming;

public sealed class HeldJsonTests
{
    private static readonly ServiceProvider Services = new ServiceCollection()
        .AddOptions()
        .AddSingleton(TimeProvider.System)
        .AddSingleton<IStreamAccess, Anyone>()
        .AddBudget()
        .BuildServiceProvider();

    /// <summary>Arrays of more than 85 kB make .NET collect the whole heap, while all others wait.</summary>
    [Fact]
    public async Task Large_answers_use_the_same_memory_again()
    {
        var value = Enumerable.Repeat(new string('x', 1_000), 500).ToList();
        await SendAsync(value, Stream.Null);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            await SendAsync(value, Stream.Null);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
    }

    [Fact]
    public async Task An_answer_is_sent_whole_with_its_length()
    {
        using var body = new MemoryStream();
        var response = await SendAsync(new { Text = "\u00e4 < \u20ac" }, body);
        Assert.Equal("application/json; charset=utf-8", response.ContentType);
        Assert.Equal(body.Length, response.ContentLength);
        Assert.Equal("{\"text\":\"\u00e4 < \u20ac\"}", Encoding.UTF8.GetString(body.ToArray()));
    }

    private static async Task<HttpResponse> SendAsync<T>(T value, Stream body)
    {
        var context = new DefaultHttpContext { RequestServices = Services };
        context.Response.Body = body;
        await HeldJson.Ok(context, value).ExecuteAsync(context);
        return context.Response;
    }
}
