using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Scaffolding;
using Microsoft.EntityFrameworkCore.Storage;

namespace Adopter.Outbox;

/// <summary>A context whose model is compiled before, as <c>dotnet ef dbcontext optimize</c> does it.</summary>
public sealed class CompiledModelTests(Shop shop) : IClassFixture<Shop>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_compiled_model_publishes(bool sync)
    {
        var id = shop.Next();
        await using (var db = Open(model: null))
        {
            await db.Database.ExecuteSqlAsync($"drop table if exists notes", Stop);
            await db.Database.GetService<IRelationalDatabaseCreator>().CreateTablesAsync(Stop);
        }

        await using (var db = Open(Compiled()))
        {
            var note = new CompiledNote();
            db.Add(note);
            db.Publish($"shops.{id}.item", "first", 1);
            db.Publish(() => $"shops.{id}.{note.Id}", "made", () => note);
            Assert.True(db.ChangeTracker.HasChanges());
            await db.SaveAsync(sync);
            Assert.Equal(1, note.Id);
            Assert.Empty(db.ChangeTracker.Entries<OutboxEvent>());
        }

        var events = await shop.EventsAsync($"shops.{id}.>");
        Assert.Equal([$"shops.{id}.item", $"shops.{id}.1"], events.Select(e => e.Topic));
    }

    private CompiledDb Open(IModel? model)
    {
        var options = new DbContextOptionsBuilder<CompiledDb>();
        options.UseNpgsql(shop.ConnectionString).UseSse();
        if (model is not null)
            options.UseModel(model);
        return new CompiledDb(options.Options);
    }

    private IModel Compiled()
    {
        using var db = Open(model: null);
        var services = new ServiceCollection();
        var provider = typeof(NpgsqlDbContextOptionsBuilderExtensions).Assembly;
        var ofProvider = provider.GetCustomAttribute<DesignTimeProviderServicesAttribute>()!.TypeName;
        ((IDesignTimeServices)Activator.CreateInstance(provider.GetType(ofProvider)!)!).ConfigureDesignTimeServices(
            services
        );
        services.AddEntityFrameworkDesignTimeServices().AddDbContextDesignTimeServices(db);
        using var tools = services.BuildServiceProvider();
        var options = new CompiledModelCodeGenerationOptions
        {
            ContextType = typeof(CompiledDb),
            ModelNamespace = "Compiled",
            Language = "C#",
        };
        var files = tools
            .GetRequiredService<ICompiledModelCodeGeneratorSelector>()
            .Select(options)
            .GenerateModel(db.GetService<IDesignTimeModel>().Model, options);

        var known = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Compiled",
            files.Select(file => CSharpSyntaxTree.ParseText(file.Code, cancellationToken: Stop)),
            known.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        );
        using var bytes = new MemoryStream();
        var emitted = compilation.Emit(bytes, cancellationToken: Stop);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        var model = Assembly.Load(bytes.ToArray()).GetType("Compiled.CompiledDbModel")!;
        return (IModel)model.GetProperty("Instance")!.GetValue(null)!;
    }
}

public sealed class CompiledNote
{
    public int Id { get; set; }
}

public sealed class CompiledDb(DbContextOptions<CompiledDb> options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.Entity<CompiledNote>().ToTable("notes");
}
