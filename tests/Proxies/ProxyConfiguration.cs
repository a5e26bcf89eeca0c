using System.Text.RegularExpressions;
using Harness;

namespace Proxies;

/// <summary>The configuration of a proxy.</summary>
internal enum Configured
{
    /// <summary>The least that passes requests on, with Debian's own limits.</summary>
    Plain,

    /// <summary>With the lines that a stream needs.</summary>
    Mended,

    /// <summary>Plain, and it compresses <c>text/event-stream</c>.</summary>
    Compressing,
}

/// <summary>
/// A proxy's file in <c>Configurations</c>. A line that begins with <c>plain|</c>, <c>mended|</c>, <c>compressing|</c>
/// or <c>as root|</c> is used only so; <c>@file name</c> begins a file of that name; <c>@port@</c> and the like are
/// replaced.
/// </summary>
internal sealed partial class ProxyConfiguration
{
    private readonly Dictionary<string, string> _values;
    private readonly string[] _conditions;

    /// <param name="configured">Which lines it has.</param>
    /// <param name="package">The folder of the unpacked package.</param>
    /// <param name="folder">The folder of this start.</param>
    /// <param name="server">Where requests are passed on to.</param>
    public ProxyConfiguration(Configured configured, string package, string folder, Uri server)
    {
        Port = FreePort.Take();
        Http2Port = FreePort.Take();
        _values = new()
        {
            ["package"] = package,
            ["folder"] = folder,
            ["file"] = Path.Combine(folder, "proxy.conf"),
            ["server"] = server.Authority,
            ["host"] = server.Host,
            ["serverport"] = $"{server.Port}",
            ["port"] = $"{Port}",
            ["http2"] = $"{Http2Port}",
        };
        _conditions =
        [
            .. configured switch
            {
                Configured.Plain => (string[])["plain"],
                Configured.Mended => ["mended"],
                _ => ["plain", "compressing"],
            },
            .. Environment.IsPrivilegedProcess ? (string[])["as root"] : [],
        ];
    }

    public int Port { get; }
    public int Http2Port { get; }

    public string Fill(string text) => _values.Aggregate(text, (t, v) => t.Replace($"@{v.Key}@", v.Value));

    /// <summary>Writes the files into the folder.</summary>
    public async Task WriteAsync(string name, CancellationToken cancellationToken)
    {
        var files = new Dictionary<string, List<string>>();
        var file = files["proxy.conf"] = [];
        var template = Path.Combine(AppContext.BaseDirectory, "Configurations", name + ".conf");

        await foreach (var line in File.ReadLinesAsync(template, cancellationToken))
            if (line.StartsWith("@file ", StringComparison.Ordinal))
                file = files[line["@file ".Length..]] = [];
            else if (Condition().Match(line) is not { Success: true } condition)
                file.Add(Fill(line));
            else if (_conditions.Contains(condition.Groups["when"].Value))
                file.Add(Fill(condition.Groups["indent"].Value + line[condition.Length..]));

        foreach (var (path, lines) in files)
            await File.WriteAllLinesAsync(Path.Combine(_values["folder"], path), lines, cancellationToken);
    }

    [GeneratedRegex(@"^(?<indent> *)(?<when>plain|mended|compressing|as root)\| ")]
    private static partial Regex Condition();
}
