using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace LocalServices;

/// <summary>
/// The folders for the local stack's tools and data, and the user that Postgres runs as. Postgres refuses to run as
/// root, so root starts it as `nobody`.
/// </summary>
/// <param name="Tools">The folder of the tools, kept between runs, also with `--ephemeral`.</param>
/// <param name="Data">The folder of the data, kept between runs, except with `--ephemeral`.</param>
/// <param name="As">The command prefix that runs a program as Postgres's user; empty for the current user.</param>
internal sealed record LocalFolder(string Tools, string Data, string[] As)
{
    private const string Nobody = "65534";

    public static LocalFolder For(string appHostDirectory, LocalServicesOptions options, IServiceCollection services)
    {
        var local = Path.GetFullPath(Path.Combine(appHostDirectory, "..", ".local"));
        var (root, identity) =
            Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
                ? AsRoot(local, options.Ephemeral ? EphemeralFolder.Root : local)
                : (local, []);

        var data = options.Ephemeral
            ? EphemeralFolder.Create(services)
            : Directory.CreateDirectory(Path.Combine(root, "data")).FullName;
        return new LocalFolder(Directory.CreateDirectory(Path.Combine(root, "tools")).FullName, data, identity);
    }

    /// <summary>
    /// Makes a folder below a closed home directory or `mktemp -d` reachable for `nobody`: Postgres gets the capability
    /// to pass closed folders. If root may not grant it, as in some containers, another folder is used.
    /// </summary>
    private static (string Folder, string[] As) AsRoot(string local, string temporary)
    {
        string[] plain = ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"];
        string[] passing = [.. plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];

        var elsewhere = Path.Combine(
            "/var/lib/aspire-sse",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(local)))[..12]
        );
        foreach (var (folder, identity) in ((string, string[])[])[(local, plain), (local, passing), (elsewhere, plain)])
        {
            Directory.CreateDirectory(folder);
            if (
                Command.Run(
                    identity[0],
                    [
                        .. identity[1..],
                        "sh",
                        "-c",
                        "test -x \"$0\" && test -x \"$1\"",
                        folder,
                        folder == elsewhere ? folder : temporary,
                    ]
                ) is
                { ExitCode: 0 }
            )
            {
                if (folder == elsewhere)
                    Console.WriteLine(
                        $"Postgres runs as nobody and cannot access {local}, so its tools and data are in {elsewhere}"
                    );

                return (folder, identity);
            }
        }

        throw new LocalServicesException(
            "Postgres refuses to run as root, and setpriv (Debian package util-linux) could not start it as another "
                + "user. "
                + "Start the stack as a normal user, or use your own Postgres: "
                + "--ConnectionStrings:eventstore='Host=…;Username=…;Password=…;Database=…'"
        );
    }

    /// <summary>Returns the command prefix by which root runs a program as the folder's owner, so that the files of a
    /// normal user's stack stay that user's.</summary>
    public static string[] AsOwner(string[] identity, string folder)
    {
        if (
            identity.Length == 0
            || Command.Run("stat", ["-c", "%u %g", folder]) is not { ExitCode: 0, Output: var owner }
            || owner.StartsWith("0 ", StringComparison.Ordinal)
        )
            return identity;

        var ids = owner.Split(' ');
        return [identity[0], $"--reuid={ids[0]}", $"--regid={ids[1]}", .. identity[3..]];
    }

    /// <summary>Creates a folder that only Postgres's user can read.</summary>
    public static void CreatePrivate(string folder, string[] identity)
    {
        Directory.CreateDirectory(folder);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Give(folder, identity);
    }

    /// <summary>Gives a file or folder to Postgres's user.</summary>
    public static void Give(string path, string[] identity)
    {
        if (identity.Length > 0)
            Command.Run("chown", [$"{Nobody}:{Nobody}", path]);
    }
}
