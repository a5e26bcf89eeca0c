using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace LocalServices;

internal enum LocalServicesMode
{
    Auto,
    Containers,
    Native,
}

/// <summary>The section <c>LocalServices</c> of appsettings, the environment (<c>LocalServices__Mode</c>) or the
/// command line (<c>--LocalServices:Mode=native</c>).</summary>
/// <param name="Ephemeral">Starts empty in a temporary folder, on free ports unless ports are configured.</param>
internal sealed record LocalServicesOptions(LocalServicesMode Mode, bool Ephemeral, int PostgresPort, int RedisPort)
{
    /// <summary>The ports of a stack that keeps its data.</summary>
    public const int UsualPostgresPort = 15432,
        UsualRedisPort = 16379;

    /// <summary>The command that starts a stack beside a running one, without fixed ports. It names each setting:
    /// an AppHost of the template configures its ports, and does not know <c>--ephemeral</c>.</summary>
    public static readonly string SecondStack =
        $"dotnet run --project {Assembly.GetEntryAssembly()?.GetName().Name} -- --LocalServices:Ephemeral=true "
        + "--LocalServices:PostgresPort=0 --LocalServices:RedisPort=0 --DcpPublisher:RandomizePorts=true";

    /// <summary>Expands <c>--ephemeral</c> to <c>--LocalServices:Ephemeral=true</c>,
    /// because configuration needs a value.</summary>
    public static string[] Expand(string[] args) =>
        [
            .. args.Select(arg =>
                string.Equals(arg, "--ephemeral", StringComparison.OrdinalIgnoreCase)
                    ? "--LocalServices:Ephemeral=true"
                    : arg
            ),
        ];

    public static LocalServicesOptions From(IConfiguration configuration)
    {
        var section = configuration.GetSection("LocalServices");
        var mode = Read(
            section,
            "Mode",
            LocalServicesMode.Auto,
            // Enum.TryParse takes numbers and lists too.
            text =>
                Enum.GetNames<LocalServicesMode>().Contains(text, StringComparer.OrdinalIgnoreCase)
                    ? Enum.Parse<LocalServicesMode>(text, ignoreCase: true)
                    : null,
            "auto, containers or native"
        );

        var ephemeral = Read(
            section,
            "Ephemeral",
            false,
            text => bool.TryParse(text, out var value) ? value : null,
            "true or false"
        );

        return new LocalServicesOptions(
            mode,
            ephemeral,
            Port(section, "PostgresPort", ephemeral ? 0 : UsualPostgresPort),
            Port(section, "RedisPort", ephemeral ? 0 : UsualRedisPort)
        );
    }

    private static int Port(IConfigurationSection section, string name, int otherwise) =>
        Read(
            section,
            name,
            otherwise,
            text => ushort.TryParse(text, out var value) ? value : null,
            "a port number, or 0 for any free port"
        );

    private static T Read<T>(
        IConfigurationSection section,
        string name,
        T otherwise,
        Func<string, T?> parse,
        string expected
    )
        where T : struct =>
        section[name] is not { Length: > 0 } text
            ? otherwise
            : parse(text)
                ?? throw new LocalServicesException($"LocalServices:{name} is '{text}'; it must be {expected}.");
}
