using System.Text.Json;

namespace Coser.Client.Contract;

/// <summary>What a caller may do.</summary>
public enum RoleName
{
    /// <summary>Looks at everything, changes nothing.</summary>
    Reader,

    /// <summary>Hands in jobs, and sees and steers its own.</summary>
    User,

    /// <summary>Sees and steers all jobs.</summary>
    Admin,
}

/// <summary>Who the caller is.</summary>
public sealed record SessionView
{
    /// <summary>True when the server asks for keys.</summary>
    public bool Required { get; init; }

    /// <summary>True when the caller may use the API.</summary>
    public bool SignedIn { get; init; }

    /// <summary>The name of its key.</summary>
    public string? Name { get; init; }

    /// <summary>Its role.</summary>
    public RoleName? Role { get; init; }
}

/// <summary>A key to sign in with.</summary>
/// <param name="Key">As <c>coser serve keys add</c> printed it.</param>
public sealed record SignIn(string? Key);

/// <summary>What the server can do.</summary>
public sealed record Capabilities
{
    /// <summary>The model that is taken when none is named.</summary>
    public string Model { get; init; } = "";

    /// <summary>Models.</summary>
    public IReadOnlyList<ModelChoice> Models { get; init; } = [];

    /// <summary>Presets of the default model.</summary>
    public IReadOnlyList<PresetView> Presets { get; init; } = [];

    /// <summary>Samplers.</summary>
    public IReadOnlyList<SamplerName> Samplers { get; init; } = [];

    /// <summary>Colour corrections.</summary>
    public IReadOnlyList<ColourFixName> ColourFixes { get; init; } = [];

    /// <summary>Sources of the reference.</summary>
    public IReadOnlyList<ReferenceName> References { get; init; } = [];

    /// <summary>Formats of results.</summary>
    public IReadOnlyList<FormatName> Formats { get; init; } = [];

    /// <summary>What holds where nothing is asked for, of the default model.</summary>
    public JobSettings Defaults { get; init; } = new();

    /// <summary>Least and greatest values.</summary>
    public IReadOnlyDictionary<string, double[]> Ranges { get; init; } = new Dictionary<string, double[]>();

    /// <summary>Limits of uploads.</summary>
    public LimitsView Limits { get; init; } = new();

    /// <summary>The server's version and commit.</summary>
    public string Version { get; init; } = "";

    /// <summary>"cpu" or "cuda"; null: workers elsewhere decide.</summary>
    public string? Device { get; init; }
}

/// <summary>A model to choose.</summary>
public sealed record ModelChoice
{
    /// <summary>What to write in <see cref="JobSettings.Model"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Its enlargement.</summary>
    public int Scale { get; init; }

    /// <summary>"coser", or "pre-sr" for a model with its first network alone.</summary>
    public string Kind { get; init; } = "";

    /// <summary>One sentence.</summary>
    public string Title { get; init; } = "";

    /// <summary>False: it cannot be used now.</summary>
    public bool Ready { get; init; }

    /// <summary>Why it is not ready.</summary>
    public string? Reason { get; init; }

    /// <summary>Members of <see cref="JobSettings"/> that mean something to it.</summary>
    public IReadOnlyList<string> Controls { get; init; } = [];

    /// <summary>What its presets mean.</summary>
    public IReadOnlyList<PresetView>? Presets { get; init; }

    /// <summary>What holds where nothing is asked for.</summary>
    public JobSettings? Defaults { get; init; }
}

/// <summary>A preset.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Steps">Sampling steps.</param>
/// <param name="Sampler">Its sampler.</param>
/// <param name="Guidance">Its guidance scale.</param>
public sealed record PresetView(PresetName Name, int Steps, SamplerName Sampler, double Guidance);

/// <summary>Limits of uploads.</summary>
public sealed record LimitsView
{
    /// <summary>Bytes of a file.</summary>
    public long Bytes { get; init; }

    /// <summary>Pixels of a photo, width times height.</summary>
    public long Pixels { get; init; }

    /// <summary>Jobs that wait, of all owners together.</summary>
    public int Queue { get; init; }
}

/// <summary>A model in full.</summary>
public sealed record ModelView
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>One sentence.</summary>
    public string Description { get; init; } = "";

    /// <summary>Licence of the weights.</summary>
    public string Licence { get; init; } = "";

    /// <summary>SHA-256 over its files: equal hashes restore alike.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Its enlargement.</summary>
    public int Scale { get; init; }

    /// <summary>"coser" or "pre-sr".</summary>
    public string Kind { get; init; } = "";

    /// <summary>Its networks.</summary>
    public IReadOnlyList<ComponentView> Components { get; init; } = [];

    /// <summary>How the weights came to be; free form.</summary>
    public JsonElement? Provenance { get; init; }
}

/// <summary>A network of a model.</summary>
/// <param name="Role">Its place in the model.</param>
/// <param name="Kind">Its class.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Bytes">Size of its file.</param>
public sealed record ComponentView(string Role, string Kind, long Parameters, long Bytes);

/// <summary>A worker.</summary>
public sealed record WorkerView
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>"cpu" or "cuda".</summary>
    public string Device { get; init; } = "";

    /// <summary>Kinds of jobs it takes.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [];

    /// <summary>Models it has; empty: whatever a job names.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Version of its program.</summary>
    public string Version { get; init; } = "";

    /// <summary>The job it has in hand.</summary>
    public string? Job { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>When it was last heard of.</summary>
    public DateTimeOffset Seen { get; init; }
}

/// <summary>A problem, as of RFC 9457.</summary>
public sealed record ProblemView
{
    /// <summary>The media type it comes in.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>A name of the kind of problem.</summary>
    public string Type { get; init; } = "about:blank";

    /// <summary>The kind in words.</summary>
    public string Title { get; init; } = "";

    /// <summary>HTTP status.</summary>
    public int Status { get; init; }

    /// <summary>What, why, and what to do about it.</summary>
    public string Detail { get; init; } = "";

    /// <summary>A short name of the kind, one of <see cref="ProblemCode"/>.</summary>
    public string Code { get; init; } = "";
}

/// <summary>Names of kinds of problems.</summary>
public static class ProblemCode
{
    /// <summary>413: bytes or pixels beyond the limits.</summary>
    public const string TooLarge = "too-large";

    /// <summary>415 or 422: no photo of a kind that is read, or a damaged one.</summary>
    public const string NotAnImage = "not-an-image";

    /// <summary>503: too many jobs wait.</summary>
    public const string QueueFull = "queue-full";

    /// <summary>429: too many requests.</summary>
    public const string RateLimited = "rate-limited";

    /// <summary>404: there is none, or none the caller may see.</summary>
    public const string NotFound = "not-found";

    /// <summary>400 or 422: an option is unknown, out of range, or does not fit.</summary>
    public const string BadOption = "bad-option";

    /// <summary>400: the request is not what this address takes.</summary>
    public const string BadRequest = "bad-request";

    /// <summary>401: no key, or a wrong one.</summary>
    public const string Unauthorised = "unauthorised";

    /// <summary>403: the caller's role, its origin or the host's name does not allow it.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>409: the idempotency key was used for another request.</summary>
    public const string IdempotencyConflict = "idempotency-conflict";

    /// <summary>409: the job's state does not allow it.</summary>
    public const string Conflict = "conflict";

    /// <summary>503: the job database or the store does not answer.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>500: a mistake of the server's.</summary>
    public const string Internal = "internal";
}
