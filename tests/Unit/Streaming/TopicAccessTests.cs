using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Unit.ServiceDefaults;

namespace Unit.Streaming;

/// <summary>Topics with a route value, for a caller with every right.</summary>
public sealed class TopicAccessTests
{
    [Theory]
    [InlineData("osaka", HttpStatusCode.OK)]
    [InlineData("%3E", HttpStatusCode.BadRequest)]
    [InlineData("*", HttpStatusCode.BadRequest)]
    [InlineData("osaka.internal", HttpStatusCode.BadRequest)]
    [InlineData("a%20b", HttpStatusCode.BadRequest)]
    public async Task A_route_value_in_a_topic_is_one_token_or_refused(string city, HttpStatusCode status)
    {
        await using var service = await Service.StartAsync(
            builder => builder.Services.AddAuthorization().AddSingleton<IAuthorizationHandler, EveryRight>(),
            app =>
            {
                app.Use(
                    (context, next) =>
                    {
                        context.User = new ClaimsPrincipal(new ClaimsIdentity("test"));
                        return next(context);
                    }
                );

                app.UseAuthorization();
                app.MapGet("/read/{city}", (string city) => city).Reads("weather.{city}");
                app.MapGet("/publish/{city}", (string city) => city).Publishes("weather.{city}");
            }
        );

        foreach (var path in (string[])["/read/", "/publish/"])
        {
            using var answer = await service.Outside.GetAsync(path + city, TestContext.Current.CancellationToken);
            Assert.Equal((path, status), (path, answer.StatusCode));

            if (status == HttpStatusCode.BadRequest)
                Assert.Contains(
                    "\"errors\":{\"city\":",
                    await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                    StringComparison.Ordinal
                );
        }
    }

    private sealed class EveryRight : AuthorizationHandler<TopicAccess>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, TopicAccess requirement)
        {
            context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }
}
