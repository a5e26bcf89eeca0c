using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.Json.Nodes;

namespace Unit.Build;

/// <summary>A native program has no reflection. The build finds its uses, but not within a collection expression:
/// <code>
/// JsonArray all = [.. objects];              // JsonArray.Add&lt;JsonObject&gt;, by reflection
/// var all = new JsonArray([.. objects]);     // an array of JsonNode
/// </code>
/// </summary>
public sealed class TrimmingTests
{
    [Fact]
    public void No_library_adds_to_a_json_array_by_reflection()
    {
        var libraries = Directory.GetFiles(AppContext.BaseDirectory, "AspireSse.*.dll");

        Assert.Contains(libraries, path => path.EndsWith("LlmGateway.dll", StringComparison.Ordinal));
        SourceFiles.AssertNone(libraries.Where(AddsByReflection).Select(path => Path.GetFileName(path)!));
    }

    [Fact]
    public void An_addition_by_reflection_is_found()
    {
        JsonArray all = [.. new JsonObject[] { [] }];

        Assert.Single(all);
        Assert.True(AddsByReflection(typeof(TrimmingTests).Assembly.Location));
    }

    /// <summary>True if an assembly calls <c>JsonArray.Add&lt;T&gt;</c>; its other <c>Add</c> is not generic.</summary>
    private static bool AddsByReflection(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = file.GetMetadataReader();
        return Enumerable
            .Range(1, reader.GetTableRowCount(TableIndex.MethodSpec))
            .Select(row => reader.GetMethodSpecification(MetadataTokens.MethodSpecificationHandle(row)).Method)
            .Where(method => method.Kind == HandleKind.MemberReference)
            .Select(method => reader.GetMemberReference((MemberReferenceHandle)method))
            .Any(member =>
                reader.GetString(member.Name) == nameof(JsonArray.Add)
                && member.Parent.Kind == HandleKind.TypeReference
                && reader.GetTypeReference((TypeReferenceHandle)member.Parent) is var type
                && reader.GetString(type.Name) == nameof(JsonArray)
            );
    }
}
