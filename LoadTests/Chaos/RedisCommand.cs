using System.Net.Sockets;
using System.Text;

namespace LoadTests.Chaos;

/// <summary>
/// What starts a Redis as it runs now: its program (by the name that it looks at, which is a link to what the kernel says) with its
/// configuration file, or else its port, password and nothing kept.
/// </summary>
internal static class RedisCommand
{
    public static async Task<IReadOnlyList<string>> AskAsync(int pid, int port, string? password)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var client = new TcpClient();
        var beside = Path.GetDirectoryName(ProcessTable.Program(pid)) ?? "";
        var program = ((string[])["redis-server", "valkey-server"]).Select(name => Path.Combine(beside, name)).FirstOrDefault(File.Exists, "redis-server");
        try
        {
            await client.ConnectAsync("127.0.0.1", port, limit.Token);
            var stream = client.GetStream();
            // RESP: *2\r\n$4\r\nAUTH\r\n$3\r\nabc\r\n; QUIT ends the answer.
            var request = (password is null ? "" : Command("AUTH", password)) + Command("INFO", "server") + Command("QUIT");
            await stream.WriteAsync(Encoding.UTF8.GetBytes(request), limit.Token);
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync(limit.Token);
            string? Value(string name) => answer.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();
            if (Value("config_file:") is { Length: > 0 } file) return [program, file];
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException) { throw new LoadTestException($"Redis at port {port} does not say how it was started: {e.Message}", e); }
        return [program, "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. password is null ? (string[])[] : ["--requirepass", password]];
    }

    private static string Command(params string[] words) => $"*{words.Length}\r\n{string.Concat(words.Select(w => $"${Encoding.UTF8.GetByteCount(w)}\r\n{w}\r\n"))}";
}
