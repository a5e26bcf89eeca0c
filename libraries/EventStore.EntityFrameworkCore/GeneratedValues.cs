using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Update;

namespace EventStore.EntityFrameworkCore;

/// <summary>Lets the entities of a save have the values that the database has generated for them, until it is disposed.
/// Entity Framework itself gives them the values after the save's transaction has committed, and not at all if it
/// fails.</summary>
internal sealed class GeneratedValues : IDisposable
{
    private readonly List<(object Entity, MemberInfo Member, object? Value)> _replaced = [];

    public GeneratedValues(IEnumerable<IUpdateEntry> saved)
    {
        foreach (var entry in saved.Where(entry => entry.EntityState is EntityState.Added or EntityState.Modified))
        foreach (var property in entry.ToEntityEntry().Properties)
            if (IsGenerated(property.Metadata))
                Show(property);
    }

    public void Dispose()
    {
        foreach (var (entity, member, value) in _replaced)
            Set(entity, member, value);
    }

    private static bool IsGenerated(IProperty property) =>
        !property.IsShadowProperty()
        && !property.IsIndexerProperty()
        && (property.ValueGenerated != ValueGenerated.Never || property.IsForeignKey());

    private void Show(PropertyEntry property)
    {
        var entity = property.EntityEntry.Entity;
        var member = property.Metadata.GetMemberInfo(forMaterialization: true, forSet: true);
        var before = member is FieldInfo field ? field.GetValue(entity) : ((PropertyInfo)member).GetValue(entity);
        if (Equals(before, property.CurrentValue))
            return;

        _replaced.Add((entity, member, before));
        Set(entity, member, property.CurrentValue);
    }

    private static void Set(object entity, MemberInfo member, object? value)
    {
        if (member is FieldInfo field)
            field.SetValue(entity, value);
        else
            ((PropertyInfo)member).SetValue(entity, value);
    }
}
