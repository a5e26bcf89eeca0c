namespace Unit.ServiceDefaults;

/// <summary>Waits for a condition, not for a time.</summary>
internal static class Eventually
{
    public static async Task<T> GetAsync<T>(Func<T?> read)
        where T : class
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(30));
        T? found;
        while ((found = read()) is null)
            await Task.Delay(10, timeout.Token);

        return found;
    }
}
