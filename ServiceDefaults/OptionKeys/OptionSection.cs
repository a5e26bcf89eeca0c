using System.ComponentModel;
using System.Reflection;

namespace ServiceDefaults.OptionKeys;

/// <summary>A section (<c>Limits</c>) or key (<c>AspireSse:Pools:Sse</c>), and one of the types that it is read
/// as.</summary>
public sealed record OptionSection(string Path, Type Type)
{
    /// <summary>The part of a key that stands for any number of a list or any name of a dictionary.</summary>
    public const string Any = "*";

    /// <summary>Returns all keys below the path, <c>Security:ApiKeys:*:Name</c> among them.</summary>
    public IEnumerable<string> Keys() => KeysOf(Path, Type);

    /// <summary>Reads types as the configuration binder does.</summary>
    private static IEnumerable<string> KeysOf(string path, Type type)
    {
        if (IsValue(type))
            return [path];
        if (ElementOf(type) is { } element)
            return KeysOf($"{path}:{Any}", element);

        return type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            // The binder fills a list or an object that has no setter; a value without one is computed.
            .Where(p => p.SetMethod is { IsPublic: true } || !IsValue(p.PropertyType))
            .SelectMany(p => KeysOf($"{path}:{p.Name}", p.PropertyType));
    }

    private static bool IsValue(Type type) => TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string));

    private static Type? ElementOf(Type type)
    {
        var generic = type.GetInterfaces().Append(type).Where(i => i.IsGenericType).ToList();
        return ArgumentsOf(typeof(IDictionary<,>))?[1] ?? ArgumentsOf(typeof(IEnumerable<>))?[0];

        Type[]? ArgumentsOf(Type definition) =>
            generic.FirstOrDefault(i => i.GetGenericTypeDefinition() == definition)?.GenericTypeArguments;
    }
}
