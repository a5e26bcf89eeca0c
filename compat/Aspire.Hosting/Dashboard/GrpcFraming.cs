// Part of the stand-in for Aspire.Hosting: the part of gRPC over
// HTTP/2 that one service needs. Not affiliated with Microsoft.
using System.Buffers.Binary;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>
/// Reads and writes gRPC messages: one zero byte (not compressed), the length as four bytes big-endian, the protobuf.
/// The status follows in the trailers, or in the headers of a response without a body.
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
/// </summary>
internal static class GrpcFraming
{
    public const string Ok = "0",
        Cancelled = "1",
        Unimplemented = "12",
        Internal = "13",
        Unavailable = "14",
        Unauthenticated = "16";
    private const int HeaderLength = 5;
    private const int MaxMessage = 4 * 1024 * 1024;

    public delegate Task Writer(IMessage message);

    public static void MapGrpc<TRequest>(
        this WebApplication app,
        string path,
        MessageParser<TRequest> parser,
        Func<TRequest, Writer, CancellationToken, Task> handle
    )
        where TRequest : IMessage<TRequest> =>
        app.MapPost(
            path,
            async (HttpContext http) =>
            {
                http.Response.ContentType = "application/grpc";
                using var ends = CancellationTokenSource.CreateLinkedTokenSource(
                    http.RequestAborted,
                    app.Lifetime.ApplicationStopping
                );
                var status = Ok;
                try
                {
                    var request = parser.ParseFrom(await ReadAsync(http.Request.Body, ends.Token));
                    await handle(request, message => WriteAsync(http.Response, message, ends.Token), ends.Token);
                }
                catch (OperationCanceledException)
                {
                    status = app.Lifetime.ApplicationStopping.IsCancellationRequested ? Unavailable : Cancelled;
                }
                catch (Exception e)
                    when (e is InvalidProtocolBufferException or InvalidDataException or EndOfStreamException)
                {
                    status = Internal;
                    http.Response.AppendTrailer("grpc-message", Uri.EscapeDataString(e.Message));
                }
                http.Response.AppendTrailer("grpc-status", status);
            }
        );

    private static async Task<byte[]> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderLength];
        await body.ReadExactlyAsync(header, cancellationToken);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1));
        if (header[0] != 0 || length > MaxMessage)
            throw new InvalidDataException("Compressed or oversized gRPC message.");
        var message = new byte[length];
        await body.ReadExactlyAsync(message, cancellationToken);
        return message;
    }

    private static async Task WriteAsync(HttpResponse response, IMessage message, CancellationToken cancellationToken)
    {
        var size = message.CalculateSize();
        var frame = response.BodyWriter.GetSpan(HeaderLength + size)[..(HeaderLength + size)];
        frame[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(frame[1..], (uint)size);
        message.WriteTo(frame[HeaderLength..]);
        response.BodyWriter.Advance(HeaderLength + size);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }
}
