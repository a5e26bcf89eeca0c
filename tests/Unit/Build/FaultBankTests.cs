using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The faults of <c>tests/Faults</c>. One that no longer applies, or whose tests are gone, shows
/// nothing.</summary>
public sealed partial class FaultBankTests
{
    private static readonly string[] Faults =
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "Faults"), "*.patch").Order(),
    ];

    [Fact]
    public async Task Every_fault_applies_to_the_sources()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(Repository.Root, ".git")), "This is no clone.");

        var wrong = new List<string>();
        foreach (var fault in Faults)
        {
            var start = new ProcessStartInfo("git", ["-C", Repository.Root, "apply", "--check", fault])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var check = Process.Start(start)!;
            var said = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            if (said.Length > 0)
                wrong.Add($"{Path.GetFileName(fault)} breaks code that has changed: make it anew\n{said}");
        }

        Assert.NotEmpty(Faults);
        SourceFiles.AssertNone(wrong);
    }

    [Fact]
    public void Every_class_that_must_notice_a_fault_exists()
    {
        var classes = SourceFiles
            .All.Where(f => SourceFiles.PathOf(f).StartsWith("tests/", StringComparison.Ordinal))
            .Select(f => Path.GetFileNameWithoutExtension(f.Name))
            .ToHashSet(StringComparer.Ordinal);

        var missing =
            from fault in Faults
            let fails = File.ReadLines(fault).First(l => l.StartsWith("Fails: ", StringComparison.Ordinal))
            where !fails.StartsWith("Fails: none", StringComparison.Ordinal)
            from Match name in ClassName().Matches(fails)
            where !classes.Contains(name.Value)
            select $"{Path.GetFileName(fault)}: {name.Value}";
        SourceFiles.AssertNone(missing);
    }

    [GeneratedRegex(@"\b[A-Za-z]+Tests\b")]
    private static partial Regex ClassName();
}
