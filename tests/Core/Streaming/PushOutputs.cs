using Streaming.Connections;

namespace Core.Streaming;

/// <summary>A client that takes nothing.</summary>
internal sealed class LostOutput(Exception error) : PushOutput
{
    public bool IsAborted { get; private set; }

    public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => throw error;

    public override void Abort() => IsAborted = true;
}

/// <summary>A client that takes nothing, and is still there.</summary>
internal sealed class StuckOutput : PushOutput
{
    public bool IsAborted { get; private set; }

    public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        Task.Delay(Timeout.Infinite, cancellationToken);

    public override void Abort() => IsAborted = true;
}

/// <summary>A client that takes a frame every twenty milliseconds.</summary>
internal sealed class SlowOutput : PushOutput
{
    public bool IsAborted { get; private set; }

    public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        Task.Delay(20, cancellationToken);

    public override void Abort() => IsAborted = true;
}
