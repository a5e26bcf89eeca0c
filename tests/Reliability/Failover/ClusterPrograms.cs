using LocalServices;
using LocalServices.Postgres;

namespace Reliability.Failover;

/// <summary>Postgres, Patroni and etcd, installed on this machine or unpacked from Debian packages.</summary>
/// <param name="Postgres">The folder of Postgres's programs.</param>
/// <param name="Libraries">LD_LIBRARY_PATH; empty for the machine's own libraries.</param>
/// <param name="Python">PYTHONPATH; empty if Patroni is installed.</param>
/// <param name="Etcd">The path of etcd.</param>
internal sealed record ClusterPrograms(string Postgres, string Libraries, string Python, string Etcd)
{
    /// <summary>The interpreter that Debian's modules are for; Postgres's user may not reach another one on the
    /// path.</summary>
    public const string Interpreter = "/usr/bin/python3";

    private const string Advice = "Install them: sudo apt-get install -y patroni python3-etcd etcd-server postgresql";

    private static readonly string[] PatroniPackages =
    [
        "patroni",
        "python3-cdiff",
        "python3-click",
        "python3-dateutil",
        "python3-dnspython",
        "python3-etcd",
        "python3-pkg-resources",
        "python3-prettytable",
        "python3-psutil",
        "python3-psycopg2",
        "python3-six",
        "python3-urllib3",
        "python3-wcwidth",
        "python3-yaml",
    ];

    /// <exception cref="LocalServicesException">A program is not installed and could not be downloaded.</exception>
    public static ClusterPrograms Find(LocalFolder folder)
    {
        var postgres = PostgresPrograms.Find(folder, null, folder.Data);
        // The folder on the path may have links to some of the programs only.
        var server = File.ResolveLinkTarget(postgres.Server, returnFinalTarget: true)?.FullName ?? postgres.Server;
        var etcd = LocalProgram.Find(
            folder.Tools,
            "etcd",
            ["etcd"],
            "--version",
            ["etcd-server"],
            "usr/bin/etcd",
            Advice
        );
        var python = "";
        var unpacked = Path.Combine(folder.Tools, "patroni");

        if (!HasPatroni(""))
        {
            python = Path.Combine(unpacked, "usr", "lib", "python3", "dist-packages");
            if (!HasPatroni(python))
                DebianPrograms.Unpack("Patroni", PatroniPackages, unpacked, Advice);
            if (!HasPatroni(python))
                throw new LocalServicesException($"Patroni was unpacked but does not run. {Advice}");
        }

        string?[] libraries = [postgres.Libraries, etcd.Libraries, DebianPrograms.Libraries(unpacked)];
        return new(
            Path.GetDirectoryName(server)!,
            string.Join(':', libraries.Where(l => !string.IsNullOrEmpty(l))),
            python,
            etcd.File
        );

        bool HasPatroni(string path) =>
            Command.Run(
                "env",
                [$"PYTHONPATH={path}", Interpreter, "-c", "import patroni.dcs.etcd3, psycopg2"],
                libraries: DebianPrograms.Libraries(unpacked)
            )
                is { ExitCode: 0 };
    }

    /// <summary>The variables that the programs need.</summary>
    public Dictionary<string, string> Environment()
    {
        var variables = new Dictionary<string, string> { ["PYTHONUNBUFFERED"] = "1", ["LC_ALL"] = "C.UTF-8" };
        if (Libraries.Length > 0)
            variables["LD_LIBRARY_PATH"] = Libraries;
        if (Python.Length > 0)
            variables["PYTHONPATH"] = Python;
        return variables;
    }
}
