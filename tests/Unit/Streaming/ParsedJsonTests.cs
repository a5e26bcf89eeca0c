using System.Buffers;
using System.Text;

namespace Unit.Streaming;

/// <summary>The pool of arrays belongs to the process: another test that returns a large one would fill it.</summary>
[Collection(ProcessWide.Name)]
public sealed class ParsedJsonTests
{
    private const int Values = 1_000_000;

    [Fact]
    public async Task Rows_of_a_body_with_a_million_values_do_not_stay_in_the_pool()
    {
        var body = Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Repeat('0', Values))}]");
        // The pool keeps arrays for each thread. This thread is new, and takes those that all threads share first.
        var (values, isKept) = await Task.Factory.StartNew(
            () => Parse(body),
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        Assert.Equal(Values, values);
        Assert.All(isKept, Assert.False);
    }

    [Theory]
    [InlineData("[1,2,3]", false)]
    [InlineData("[1,2,3,4]", true)]
    [InlineData("[[1,2,3,4],{\"a\":[1,2,3,4]},3]", false)]
    [InlineData(" [ {\"a\":1} , [] , {} , \"d\" ] ", true)]
    [InlineData("[1,2,3,4,", true)]
    [InlineData("[1,2,3", false)]
    [InlineData("{\"a\":[1,2,3,4]}", false)]
    [InlineData("4", false)]
    [InlineData("", false)]
    [InlineData("[1,2,}", false)]
    public void The_items_of_an_array_are_counted_before_it_is_parsed(string text, bool isLonger) =>
        Assert.Equal(isLonger, ParsedJson.IsLongerArray(Encoding.UTF8.GetBytes(text), 3));

    [Theory]
    [InlineData("{\"a\":1,\"b\":2}", false)]
    [InlineData("{\"a\":1,\"b\":2,\"c\":3}", true)]
    [InlineData("{\"a\":[1,2]}", true)]
    [InlineData("[{},[]]", false)]
    [InlineData("[[[]]]", false)]
    [InlineData("[{},[],0]", true)]
    [InlineData("{\"a,b,c\":\"d,e,f,{,[\"}", false)]
    [InlineData("[1,2,3,", true)]
    [InlineData("[1,2", false)]
    [InlineData("", false)]
    public void The_values_of_a_body_are_counted_before_it_is_parsed(string text, bool hasMore) =>
        Assert.Equal(hasMore, ParsedJson.HasMoreValues(Encoding.UTF8.GetBytes(text), 3));

    /// <summary>Parses a body on this thread; returns its length, and for each size whether the pool keeps an
    /// array.</summary>
    private static (int Values, bool[] IsKept) Parse(byte[] body)
    {
        var others = Sizes.Select(Drain).ToArray();
        int values;
        using (var json = JsonRequest.ParseAsync(body).AsTask().GetAwaiter().GetResult())
            values = json.Root.GetArrayLength();

        bool[] isKept = [.. Sizes.Select(IsPooled)];
        GC.KeepAlive(others);
        return (values, isKept);
    }

    /// <summary>Sizes of the arrays that the parser rents, one after the other, for 12 MB of rows.</summary>
    private static int[] Sizes => [2 << 20, 4 << 20, 8 << 20, 16 << 20];

    /// <summary>Takes all pooled arrays of a size, those of other tests, too.</summary>
    private static List<byte[]> Drain(int size)
    {
        var arrays = new List<byte[]>();
        while (Rent(size, out var isPooled) is { } array && isPooled)
            arrays.Add(array);
        return arrays;
    }

    private static bool IsPooled(int size)
    {
        Rent(size, out var isPooled);
        return isPooled;
    }

    private static byte[] Rent(int size, out bool isPooled)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var array = ArrayPool<byte>.Shared.Rent(size);
        isPooled = GC.GetAllocatedBytesForCurrentThread() - before < size;
        return array;
    }
}
