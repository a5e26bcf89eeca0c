using System.Diagnostics;
using System.Globalization;
using Harness.Builds;

namespace Benchmarks.Client;

/// <summary>The reader in C (<c>reader.c</c>), compiled on first use. It shows
/// what the load tests' work on an event costs without a framework.</summary>
internal static class CReader
{
    private static readonly string[] Compilers = ["gcc", "cc", "clang"];
    private static readonly string? Compiler = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':')
        .SelectMany(folder => Compilers.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);
    private static string? _program;

    /// <summary>The reason why there is none, or null when it can be built.</summary>
    public static string? Missing =>
        Compiler is null ? "a C compiler is not installed (Debian: apt-get install -y gcc libc6-dev)" : null;

    public static async Task<ProcessStartInfo> StartAsync(ReadOrder order, CancellationToken cancellationToken)
    {
        if (_program is null)
        {
            var folder = Path.Combine(AppContext.BaseDirectory, "reader-c");
            Directory.CreateDirectory(folder);
            var program = Path.Combine(folder, "reader");

            await Command.RunAsync(
                "The C compiler",
                [Compiler!, "-O2", "-o", program, Path.Combine(AppContext.BaseDirectory, "Client", "reader.c")],
                cancellationToken
            );
            _program = program;
        }

        var url = order.Urls[0];
        return new ProcessStartInfo(
            _program,
            [
                url.Host,
                Text(url.Port),
                url.PathAndQuery,
                Text(order.Connections),
                Text(order.Expect),
                Text(order.LimitSeconds),
            ]
        );
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
