using System.Net;

namespace Coser.Client;

/// <summary>The server refused a request. The message says what, why, and what to do about it.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">A short name of the kind of problem, one of <see cref="Contract.ProblemCode"/>.</param>
/// <param name="detail">The server's words.</param>
/// <param name="retryAfter">When the server says to try again; null: it does not.</param>
public sealed class CoserApiException(HttpStatusCode status, string code, string detail, TimeSpan? retryAfter = null)
    : Exception(detail)
{
    /// <summary>HTTP status.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>A short name of the kind of problem.</summary>
    public string Code { get; } = code;

    /// <summary>When to try again.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
