using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Adopter.Middleware;

/// <summary>A controller of an API, which returns a stream in each way that MVC knows.</summary>
[ApiController]
[Authorize]
[Route("api")]
public sealed class ApiStreamsController : ControllerBase
{
    [HttpGet("typed")]
    public EventStreamResult Typed() => TypedResults.EventStream(EventTopic.Pattern("orders.>"));

    [HttpGet("task")]
    public Task<EventStreamResult> TypedAsync() => Task.FromResult(Typed());

    [HttpGet("either")]
    public Results<EventStreamResult, NotFound> Either() => Typed();

    [HttpGet("result")]
    public IResult Result() => Typed();

    [HttpGet("open")]
    [AllowAnonymous]
    public IResult Open() => Typed();
}

/// <summary>A controller whose policy is a filter of all of them.</summary>
[ApiController]
[Route("filtered")]
public sealed class FilteredStreamsController : ControllerBase
{
    [HttpGet("typed")]
    public EventStreamResult Typed() => TypedResults.EventStream(EventTopic.Pattern("orders.>"));
}

/// <summary>A controller of pages, which also streams.</summary>
[Authorize]
[Route("pages")]
public sealed class PageStreamsController : Controller
{
    [HttpGet("typed")]
    public EventStreamResult Typed() => TypedResults.EventStream(EventTopic.Pattern("orders.>"));

    [HttpGet("task")]
    public Task<EventStreamResult> TypedAsync() => Task.FromResult(Typed());

    [HttpGet("either")]
    public Results<EventStreamResult, NotFound> Either() => Typed();

    [HttpGet("result")]
    public IResult Result() => Typed();

    [HttpGet("open")]
    [AllowAnonymous]
    [ResponseCache(Duration = 60)]
    public IResult Open() => Typed();
}
