using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace EventStore;

/// <summary>An entry of the connection string: one server, or the nodes of a Redis Cluster.</summary>
/// <param name="Name">The first address of the entry, <c>host:port</c>. It decides which keys the server has, so that
/// every service must name it alike.</param>
/// <param name="ConnectionString">The entry, with its options.</param>
internal sealed record RedisAddress(string Name, string ConnectionString)
{
    private const int DefaultPort = 6379,
        DefaultTlsPort = 6380;

    /// <summary>
    /// Parses <c>a:6379,password=x;b:6379,password=y</c>: independent servers between semicolons, each in the syntax of
    /// StackExchange.Redis. Addresses of one entry, between commas, are nodes of one cluster.
    /// </summary>
    /// <exception cref="FormatException">The text is not such a list, or names a server twice. The message contains no
    /// passwords.</exception>
    public static IReadOnlyList<RedisAddress> Parse(string text)
    {
        var entries = text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (entries.Length == 0)
            throw new FormatException("It names no server. Write host:port, or host:port;host:port for several.");
        var addresses = new List<RedisAddress>();
        var owners = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < entries.Length; i++)
        {
            var names = Names(entries[i], i + 1);
            foreach (var name in names)
                if (!owners.TryAdd(SameHost(name), i + 1))
                    throw new FormatException(
                        $"It names {name} twice (entries {owners[SameHost(name)]} and {i + 1}). Two entries for one "
                            + "server would share its failure: remove one of them."
                    );
            addresses.Add(new RedisAddress(names[0], entries[i]));
        }
        return addresses;
    }

    private static List<string> Names(string entry, int number)
    {
        string[] parts = entry.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // The client's own messages may contain values.
        foreach (var part in parts)
            if (Parsed(part) is null)
                throw new FormatException(
                    part.Split('=', 2) is [var option, _]
                        ? $"Entry {number} has the option '{option}', which does not exist or has another type "
                            + "of value."
                        : $"Entry {number} has an address that is not host:port."
                );
        var options = Parsed(entry) ?? throw new FormatException($"Entry {number} cannot be parsed.");
        var written = parts.Count(part => !part.Contains('='));
        return written == 0 ? throw new FormatException($"Entry {number} names no server. Write host:port first.")
            : options.EndPoints.Count != written
                ? throw new FormatException($"Entry {number} has an address that is not host:port, or has one twice.")
            : [.. options.EndPoints.Select(endpoint => AddressOf(endpoint, options.Ssl))];
    }

    private static ConfigurationOptions? Parsed(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private static string AddressOf(EndPoint endpoint, bool ssl)
    {
        var port = ssl ? DefaultTlsPort : DefaultPort;
        return endpoint switch
        {
            DnsEndPoint dns => $"{dns.Host.ToLowerInvariant()}:{(dns.Port == 0 ? port : dns.Port)}",
            IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } ip =>
                $"[{ip.Address}]:{(ip.Port == 0 ? port : ip.Port)}",
            IPEndPoint ip => $"{ip.Address}:{(ip.Port == 0 ? port : ip.Port)}",
            _ => endpoint.ToString()!,
        };
    }

    private static string SameHost(string name) =>
        name.StartsWith("localhost:", StringComparison.OrdinalIgnoreCase) ? $"127.0.0.1:{name[10..]}" : name;
}
