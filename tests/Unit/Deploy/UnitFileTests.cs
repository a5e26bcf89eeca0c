using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Harness.Deployments;
using Streaming;

namespace Unit.Deploy;

/// <summary>The systemd units of <c>deploy/systemd</c>, by systemd's own checks where it is installed.</summary>
public sealed partial class UnitFileTests
{
    /// <summary>The highest exposure (0 to 10) that a unit may have.</summary>
    private const double MostExposure = 2.0;

    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "systemd");

    private static readonly string Docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "bare-metal.md"));

    public static TheoryData<string> Units =>
        ["streamapi@5080.service", "broadcaster@5070.service", "webfrontend.service", "streamapi-migrate.service"];

    [Theory]
    [MemberData(nameof(Units))]
    public async Task A_unit_is_valid_and_exposes_little(string unit)
    {
        using var installed = new InstalledUnits(Folder);
        var verified = await AnalyzeAsync("verify", "--man=no", "--recursive-errors=one", installed.File(unit));
        Assert.SkipWhen(verified is null, "systemd-analyze is not installed");
        Assert.True(verified is { ExitCode: 0, Output: "" }, verified?.Output);

        Assert.InRange(await ExposureAsync(installed.File(unit)), 0, MostExposure);
    }

    /// <summary>Returns the exposure of a unit, in systemd's opinion: 0 to 10.</summary>
    private static async Task<double> ExposureAsync(string unit)
    {
        var security = await AnalyzeAsync("security", "--offline=true", "--no-pager", unit);
        var exposure = Exposure().Match(security!.Value.Output);
        Assert.True(exposure.Success, security.Value.Output);
        return double.Parse(exposure.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task The_check_finds_a_misspelt_setting_and_a_unit_without_hardening()
    {
        using var installed = new InstalledUnits(Folder, line => line.Replace("ProtectSystem=", "ProtectSytem="));
        var verified = await AnalyzeAsync("verify", "--man=no", installed.File("webfrontend.service"));
        Assert.SkipWhen(verified is null, "systemd-analyze is not installed");
        Assert.Contains("ProtectSytem", verified.Value.Output, StringComparison.Ordinal);

        using var bare = new InstalledUnits(Folder, line => IsHardening(line) ? "" : line);
        Assert.True(await ExposureAsync(bare.File("webfrontend.service")) > MostExposure);

        static bool IsHardening(string line) =>
            ((string[])["Protect", "Private", "Restrict", "SystemCall", "NoNew", "Capability", "Lock"]).Any(start =>
                line.StartsWith(start, StringComparison.Ordinal)
            );
    }

    /// <summary>The units differ only where the services do.</summary>
    [Fact]
    public void Every_unit_has_the_same_hardening()
    {
        var blocks = Directory
            .EnumerateFiles(Folder, "*.service")
            .Select(file => Hardening().Match(File.ReadAllText(file)).Value)
            .Distinct();
        Assert.Contains("SystemCallFilter=~@privileged", Assert.Single(blocks), StringComparison.Ordinal);
    }

    [Fact]
    public void A_unit_waits_longer_than_the_drain_and_has_files_for_its_streams()
    {
        var settings = UnitFiles
            .Settings(Path.Combine(Folder, "streamapi@.service"))
            .ToLookup(s => s.Key, s => s.Value);
        Assert.True(int.Parse(settings["TimeoutStopSec"].Single(), CultureInfo.InvariantCulture) > 15);
        Assert.True(
            int.Parse(settings["LimitNOFILE"].Single(), CultureInfo.InvariantCulture)
                > new StreamingOptions().MaxConnections * 2
        );
        Assert.Equal(["always"], settings["Restart"]);
    }

    /// <summary>Every command of the docs names a file that there is, and every file is in the docs.</summary>
    [Fact]
    public void The_docs_name_every_file()
    {
        foreach (var file in Directory.EnumerateFiles(Folder).Select(Path.GetFileName))
            Assert.Contains(file!, Docs, StringComparison.Ordinal);
        Assert.NotEmpty(DocumentedInstances());
        foreach (var instance in DocumentedInstances())
            Assert.True(File.Exists(Path.Combine(Folder, instance[..(instance.IndexOf('@') + 1)] + ".service")));
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

    private static async Task<(int ExitCode, string Output)?> AnalyzeAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("systemd-analyze", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, output + await error);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"Overall exposure level for \S+: ([0-9.]+)")]
    private static partial Regex Exposure();

    [GeneratedRegex(@"# Hardening:.*?UMask=0077", RegexOptions.Singleline)]
    private static partial Regex Hardening();

    [GeneratedRegex(@"^(sudo )?systemctl enable .*$", RegexOptions.Multiline)]
    private static partial Regex Enabled();

    [GeneratedRegex(@"[a-z]+@\d+")]
    private static partial Regex Instance();

    /// <summary>The units with programs and files that are on this machine: <c>verify</c> looks for them.</summary>
    private sealed class InstalledUnits : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("units-").FullName;

        public InstalledUnits(string from, Func<string, string>? change = null)
        {
            foreach (var file in Directory.EnumerateFiles(from))
                System.IO.File.WriteAllLines(
                    Path.Combine(_folder, Path.GetFileName(file)),
                    System.IO.File.ReadLines(file).Select(line => (change ?? (l => l))(Present(line)))
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
