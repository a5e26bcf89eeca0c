using System.Globalization;

namespace Measuring;

/// <summary>Reads this machine's processes and listening ports from <c>/proc</c>.</summary>
internal static class ProcessTable
{
    private const string Listening = "0A";

    /// <summary>Returns the process that listens on this port, or null when there is none or it is not
    /// visible.</summary>
    public static int? ListenerOf(int port)
    {
        var inodes = Listeners().Where(l => l.Port == port).Select(l => l.Inode).ToHashSet();
        if (inodes.Count == 0)
            return null;

        // A server's children share its socket; the server is the oldest of them.
        return Pids()
            .Where(pid => SocketsOf(pid).Any(inodes.Contains))
            .OrderBy(StartTime)
            .Select(pid => (int?)pid)
            .FirstOrDefault();
    }

    public static IEnumerable<int> PortsOf(int pid)
    {
        var sockets = SocketsOf(pid).ToHashSet();
        return Listeners().Where(l => sockets.Contains(l.Inode)).Select(l => l.Port).Distinct();
    }

    public static IEnumerable<int> Pids() =>
        Directory
            .EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
            .Where(pid => pid > 0);

    public static string Name(int pid) => Read(pid, "comm").TrimEnd('\n');

    public static IReadOnlyList<string> Arguments(int pid) => Read(pid, "cmdline").TrimEnd('\0').Split('\0');

    public static IReadOnlyDictionary<string, string> Variables(int pid) =>
        Read(pid, "environ")
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=', 2))
            .Where(pair =>
                pair.Length == 2 && pair[0].Length > 0 && pair[0].All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            )
            .GroupBy(pair => pair[0])
            .ToDictionary(g => g.Key, g => g.First()[1]);

    public static IReadOnlyList<int> WithDescendants(int pid)
    {
        var children = Pids().Where(p => p != pid).ToLookup(Parent);
        var family = new List<int> { pid };
        for (var i = 0; i < family.Count; i++)
            family.AddRange(children[family[i]]);
        return family;
    }

    public static int Parent(int pid) => Status(pid, "PPid:");

    /// <summary>Returns false for a process that is gone or a zombie.</summary>
    public static bool Exists(int pid) => Fields(pid) is { Length: > 0 } fields && fields[0] is not ("Z" or "X");

    /// <summary>Returns the user and system CPU time of the process and of its reaped children (Postgres's closed
    /// backends); 0 when it is gone. Linux counts 100 ticks a second.</summary>
    public static double CpuSeconds(int pid) => Ticks(pid, 11..15);

    public static double ReapedCpuSeconds(int pid) => Ticks(pid, 13..15);

    // Field 22 of stat. The fields after the name in parentheses begin with field 3.
    public static long StartTime(int pid) =>
        Fields(pid) is { Length: > 19 } fields ? long.Parse(fields[19], CultureInfo.InvariantCulture) : long.MaxValue;

    private static double Ticks(int pid, Range fields) =>
        Fields(pid) is { Length: > 14 } all
            ? all[fields].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture)) / 100.0
            : 0;

    private static string[] Fields(int pid) =>
        Read(pid, "stat") is { Length: > 0 } stat ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : [];

    private static int Status(int pid, string name) =>
        Read(pid, "status").Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))
            is { } line
            ? int.Parse(line[name.Length..].Trim().Split('\t')[0], CultureInfo.InvariantCulture)
            : 0;

    // "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …"
    private static IEnumerable<(int Port, string Inode)> Listeners() =>
        ((string[])["/proc/net/tcp", "/proc/net/tcp6"])
            .Where(File.Exists)
            .SelectMany(File.ReadLines)
            .Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == Listening)
            .Select(fields =>
                (
                    int.Parse(fields[1].Split(':')[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                    $"socket:[{fields[9]}]"
                )
            );

    private static IEnumerable<string> SocketsOf(int pid)
    {
        string[] descriptors;
        try
        {
            descriptors = Directory.GetFiles($"/proc/{pid}/fd");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            yield break;
        }

        foreach (var descriptor in descriptors)
            if (LinkOf(descriptor) is { } link && link.StartsWith("socket:", StringComparison.Ordinal))
                yield return link;
    }

    private static string? LinkOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
