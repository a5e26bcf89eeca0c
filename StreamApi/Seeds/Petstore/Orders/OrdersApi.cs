using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using StreamApi.Security;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary><c>/v1/orders</c>: places orders and streams their steps.</summary>
internal static class OrdersApi
{
    private const string Topic = "petstore.orders.{id}.status";
    private static readonly string[] Ends = [OrderStatus.Complete];

    public static void MapOrders(this RouteGroupBuilder shop)
    {
        shop.MapPost("/orders", PlaceAsync)
            .Publishes("petstore.orders.*.status")
            .CountedAs(RequestKind.Publish)
            .TakesIdempotencyKey()
            .Takes<OrderRequest>()
            .Produces<OrderView>(StatusCodes.Status201Created);
        shop.MapGet("/orders/{id}", GetAsync).Reads(Topic).WithServerIssuedIds().Produces<OrderView>();
        shop.MapStream("/orders/{id}/status/stream", StreamAsync)
            .Reads(Topic)
            .WithServerIssuedIds()
            .SwitchesNames()
            .SendsNumbered(
                "Streams the order's past and future steps, up to complete.",
                (OrderStatus.Payment, typeof(OrderStep)),
                (OrderStatus.Confirmed, typeof(OrderStep)),
                (OrderStatus.Preparing, typeof(OrderStep)),
                (OrderStatus.Complete, typeof(OrderShipped))
            );
    }

    private static async Task<IResult> PlaceAsync(HttpContext context, OrderPlacement placement)
    {
        var body = await JsonBody.ReadAsync(context);
        body.CheckMembers("petId", "quantity", "userId");
        var petId = body.RequiredText("petId", 64);
        var quantity = body.Whole("quantity", 1, 1_000) ?? 1;

        var userId = body.Text("userId", 128);
        if (userId is not null)
            Customer.Checked(userId, context);

        var (order, refusal) = await placement.PlaceAsync(
            await IdempotencyKey.IdAsync(context, body.GetRawText),
            petId,
            quantity,
            userId,
            Caller.ClientOf(context),
            context.RequestAborted
        );

        return refusal?.ToResult() ?? TypedResults.Created($"/v1/orders/{order!.Id}", OrderView.Of(order));
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, SeedsStore store)
    {
        var order = Guid.TryParse(id, out var known)
            ? await store.ReadAsync(
                context,
                db => db.Orders.SingleOrDefaultAsync(o => o.Id == known, CancellationToken.None)
            )
            : null;
        return order is null ? Unknown(id) : TypedResults.Ok(OrderView.Of(order));
    }

    private static async Task<IResult> StreamAsync(string id, HttpContext context, TopicReader topics, SeedsStore store)
    {
        var isNamed = context.Request.Query.Flag("named");
        if (!Guid.TryParse(id, out var known) || await FindAsync() is not { } order)
            return Unknown(id);

        var topic = Order.Topic(known);
        // An order whose events have left the log will be deleted soon (EndedRows): nobody would end its stream.
        if (
            order.Status == OrderStatus.Shipped
            && (await topics.WithoutEventsAsync([topic], context.RequestAborted)).Length > 0
        )
            return Unknown(id);

        return TypedResults.FiniteEventStream(
            EventTopic.Pattern(topic),
            Ends,
            ArticleStream.FormatOf(context.Request, EventFormat.Named),
            isNamed is null ? Shown : null,
            OrderStatus.Count
        );

        async Task<Order?> FindAsync()
        {
            await using var db = store.CreateReader();
            return await db.Orders.SingleOrDefaultAsync(o => o.Id == known, CancellationToken.None);
        }
    }

    /// <summary>As in the article, steps are unnamed and only the last event is named.</summary>
    private static SseItem<object?>? Shown(EventRecord step) =>
        new(
            JsonSerializer.Deserialize<JsonElement>(step.Data.Span),
            step.Type == OrderStatus.Complete ? step.Type : null
        );

    private static IResult Unknown(string id) =>
        InvalidRequestException.ProblemOf("id", $"there is no order '{id}'.", StatusCodes.Status404NotFound);

    private sealed record OrderRequest(string PetId, int? Quantity, string? UserId);

    private sealed record OrderView(
        Guid Id,
        string Status,
        string PetId,
        string? UserId,
        int Quantity,
        decimal UnitPrice,
        decimal Total,
        string? TrackingNumber,
        DateTime CreatedAt,
        DateTime UpdatedAt
    )
    {
        public static OrderView Of(Order order) =>
            new(
                order.Id,
                order.Status,
                order.PetId,
                order.UserId,
                order.Quantity,
                order.UnitPrice,
                order.UnitPrice * order.Quantity,
                order.TrackingNumber,
                order.CreatedAt.UtcDateTime,
                order.UpdatedAt.UtcDateTime
            );
    }
}
