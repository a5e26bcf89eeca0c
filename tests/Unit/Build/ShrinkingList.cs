namespace Unit.Build;

/// <summary>A list, in a file beside this one, of what broke a rule before the rule was made. Lines that begin with
/// # are its comment.</summary>
internal sealed class ShrinkingList(string name, int most)
{
    /// <summary>Entries that may go before the maximum in the test must follow.</summary>
    private const int Slack = 25;

    public string Path { get; } = $"tests/Unit/Build/{name}";

    public string[] Entries { get; } =
    [
        .. File.ReadAllLines(System.IO.Path.Combine(Repository.Root, "tests", "Unit", "Build", name))
            .Where(line => line.Length > 0 && line[0] != '#'),
    ];

    /// <summary>Fails if entries were added, also after others were removed.</summary>
    public void AssertShrinks()
    {
        Assert.True(
            Entries.Length <= most,
            $"{Path} has {Entries.Length} entries, at most {most}: entries were added. Mend the new ones instead."
        );
        Assert.True(
            Entries.Length > most - Slack,
            $"{Path} has {Entries.Length} entries, of {most} allowed: {Slack} or more were removed. "
                + $"Set its maximum in {nameof(PageTests)} to {Entries.Length}, so that none can be added."
        );
        Assert.Equal(Entries.Order(StringComparer.Ordinal), Entries);
    }
}
