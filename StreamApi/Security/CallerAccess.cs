using Microsoft.Extensions.Options;

namespace StreamApi.Security;

/// <summary>Answers the streaming engine's access questions from the caller's credential.</summary>
internal sealed class CallerAccess(IOptions<SecurityOptions> security) : IStreamAccess
{
    public ClientKey ClientOf(HttpContext context) => Caller.KeyOf(context);

    public bool MayRead(HttpContext context, string topic) => Caller.Of(context).MayRead(topic);

    public string? OwnerOf(HttpContext context) => Caller.Of(context).Owner;

    public StreamCaller CallerOf(HttpContext context)
    {
        var caller = Caller.Of(context);
        return new StreamCaller
        {
            User = caller.User,
            Key = caller.Key,
            Until = caller.Until,
            Notice = TimeSpan.FromSeconds(security.Value.RenewSeconds),
            Ticket = caller.Ticket,
        };
    }
}
