namespace Unit.Model;

/// <summary>Mistakes that can be planted around the real classes. The model must find each of them.</summary>
internal enum ModelBug
{
    None,

    /// <summary>A page is taken although the one before it is missing.</summary>
    IgnorePrevious,

    /// <summary>A heartbeat settles the head although events before it did not come.</summary>
    HeartbeatSettles,

    /// <summary>A page is left out although only its first event is of a topic that nobody needs.</summary>
    TokenOfFirst,

    /// <summary>Events that nobody needed are not noted: a client that returns is served without them.</summary>
    ForgetLeftOut,

    /// <summary>A local commit is fanned out again when the feed brings it.</summary>
    PublishTwice,

    /// <summary>A local commit is fanned out although other events lie before it.</summary>
    PublishOverGap,

    /// <summary>An epoch's last common position is taken one too high.</summary>
    CommonTooHigh,

    /// <summary>A promotion leaves the former epoch's frames in the rings.</summary>
    KeepOldRing,

    /// <summary>Messages of the former epoch are still taken.</summary>
    TakeFormerEpoch,

    /// <summary>A message is published although a read before it has entered another epoch.</summary>
    PublishInAnyEpoch,

    /// <summary>The feed follows a former primary back into its epoch.</summary>
    BelieveFormerPrimary,

    /// <summary>A client beyond the fork goes on at the same position.</summary>
    ResumeBeyondFork,

    /// <summary>A stream starts at its client's id instead of after it.</summary>
    ResumeInclusive,

    /// <summary>A client that was away longer than events are kept gets no resync.</summary>
    SkipExpired,

    /// <summary>A replica that was behind for longer than events are kept goes on as if nothing were missing.</summary>
    FeedIgnoresRetention,

    /// <summary>A leader that was behind for longer than events are kept hides that some are missing.</summary>
    RelayIgnoresRetention,

    /// <summary>A page of the store is shown whatever its epoch.</summary>
    ShowAnyPage,

    /// <summary>A restarted replica starts at the head and says that it has the events before.</summary>
    StartWithoutReading,

    /// <summary>An id-only frame tells the head to a stream that is behind.</summary>
    IdTooFar,
}
