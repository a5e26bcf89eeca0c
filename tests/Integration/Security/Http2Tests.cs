using System.Buffers.Binary;
using System.Net.Sockets;
using Harness;

namespace Integration.Security;

/// <summary>HTTP/2, where one connection carries many requests.</summary>
public sealed class Http2Tests
{
    private const int HeadBytes = 9,
        SettingBytes = 6,
        SettingsFrame = 4,
        InitialWindowSize = 4;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;
    private static ReadOnlySpan<byte> NoSettings => [0, 0, 0, SettingsFrame, 0, 0, 0, 0, 0];

    /// <summary>A stream does not read the body of its request, nor does a request that waits for its turn. The window
    /// is all that a client can send of it (RFC 9113 §6.9).</summary>
    [Fact]
    public async Task A_request_on_HTTP_2_holds_64_kB_at_most_of_a_body_that_is_not_read()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var (plain, multiplexed) = (FreePort.Take(), FreePort.Take());
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("Kestrel:Endpoints:Plain:Url", $"http://127.0.0.1:{plain}")
                .Set("Kestrel:Endpoints:Two:Url", $"http://127.0.0.1:{multiplexed}")
                .Set("Kestrel:Endpoints:Two:Protocols", "Http2")
        );
        using var client = new TcpClient();

        await client.ConnectAsync("127.0.0.1", multiplexed, cancellationToken);
        await using var connection = client.GetStream();
        await connection.WriteAsync((byte[])[.. Preface, .. NoSettings], cancellationToken);

        // Length in three bytes, type, flags, stream; then settings of two bytes and their values of four (§6.5).
        var head = new byte[HeadBytes];
        await connection.ReadExactlyAsync(head, cancellationToken);
        Assert.Equal(SettingsFrame, head[3]);

        var settings = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await connection.ReadExactlyAsync(settings, cancellationToken);
        var window = Assert.Single(
            settings.Chunk(SettingBytes),
            s => BinaryPrimitives.ReadUInt16BigEndian(s) == InitialWindowSize
        );

        Assert.Equal(64u * 1024, BinaryPrimitives.ReadUInt32BigEndian(window.AsSpan(2)));
    }
}
