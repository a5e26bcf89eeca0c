namespace Adopter.Callers;

/// <summary>One application for the tests of a class.</summary>
public class RunningCallers : IAsyncLifetime
{
    internal CallersApp App { get; private set; } = null!;

    protected virtual bool IsOpen => false;

    public async ValueTask InitializeAsync() => App = await CallersApp.StartAsync(IsOpen);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await App.DisposeAsync();
    }
}

/// <summary>One whose gateway takes anybody.</summary>
public sealed class OpenCallers : RunningCallers
{
    protected override bool IsOpen => true;
}
