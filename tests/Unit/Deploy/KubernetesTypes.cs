using System.Text.RegularExpressions;
using Harness.Deployments;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Kubernetes' own schema, from the declarations of the npm package kubernetes-types, which are generated from
/// its OpenAPI document. An unknown field, a missing one, and a value of another type are errors.</summary>
/// <param name="folder">The package: <c>apps/v1.d.ts</c> and so on.</param>
internal sealed partial class KubernetesTypes(string folder)
{
    private readonly Dictionary<string, DeclarationFile> _files = [];

    /// <summary>Returns what is wrong with an object, each with its line.</summary>
    public IReadOnlyList<string> Problems(YamlMappingNode one)
    {
        var group = one.Text("apiVersion").Split('/');
        var file = File(group.Length == 1 ? $"core/{group[0]}" : $"{group[0].Split('.')[0]}/{group[1]}");
        return file is null
            ? [$"{one.Text("apiVersion")} is no API of Kubernetes."]
            : [.. Check(one, one.Text("kind"), file, one.Text("kind"))];
    }

    private IEnumerable<string> Check(YamlNode node, string type, DeclarationFile file, string path)
    {
        if (type.StartsWith("Array<", StringComparison.Ordinal))
            return node is YamlSequenceNode list
                ? list.SelectMany((item, i) => Check(item, type[6..^1], file, $"{path}[{i}]"))
                : Wrong(node, path, "a list");
        if (Map().Match(type) is { Success: true } map)
            return node is YamlMappingNode values
                ? values.SelectMany(v => Check(v.Value, map.Groups[1].Value, file, $"{path}.{v.Key}"))
                : Wrong(node, path, "a map");
        if (Scalar(type) is { } fits)
            return node is YamlScalarNode scalar && fits(scalar) ? [] : Wrong(node, path, type);
        if (file.Aliases.TryGetValue(type, out var alias))
            return Check(node, alias, file, path);
        if (file.Interfaces.TryGetValue(type, out var fields))
            return node is YamlMappingNode one ? CheckFields(one, fields, file, path) : Wrong(node, path, type);

        return file.Imports.TryGetValue(type, out var import)
            ? Check(node, type, File(import)!, path)
            : [$"{path}: the type {type} is not known."];
    }

    private IEnumerable<string> CheckFields(
        YamlMappingNode one,
        IReadOnlyDictionary<string, Field> fields,
        DeclarationFile file,
        string path
    )
    {
        foreach (var (key, value) in one.Children)
            if (!fields.TryGetValue(key.Text(), out var field))
                yield return $"line {key.Start.Line}: {path} has no field {key.Text()}.";
            else
                foreach (var problem in Check(value, field.Type, file, $"{path}.{key.Text()}"))
                    yield return problem;
        foreach (var (name, _) in fields.Where(f => f.Value.IsRequired && one.Find(f.Key) is null))
            yield return $"line {one.Start.Line}: {path} lacks {name}.";
    }

    private static IEnumerable<string> Wrong(YamlNode node, string path, string type) =>
        [$"line {node.Start.Line}: {path} is '{node}', not {type}."];

    /// <summary>Kubernetes refuses a number where it wants a text: <c>"1"</c>, not <c>1</c>.</summary>
    private static Func<YamlScalarNode, bool>? Scalar(string type) =>
        type switch
        {
            "string" => s => s.Style != ScalarStyle.Plain || !(IsNumber(s) || Constant().IsMatch(s.Value!)),
            "number" => s => s.Style == ScalarStyle.Plain && IsNumber(s),
            "number | string" => _ => true,
            "boolean" => s => s.Style == ScalarStyle.Plain && s.Value is "true" or "false",
            _ when type.StartsWith('"') => s => $"\"{s.Value}\"" == type,
            _ => null,
        };

    private static bool IsNumber(YamlScalarNode scalar) => Number().IsMatch(scalar.Value!);

    private DeclarationFile? File(string name)
    {
        if (_files.TryGetValue(name, out var known))
            return known;
        var path = Path.Combine(folder, name + ".d.ts");
        return System.IO.File.Exists(path)
            ? _files[name] = DeclarationFile.Parse(System.IO.File.ReadAllText(path), Path.GetDirectoryName(name)!)
            : null;
    }

    [GeneratedRegex(@"^\{ ?\[\w+: string\]: (.+?);? ?\}$")]
    private static partial Regex Map();

    [GeneratedRegex(@"^[-+]?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?$")]
    private static partial Regex Number();

    [GeneratedRegex("^(true|false|yes|no|on|off|null|~|)$", RegexOptions.IgnoreCase)]
    private static partial Regex Constant();

    private sealed record Field(string Type, bool IsRequired);

    /// <summary>One <c>.d.ts</c> file: interfaces with one field a line, aliases, imports.</summary>
    private sealed partial record DeclarationFile(
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, Field>> Interfaces,
        IReadOnlyDictionary<string, string> Aliases,
        IReadOnlyDictionary<string, string> Imports
    )
    {
        public static DeclarationFile Parse(string text, string folder)
        {
            var code = Spaces().Replace(Comment().Replace(text, ""), " ");
            var imports = Import()
                .Matches(code)
                .SelectMany(i =>
                    i.Groups[1]
                        .Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                        .Select(name => (Name: name, File: Relative(folder, i.Groups[2].Value)))
                )
                .ToDictionary(i => i.Name, i => i.File);

            var interfaces = Interface()
                .Matches(code)
                .ToDictionary(
                    i => i.Groups[1].Value,
                    IReadOnlyDictionary<string, Field> (i) =>
                        Member()
                            .Matches(i.Groups[2].Value)
                            .ToDictionary(
                                m => m.Groups[1].Value,
                                m => new Field(m.Groups[3].Value.Trim(), m.Groups[2].Length == 0)
                            )
                );
            var aliases = Alias().Matches(code).ToDictionary(a => a.Groups[1].Value, a => a.Groups[2].Value.Trim());

            return new DeclarationFile(interfaces, aliases, imports);
        }

        private static string Relative(string folder, string import) =>
            Path.GetRelativePath("/", Path.GetFullPath(import, "/" + folder));

        [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
        private static partial Regex Comment();

        [GeneratedRegex(@"\s+")]
        private static partial Regex Spaces();

        [GeneratedRegex(@"import \{([^}]*)\} from ""([^""]+)""")]
        private static partial Regex Import();

        // A field may hold braces of its own: data?: { [name: string]: string; };
        [GeneratedRegex(@"export interface (\w+)[^{]*\{((?:[^{}]|\{[^{}]*\})*)\}")]
        private static partial Regex Interface();

        [GeneratedRegex(@"(?:readonly )?""?([\w$-]+)""?(\??): ((?:[^;{}]|\{[^{}]*\})+);")]
        private static partial Regex Member();

        [GeneratedRegex(@"export type (\w+) = ([^;]+);")]
        private static partial Regex Alias();
    }
}
