namespace Unit.Build;

/// <summary>The pictures of docs/images, which tests/Pictures takes.</summary>
public sealed class PictureTests
{
    private const int MaxBytes = 200_000;

    private static readonly FileInfo[] Pictures =
    [
        .. SourceFiles.In("docs/images").Where(file => file.Extension == ".png"),
    ];

    [Fact]
    public void Every_picture_can_be_taken_again()
    {
        var program = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Pictures", "Program.cs"));
        SourceFiles.AssertNone(
            from file in Pictures
            let name = Path.GetFileNameWithoutExtension(file.Name)
            where !program.Contains($"(\"{name}\", ", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: tests/Pictures/Program.cs does not name it"
        );
    }

    [Fact]
    public void Every_picture_is_small_and_shown_by_a_document()
    {
        var documents = SourceFiles
            .All.Where(file => file.Extension == ".md")
            .Select(file => File.ReadAllText(file.FullName));
        var shown = string.Concat(documents);
        SourceFiles.AssertNone(
            from file in Pictures
            where file.Length > MaxBytes || !shown.Contains($"images/{file.Name})", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: {file.Length} bytes, at most {MaxBytes}, or no document shows it"
        );
    }
}
