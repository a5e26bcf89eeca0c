using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace Integration.Llm;

/// <summary>The connection of a stream that has ended: a client that keeps it loses its next request.</summary>
public sealed class EndedStreamTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const int Streams = 20,
        Requests = 100;

    private const string Question = """{"messages":[{"role":"user","content":"x"}],"max_tokens":1}""";

    /// <summary>Output of a stream: the socket, Kestrel's pipe after an earlier request, or a socket with a small send
    /// buffer.</summary>
    public enum WrittenTo
    {
        Socket,
        Pipe,
        SmallBuffer,
    }

    [Theory]
    [InlineData(WrittenTo.Socket)]
    [InlineData(WrittenTo.Pipe)]
    [InlineData(WrittenTo.SmallBuffer)]
    public async Task The_end_of_a_stream_arrives_together_with_the_end_of_its_connection(WrittenTo output)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux keeps a segment back.");
        var server = A.Url;
        var id = await LlmSystem.GenerateAsync(A, "x", maxTokens: 1);
        var request =
            output == WrittenTo.SmallBuffer
                ? $"POST /sse/backpressure-chat HTTP/1.1\r\nHost: {server.Authority}\r\n"
                    + $"Content-Type: application/json\r\nContent-Length: {Question.Length}\r\n\r\n{Question}"
                : $"GET {LlmSystem.Stream(id)} HTTP/1.1\r\nHost: {server.Authority}\r\n\r\n";

        for (var i = 0; i < Streams; i++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(server.Host, server.Port, Stop);

            if (output == WrittenTo.Pipe)
                await AskAsync(socket, $"HEAD /alive HTTP/1.1\r\nHost: {server.Authority}\r\n\r\n", "\r\n\r\n");

            await AskAsync(socket, request, "\r\n0\r\n\r\n");
            Assert.True(socket.Poll(0, SelectMode.SelectRead), "The connection looks idle.");
            Assert.Equal(0, socket.Available);
        }
    }

    [Fact]
    public async Task A_request_right_after_the_end_of_a_stream_is_answered()
    {
        using var http = new HttpClient { BaseAddress = A.Url };
        var id = await LlmSystem.GenerateAsync(A, "x", maxTokens: 1);

        for (var i = 0; i < Requests; i++)
        {
            await http.GetStringAsync(LlmSystem.Stream(id), Stop);
            using var answer = await http.PostAsJsonAsync("/v1/events", new EventBody("ended.streams", "n", i), Stop);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        }
    }

    /// <summary>Sends a request and reads to the end of the answer.</summary>
    private static async Task AskAsync(Socket socket, string request, string end)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), Stop);
        var answer = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (!answer.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, Stop);
            Assert.True(read > 0, "The connection ended before the answer.");
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }
}
