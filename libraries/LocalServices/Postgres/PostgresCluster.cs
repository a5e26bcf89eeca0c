using System.Globalization;

namespace LocalServices.Postgres;

/// <summary>The folder of one Postgres server: `cluster` is its data directory, `password` its superuser's password.
/// One rename creates both, so that an interrupted first start leaves nothing that looks like data.</summary>
internal sealed record PostgresCluster(string Folder, string Password, PostgresPrograms Programs, string[] As)
{
    public const string Database = "eventstore";

    public string Data => Path.Combine(Folder, "cluster");

    public static PostgresCluster Open(LocalFolder local)
    {
        var folder = Path.Combine(local.Data, "postgres");
        using var preparing = FolderLock.Take(local.Data, "postgres");
        var exists = Directory.Exists(folder);
        var programs = PostgresPrograms.Find(local, exists ? WrittenBy(folder) : null, folder);
        var identity = exists ? LocalFolder.AsOwner(local.As, folder) : local.As;

        if (!exists)
            Create(folder, programs, identity);

        var cluster = new PostgresCluster(
            folder,
            File.ReadAllText(Path.Combine(folder, "password")),
            programs,
            identity
        );
        PostmasterLock.Release(cluster.Data);

        return cluster;
    }

    private static int WrittenBy(string folder)
    {
        try
        {
            return int.Parse(
                File.ReadAllText(Path.Combine(folder, "cluster", "PG_VERSION")).Split('.')[0],
                CultureInfo.InvariantCulture
            );
        }
        catch (UnauthorizedAccessException)
        {
            throw new LocalServicesException(
                $"{folder} belongs to another user. Start the stack as that user, or remove the folder with its data."
            );
        }
        catch (Exception exception) when (exception is IOException or FormatException)
        {
            throw new LocalServicesException(
                $"{folder} is not a Postgres data folder (cluster/PG_VERSION cannot be read). "
                    + $"Move it away: mv {folder} {folder}-broken"
            );
        }
    }

    private static void Create(string folder, PostgresPrograms programs, string[] identity)
    {
        var making = folder + ".making";
        if (Directory.Exists(making))
            Directory.Delete(making, recursive: true);

        LocalFolder.CreatePrivate(making, identity);
        var (cluster, password) = (Path.Combine(making, "cluster"), Path.Combine(making, "password"));
        Secret.Write(password, Secret.Create());
        LocalFolder.Give(password, identity);
        Run(
            programs,
            identity,
            making,
            programs.InitDb,
            null,
            "-D",
            cluster,
            "--username=postgres",
            $"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions"
        );

        // Single-user mode works without a server and takes one statement a line.
        Run(
            programs,
            identity,
            making,
            programs.Server,
            $"CREATE DATABASE {Database}\n",
            "--single",
            "-D",
            cluster,
            "postgres"
        );
        Directory.Move(making, folder);
    }

    private static void Run(
        PostgresPrograms programs,
        string[] identity,
        string folder,
        string program,
        string? input,
        params string[] arguments
    )
    {
        string[] command = [.. identity, program, .. arguments];
        var result = Command.Run(command[0], command[1..], input, folder, programs.Libraries);
        if (result is not { ExitCode: 0 })
            throw new LocalServicesException(
                $"The Postgres data folder could not be created: {string.Join(' ', command)} failed.\n{result?.Output}"
            );
    }
}
