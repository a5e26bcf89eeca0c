using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Benchmarks.Client;

/// <summary>
/// epoll(7), without .NET's socket engine in between: a client that costs little more than its system calls, so that on
/// shared cores the server is
/// what is measured.
/// </summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    private const int In = 1,
        Add = 1,
        MostEvents = 1_024,
        Interrupted = 4,
        WouldBlock = 11;

    // struct epoll_event { uint32_t events; epoll_data_t data; }, packed on x86-64 only.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8,
        Size = DataAt + 8;

    private readonly int _descriptor = epoll_create1(0);
    private readonly byte[] _events = new byte[MostEvents * Size];
    private int _timer = -1;

    public void Watch(nint descriptor, int index)
    {
        var e = stackalloc byte[16];
        Unsafe.WriteUnaligned(e, In);
        Unsafe.WriteUnaligned(e + DataAt, index);
        if (epoll_ctl(_descriptor, Add, (int)descriptor, e) != 0)
            throw new Win32Exception();
    }

    /// <summary>The indexes of those that can be read, at least one or none after the timeout.</summary>
    public int Wait(Span<int> indexes, int timeoutMilliseconds)
    {
        fixed (byte* events = _events)
        {
            var n = epoll_wait(_descriptor, events, Math.Min(MostEvents, indexes.Length), timeoutMilliseconds);
            for (var i = 0; i < n; i++)
                indexes[i] = Unsafe.ReadUnaligned<int>(events + i * Size + DataAt);
            return Math.Max(0, n);
        }
    }

    /// <summary>
    /// Ends the next wait after this time, to some microseconds; epoll's own timeout knows milliseconds only, and
    /// waiting for the rest by looking at the
    /// clock would take the processor from the server. What it wakes is the index -1.
    /// </summary>
    public void WakeAfter(TimeSpan time)
    {
        if (_timer < 0)
        {
            _timer = timerfd_create(
                1 /* CLOCK_MONOTONIC */
                ,
                0x800 /* TFD_NONBLOCK */
            );
            Watch(_timer, -1);
        }
        // struct itimerspec: the interval (0: once) and the time, in seconds and nanoseconds each. Setting it also
        // forgets that it has been due.
        var spec = stackalloc long[4]
        {
            0,
            0,
            time.Ticks / TimeSpan.TicksPerSecond,
            Math.Max(1, time.Ticks % TimeSpan.TicksPerSecond * 100),
        };
        if (timerfd_settime(_timer, 0, spec, null) != 0)
            throw new Win32Exception();
    }

    /// <summary>Bytes read; 0 at the end or after an error, -1 where there is nothing now.</summary>
    public static int Receive(nint descriptor, Span<byte> into)
    {
        fixed (byte* bytes = into)
        {
            var n = (int)recv(
                (int)descriptor,
                bytes,
                into.Length,
                0x40 /* MSG_DONTWAIT */
            );
            return n >= 0 ? n
                : Marshal.GetLastPInvokeError() is WouldBlock or Interrupted ? -1
                : 0;
        }
    }

    public void Dispose()
    {
        if (_timer >= 0)
            _ = close(_timer);
        _ = close(_descriptor);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int descriptor, int operation, int target, byte* e);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int descriptor, byte* events, int most, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_create(int clock, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_settime(int descriptor, int flags, long* specification, long* old);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
