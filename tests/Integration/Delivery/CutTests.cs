using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Harness;

namespace Integration.Delivery;

/// <summary>No client may take a broken stream for a complete one.</summary>
public sealed class CutTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    private const string Live = "/v1/events/stream?topic=t.%3E",
        Finite = "/items/stream",
        Pushed = "/sse/backpressure-chat";

    /// <summary>Reads a stream to its end and returns how it ended.</summary>
    private const string NodeClient = """
        const response = await fetch(process.argv[1]);
        const reader = response.body.getReader();
        await reader.read();
        console.log('reading');
        try {
            while (!(await reader.read()).done);
            console.log('ended');
        } catch { console.log('threw'); }
        """;

    [Theory]
    [InlineData("GET", Live, "Connection: close")]
    [InlineData("GET", Live, "Accept: text/event-stream")]
    [InlineData("GET", Finite, "Connection: close")]
    [InlineData("GET", Finite, "Accept: text/event-stream")]
    [InlineData("POST", Pushed, "Connection: close")]
    [InlineData("POST", Pushed, "Accept: text/event-stream")]
    public async Task No_stream_has_a_Connection_header_and_a_proper_end_has_the_last_chunk(
        string method,
        string path,
        string header
    )
    {
        var server = shared.World.System.Replicas[0].Url;
        const string Body = """{"messages":[{"role":"user","content":"x"}],"max_tokens":1}""";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);

        await socket.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        var content =
            method == "POST"
                ? $"Content-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"
                : "\r\n";
        var request = $"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\n{header}\r\n{content}";

        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var lines = new StreamReader(new NetworkStream(socket));
        var head = new List<string>();
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { Length: > 0 } line)
            head.Add(line);

        Assert.Equal("HTTP/1.1 200 OK", head[0]);
        Assert.Contains("Transfer-Encoding: chunked", head);
        Assert.DoesNotContain(head, h => h.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase));
        // A client that does not ask for the end learns that this connection serves no other request.
        Assert.Equal(path != Finite || header == "Connection: close", head.Contains("Keep-Alive: timeout=1"));

        if (path == Live)
            return;

        string? body;
        do body = await lines.ReadLineAsync(TestContext.Current.CancellationToken);
        while (body is not (null or "0"));

        Assert.Equal("0", body);
        Assert.Equal("", await lines.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Over TLS a stream stays in its request, and Kestrel writes its head.</summary>
    [Fact]
    public async Task No_stream_over_TLS_says_anything_of_its_connection_either()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var (plain, secure) = (FreePort.Take(), FreePort.Take());
        var certificate = Path.Combine(Directory.CreateTempSubdirectory("aspire-sse-").FullName, "localhost.pfx");

        await File.WriteAllBytesAsync(certificate, SelfSigned(), cancellationToken);

        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("Kestrel:Endpoints:Plain:Url", $"http://127.0.0.1:{plain}")
                .Set("Kestrel:Endpoints:Secure:Url", $"https://127.0.0.1:{secure}")
                .Set("Kestrel:Endpoints:Secure:Certificate:Path", certificate)
        );

        foreach (var path in (string[])[Live, Finite])
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", secure, cancellationToken);
            await using var tls = new SslStream(
                client.GetStream(),
                false,
                (_, certificate, _, _) => certificate is not null
            );

            await tls.AuthenticateAsClientAsync("localhost");
            var request = $"GET {path} HTTP/1.1\r\nHost: localhost:{secure}\r\nConnection: close\r\n\r\n";
            await tls.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);

            using var lines = new StreamReader(tls);
            Assert.Equal("HTTP/1.1 200 OK", await lines.ReadLineAsync(cancellationToken));

            while (await lines.ReadLineAsync(cancellationToken) is { Length: > 0 } line)
                Assert.DoesNotContain("Connection:", line, StringComparison.OrdinalIgnoreCase);
        }

        Directory.Delete(Path.GetDirectoryName(certificate)!, recursive: true);
    }

    private static byte[] SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1),
            DateTimeOffset.UtcNow.AddDays(1)
        );
        return certificate.Export(X509ContentType.Pfx);
    }

    [Fact]
    public async Task A_stream_that_is_cut_throws_in_Nodes_fetch_and_one_that_ends_does_not()
    {
        Assert.SkipUnless(await NodeIsInstalledAsync(), "node is not installed.");
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var system = await World.Start(o => o.Broadcasters(0));
        var replica = system.Replicas[0];
        await using var link = new FaultyLink("127.0.0.1", replica.Url.Port);
        using var cut = Node($"http://127.0.0.1:{link.Port}{Live}");

        using var ended = Node(new Uri(replica.Url, Live).ToString());
        foreach (var node in (Process[])[cut, ended])
            Assert.Equal("reading", await node.StandardOutput.ReadLineAsync(cancellationToken));

        link.Cut();
        Assert.Equal("threw", await cut.StandardOutput.ReadLineAsync(cancellationToken));
        await replica.StopAsync(cancellationToken);
        Assert.Equal("ended", await ended.StandardOutput.ReadLineAsync(cancellationToken));

        foreach (var node in (Process[])[cut, ended])
            await node.WaitForExitAsync(cancellationToken);
    }

    private static async Task<bool> NodeIsInstalledAsync()
    {
        try
        {
            using var node = Process.Start(
                new ProcessStartInfo("node", ["--version"]) { RedirectStandardOutput = true }
            )!;
            await node.WaitForExitAsync(TestContext.Current.CancellationToken);
            return node.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static Process Node(string url) =>
        Process.Start(
            new ProcessStartInfo("node", ["--input-type=module", "-e", NodeClient, url])
            {
                RedirectStandardOutput = true,
            }
        )!;
}
