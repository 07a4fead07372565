using System.Text.Encodings.Web;
using System.Threading.RateLimiting;
using Coser.Client.Contract;
using Coser.Server.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace Coser.Server.Access;

/// <summary>Who may do what, and how often.</summary>
internal static class AccessSetup
{
    /// <summary>Any role.</summary>
    public const string Look = "look";

    /// <summary>Roles that hand in and steer jobs.</summary>
    public const string Work = "work";

    /// <summary>The limit of attempts to sign in.</summary>
    public const string SignInLimit = "sign-in";

    private const int SignInsAMinute = 10;
    private const int Burst = 5;

    public static void Add(IServiceCollection services, ServerOptions options)
    {
        // The core alone: the rest would keep keys of its own in the user's home.
        services.AddAuthenticationCore(o =>
        {
            o.DefaultScheme = KeyHandler.SchemeName;
            o.AddScheme<KeyHandler>(KeyHandler.SchemeName, displayName: null);
        });
        services.AddTransient<KeyHandler>();
        services.AddSingleton(UrlEncoder.Default);
        services
            .AddAuthorizationBuilder()
            .AddPolicy(Look, p => p.RequireAuthenticatedUser())
            .AddPolicy(Work, p => p.RequireRole(nameof(RoleName.User), nameof(RoleName.Admin)));
        services.AddRateLimiter(limits => Limit(limits, options));
    }

    private static void Limit(RateLimiterOptions limits, ServerOptions options)
    {
        limits.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            context.Request.Path.StartsWithSegments(RouteGroups.Base, StringComparison.Ordinal)
                ? RateLimitPartition.GetTokenBucketLimiter(
                    CallerKey(context),
                    _ => new TokenBucketRateLimiterOptions
                    {
                        TokenLimit = Burst * options.RequestsPerSecond,
                        TokensPerPeriod = Math.Max(1, options.RequestsPerSecond / 10),
                        ReplenishmentPeriod = TimeSpan.FromMilliseconds(options.RequestsPerSecond >= 10 ? 100 : 1000),
                        QueueLimit = 0,
                    }
                )
                : RateLimitPartition.GetNoLimiter("page")
        );
        limits.AddPolicy(
            SignInLimit,
            context =>
                RateLimitPartition.GetFixedWindowLimiter(
                    "sign-in of " + Address(context),
                    _ => new FixedWindowRateLimiterOptions
                    {
                        PermitLimit = SignInsAMinute,
                        Window = TimeSpan.FromMinutes(1),
                    }
                )
        );
        limits.OnRejected = (rejected, _) =>
            new ValueTask(
                Problems.WriteAsync(
                    rejected.HttpContext,
                    StatusCodes.Status429TooManyRequests,
                    ProblemCode.RateLimited,
                    "too many requests. Wait as long as Retry-After says, then go on more slowly.",
                    rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait)
                        ? wait
                        : TimeSpan.FromSeconds(1)
                )
            );
    }

    private static string CallerKey(HttpContext context) =>
        context.MaybeCaller() is { } caller && caller != Caller.Local
            ? "key " + caller.Name
            : "address " + Address(context);

    private static string Address(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}
