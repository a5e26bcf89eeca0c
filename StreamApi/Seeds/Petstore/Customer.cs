using StreamApi.Security;

namespace StreamApi.Seeds.Petstore;

/// <summary>The user for whom a request orders, or asks for recommendations.</summary>
internal static class Customer
{
    /// <summary>The topics of all orders.</summary>
    public const string Orders = "petstore.orders.*.status";

    /// <summary>Allows the caller's own name; any name for a caller that may read all orders.</summary>
    /// <exception cref="InvalidRequestException">The name is another user's.</exception>
    public static string Checked(string userId, HttpContext context) =>
        Caller.Of(context).MayRead(Orders) || userId == Caller.Of(context).Owner
            ? userId
            : throw new InvalidRequestException(
                "userId",
                $"must be your own name. Another requires the claim sse.subscribe for {Orders}.",
                StatusCodes.Status403Forbidden
            );
}
