using LlmGateway.Chat;

namespace Unit.Llm;

/// <summary>The buffer between a provider and a reader that is slower.</summary>
public sealed class PacedBufferTests
{
    private readonly PacedBuffer _buffer = new();

    [Fact]
    public void A_buffer_of_a_hundred_pauses_the_provider_at_eighty_percent()
    {
        for (var n = 1; n < 80; n++)
        {
            Assert.True(Put().IsCompletedSuccessfully);
            Assert.False(_buffer.IsPaused);
        }

        Assert.False(Put().IsCompleted);
        Assert.True(_buffer.IsPaused);
        Assert.Equal((80, 100), (_buffer.Count, PacedBuffer.Capacity));
    }

    [Fact]
    public async Task A_paused_provider_goes_on_when_thirty_percent_are_left()
    {
        Task waiting = Task.CompletedTask;

        for (var n = 0; n < 80; n++)
            waiting = Put();

        while (_buffer.Count > 31)
            await _buffer.TakeAsync(TestContext.Current.CancellationToken);

        Assert.True(_buffer.IsPaused);
        Assert.False(waiting.IsCompleted);

        await _buffer.TakeAsync(TestContext.Current.CancellationToken);
        Assert.False(_buffer.IsPaused);
        await waiting;
    }

    private Task Put() => _buffer.PutAsync("token", TestContext.Current.CancellationToken);
}
