using System.Globalization;
using System.Text.RegularExpressions;
using LocalServices;

namespace Unit.Deploy;

/// <summary>The systemd units of <c>deploy/systemd</c>, by systemd's own checks where it is installed.</summary>
public sealed partial class UnitFileTests
{
    /// <summary>The highest exposure (0 to 10) that a unit may have.</summary>
    private const double MostExposure = 2.0;

    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "systemd");

    public static IEnumerable<string> Files => Directory.EnumerateFiles(Folder);

    private static readonly string Docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "bare-metal.md"));

    public static TheoryData<string> Units =>
        ["streamapi@5080.service", "broadcaster@5070.service", "webfrontend.service", "streamapi-migrate.service"];

    [Theory]
    [MemberData(nameof(Units))]
    public void A_unit_is_valid_and_exposes_little(string unit)
    {
        using var installed = new InstalledUnits();
        var verified = Analyze("verify", "--man=no", "--recursive-errors=one", installed.File(unit));
        Assert.True(verified is { ExitCode: 0, Output: "" }, verified.Output);
        Assert.InRange(Exposure(installed.File(unit)), 0, MostExposure);
    }

    /// <summary>Returns the exposure of a unit, in systemd's opinion: 0 to 10.</summary>
    private static double Exposure(string unit)
    {
        var security = Analyze("security", "--offline=true", "--no-pager", unit);
        var exposure = ExposureLevel().Match(security.Output);
        Assert.True(exposure.Success, security.Output);
        return double.Parse(exposure.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>The instances that docs/bare-metal.md enables: <c>streamapi@5080</c>.</summary>
    public static IReadOnlyList<string> DocumentedInstances() =>
        [
            .. Instance()
                .Matches(Enabled().Match(Docs).Value)
                .Select(m => m.Value)
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];

    private static Command.Result Analyze(params string[] arguments)
    {
        var analyzed = Command.Run("systemd-analyze", arguments);
        Assert.SkipWhen(analyzed is null, "systemd-analyze is not installed");
        return analyzed;
    }

    [GeneratedRegex(@"Overall exposure level for \S+: ([0-9.]+)")]
    private static partial Regex ExposureLevel();

    [GeneratedRegex(@"^(sudo )?systemctl enable .*$", RegexOptions.Multiline)]
    private static partial Regex Enabled();

    [GeneratedRegex(@"[a-z]+@\d+")]
    private static partial Regex Instance();

    /// <summary>The units with programs and files that are on this machine: <c>verify</c> looks for them.</summary>
    private sealed class InstalledUnits : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("units-").FullName;

        public InstalledUnits()
        {
            foreach (var file in Directory.EnumerateFiles(Folder))
                System.IO.File.WriteAllLines(
                    Path.Combine(_folder, Path.GetFileName(file)),
                    System.IO.File.ReadLines(file).Select(Present)
                );
        }

        public string File(string unit)
        {
            var template = Instance().Replace(unit, m => m.Value[..(m.Value.IndexOf('@') + 1)]);
            var path = Path.Combine(_folder, unit);
            if (!System.IO.File.Exists(path))
                System.IO.File.Copy(Path.Combine(_folder, template), path);
            return path;
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        private static string Present(string line) =>
            line.StartsWith("ExecStart=", StringComparison.Ordinal) ? "ExecStart=/bin/true"
            : line.StartsWith("WorkingDirectory=", StringComparison.Ordinal) ? "WorkingDirectory=/"
            : line;
    }
}
