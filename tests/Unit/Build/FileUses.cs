using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Unit.Build;

/// <summary>The C# files of a project that use each other: one names a type, or calls an extension method, that the
/// other declares, as the compiler resolves names.</summary>
internal static class FileUses
{
    /// <summary>The directives that the build gives every file.</summary>
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using System.Text.Json;
        global using System.Text.Json.Nodes;
        global using AspireSse;
        global using AspireSse.Server;
        global using LlmGateway.Generations;
        global using LlmGateway.Providers;
        global using LlmGateway.Requests;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.AI;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        """;

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static readonly ConcurrentDictionary<string, (string From, string To)[]> Read = new();

    /// <summary>Returns the uses, with paths inside the project.</summary>
    public static (string From, string To)[] In(string project) => Read.GetOrAdd(project, OfProject);

    /// <summary>Returns the groups of which each uses all others of its group, directly or through them.</summary>
    public static IEnumerable<string[]> Circles(IEnumerable<(string From, string To)> uses)
    {
        var used = uses.ToLookup(use => use.From, use => use.To);
        var reached = used.ToDictionary(from => from.Key, from => Reached(from.Key));
        return reached
            .Where(from => from.Value.Contains(from.Key))
            .Select(from => reached.Keys.Where(to => from.Value.Contains(to) && reached[to].Contains(from.Key)))
            .Select(circle => circle.Order(StringComparer.Ordinal).ToArray())
            .DistinctBy(circle => circle[0]);

        HashSet<string> Reached(string from)
        {
            var seen = new HashSet<string>();
            var next = new Stack<string>([from]);
            while (next.TryPop(out var at))
                foreach (var to in used[at].Where(seen.Add))
                    next.Push(to);
            return seen;
        }
    }

    private static (string From, string To)[] OfProject(string project)
    {
        var trees = SourceFiles
            .CSharp(project)
            .Select(file =>
                CSharpSyntaxTree.ParseText(
                    File.ReadAllText(file.FullName),
                    path: SourceFiles.PathOf(file)[(project.Length + 1)..]
                )
            )
            .ToList();
        var compilation = CSharpCompilation.Create(
            "Sources",
            [.. trees, CSharpSyntaxTree.ParseText(GlobalUsings)],
            References
        );

        var declared = trees.SelectMany(tree => tree.GetRoot().DescendantNodes()).Select(NameOf).ToHashSet();
        return [.. trees.AsParallel().SelectMany(tree => Of(compilation.GetSemanticModel(tree), declared)).Distinct()];
    }

    /// <summary>Returns the name of a type or an extension method, or null for any other node.</summary>
    private static string? NameOf(SyntaxNode node) =>
        node switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.ValueText,
            MethodDeclarationSyntax { ParameterList.Parameters: [{ Modifiers: var modifiers }, ..] } method
                when modifiers.Any(SyntaxKind.ThisKeyword) => method.Identifier.ValueText,
            _ => null,
        };

    private static IEnumerable<(string From, string To)> Of(SemanticModel model, HashSet<string?> declared) =>
        from name in model.SyntaxTree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
        where declared.Contains(name.Identifier.ValueText)
        let found = model.GetSymbolInfo(name)
        let symbol = found.Symbol ?? found.CandidateSymbols.FirstOrDefault()
        // Of an attribute, the constructor is found.
        let type = symbol as INamedTypeSymbol ?? (symbol as IMethodSymbol)?.ContainingType
        where symbol is not IMethodSymbol { MethodKind: not MethodKind.Constructor, ReducedFrom: null }
        from place in type?.DeclaringSyntaxReferences ?? []
        where place.SyntaxTree != model.SyntaxTree
        select (model.SyntaxTree.FilePath, place.SyntaxTree.FilePath);
}
