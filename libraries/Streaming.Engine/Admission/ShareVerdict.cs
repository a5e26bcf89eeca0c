namespace Streaming.Admission;

internal enum ShareVerdict
{
    Admitted,

    /// <summary>The client has more than an equal share: 429.</summary>
    OwnExcess,

    /// <summary>All clients together have too much: 503.</summary>
    Full,
}
