using System.Net;

namespace Adopter.Callers;

/// <summary>A key without an end is looked at again while its stream is open.</summary>
public sealed class WithdrawnKeyTests
{
    private const string Stream = "/orders/7/events",
        Key = "id=machine";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_withdrawn_key_reads_until_its_stream_s_maximum_age_and_no_longer(bool takesOver)
    {
        await using var app = await CallersApp.StartAsync(configure: sse =>
        {
            sse.MaxAgeSeconds = 1;
            sse.TakeOverConnections = takesOver;
        });
        using var machine = app.WithKey(Key);
        await using var stream = await SseReader.OpenAsync(app.Server, Stream, client: machine);

        app.App.Services.GetRequiredService<ApiKeys>().Withdrawn[Key] = true;
        await stream.WaitForEndAsync();
        Assert.True(stream.EndedProperly);
        // The reconnection time: the client comes again at once, and is asked for its key again.
        Assert.Equal(2, stream.Frames.Count(frame => frame.Retry is not null));
        using var again = await machine.GetAsync(Stream, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }
}
