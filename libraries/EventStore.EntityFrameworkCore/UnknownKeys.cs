using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.EntityFrameworkCore;

namespace EventStore.EntityFrameworkCore;

/// <summary>Finds entities in the data of an event that still wait for a key from the database.</summary>
internal sealed class UnknownKeys(DbContext context, JsonSerializerOptions json)
{
    private readonly HashSet<object> _visited = new(ReferenceEqualityComparer.Instance);

    /// <exception cref="InvalidOperationException">The data has such an entity among the values that are written as
    /// JSON.</exception>
    public void Refuse<T>(T data)
    {
        if (data is not null)
            Visit(data, json.TypeOf(data));
    }

    private void Visit(object value, JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.None || !_visited.Add(value))
            return;
        RefuseEntity(value);

        if (type.Kind == JsonTypeInfoKind.Object)
            foreach (var member in type.Properties)
                VisitMember(member.Get?.Invoke(value), member.PropertyType);
        else if (value is IDictionary dictionary)
            foreach (var member in dictionary.Values)
                VisitMember(member, type.ElementType!);
        else if (value is IEnumerable items and not IQueryable)
            foreach (var item in items)
                VisitMember(item, type.ElementType!);
    }

    private void VisitMember(object? value, Type declared)
    {
        if (value is not null)
            Visit(value, json.GetTypeInfo(declared == typeof(object) ? value.GetType() : declared));
    }

    private void RefuseEntity(object value)
    {
        if (value.GetType().IsValueType || context.Model.FindRuntimeEntityType(value.GetType()) is null)
            return;

        var unknown = context
            .Entry(value)
            .Properties.FirstOrDefault(property => property.IsTemporary && !property.Metadata.IsShadowProperty());
        if (unknown is not null)
            throw new InvalidOperationException(
                $"The database has not made {value.GetType().Name}.{unknown.Metadata.Name} yet: publish by "
                    + "db.Publish(() => topic, type, () => data), which is evaluated in the save."
            );
    }
}
