using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coser.Training.Degradation;

/// <summary>
/// Parameters of the second-order degradation (Real-ESRGAN, section 3), with the values that CoSeR's reference training uses.
/// JSON that leaves members out, at any depth, keeps these values for them.
/// </summary>
public sealed record DegradationSettings
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        WriteIndented = true,
    };

    /// <summary>The reference training's values.</summary>
    public static DegradationSettings Reference { get; } = new();

    /// <summary>HR pixels an LR pixel, along one side.</summary>
    public int Scale { get; init; } = 4;

    /// <summary>Side length of the HR window cut at the end, a multiple of <see cref="Scale"/>; null keeps the whole image.</summary>
    public int? GtSize { get; init; } = 512;

    /// <summary>Sharpens the HR image, before it is degraded, by <see cref="UsmSharp"/>.</summary>
    public bool SharpenGt { get; init; } = true;

    /// <summary>Rounds the LR image to 8-bit levels, as files do. The reference only clamps it.</summary>
    public bool RoundLq { get; init; } = true;

    /// <summary>Probability that the LR image is nothing but the HR image shrunk.</summary>
    public double NoDegradationProbability { get; init; } = 0.01;

    /// <summary>The first pass: from the HR image.</summary>
    [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
    public PassSettings First { get; init; } =
        new()
        {
            BlurProbability = 1,
            Blur = new() { Sigma = new(0.2, 1.5) },
            ResizeProbabilities = new(0.2, 0.7, 0.1),
            ResizeFactor = new(0.3, 1.5),
            GaussianSigma = new(1, 15),
            PoissonScale = new(0.05, 2),
            JpegQuality = new(60, 95),
        };

    /// <summary>The second pass: at about the LR image's size.</summary>
    [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
    public PassSettings Second { get; init; } =
        new()
        {
            BlurProbability = 0.5,
            Blur = new() { Sigma = new(0.2, 1) },
            ResizeProbabilities = new(0.3, 0.4, 0.3),
            ResizeFactor = new(0.6, 1.2),
            GaussianSigma = new(1, 12),
            PoissonScale = new(0.05, 1),
            JpegQuality = new(60, 100),
        };

    /// <summary>Probability of the closing circular low-pass filter.</summary>
    public double FinalSincProbability { get; init; } = 0.8;

    /// <summary>Reads settings from JSON in snake_case; what it leaves out keeps the reference's value.</summary>
    /// <exception cref="JsonException">The text is not JSON of this form, or has a member that means nothing.</exception>
    /// <exception cref="ValidationException">A value is out of its range.</exception>
    public static DegradationSettings FromJson(string json)
    {
        DegradationSettings settings =
            JsonSerializer.Deserialize<DegradationSettings>(json, Json)
            ?? throw new JsonException("degradation settings are an object");
        settings.Validate();
        return settings;
    }

    /// <summary>Reads settings from a file, as <see cref="FromJson"/> does.</summary>
    /// <exception cref="InvalidDataException">It cannot be read or is not sound; the message names it and the place.</exception>
    public static DegradationSettings Read(string path)
    {
        try
        {
            return FromJson(File.ReadAllText(path));
        }
        catch (Exception e)
            when (e is JsonException or ValidationException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: no degradation settings ({e.Message})", e);
        }
    }

    /// <summary>All settings as JSON in snake_case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Checks every value.</summary>
    /// <exception cref="ValidationException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        Check.That(Scale >= 1, "scale is at least 1");
        Check.That(GtSize is null || GtSize >= Scale && GtSize % Scale == 0, "gt_size is a positive multiple of scale");
        Check.Probability(NoDegradationProbability, "no_degradation_probability");
        Check.Probability(FinalSincProbability, "final_sinc_probability");
        First.Validate("first");
        Second.Validate("second");
    }
}

/// <summary>One pass of blur, resize, noise and JPEG.</summary>
public sealed record PassSettings
{
    /// <summary>Probability that the pass blurs.</summary>
    public double BlurProbability { get; init; } = 1;

    /// <summary>How its blur kernels are drawn.</summary>
    [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
    public BlurSettings Blur { get; init; } = new();

    /// <summary>How often the pass enlarges, shrinks, or keeps the size.</summary>
    public ResizeOdds ResizeProbabilities { get; init; } = new(0.2, 0.7, 0.1);

    /// <summary>Smallest factor of shrinking and largest of enlarging; 1 lies between.</summary>
    public Interval ResizeFactor { get; init; } = new(0.3, 1.5);

    /// <summary>Probability of Gaussian noise; Poisson noise otherwise.</summary>
    public double GaussianProbability { get; init; } = 0.5;

    /// <summary>Standard deviation of Gaussian noise, 8-bit levels.</summary>
    public Interval GaussianSigma { get; init; } = new(1, 15);

    /// <summary>Strength of Poisson noise; 1 is that of the counts themselves.</summary>
    public Interval PoissonScale { get; init; } = new(0.05, 2);

    /// <summary>Probability that noise is grey.</summary>
    public double GreyNoiseProbability { get; init; } = 0.4;

    /// <summary>JPEG quality, above 0 up to 100.</summary>
    public Interval JpegQuality { get; init; } = new(60, 95);

    internal void Validate(string name)
    {
        Check.Probability(BlurProbability, name + ".blur_probability");
        Check.Probability(GaussianProbability, name + ".gaussian_probability");
        Check.Probability(GreyNoiseProbability, name + ".grey_noise_probability");
        Check.Interval(ResizeFactor, double.Epsilon, double.MaxValue, name + ".resize_factor");
        Check.That(ResizeFactor is { Low: <= 1, High: >= 1 }, name + ".resize_factor has 1 between its bounds");
        Check.Interval(GaussianSigma, 0, double.MaxValue, name + ".gaussian_sigma");
        Check.Interval(PoissonScale, 0, double.MaxValue, name + ".poisson_scale");
        Check.Interval(JpegQuality, 1, 100, name + ".jpeg_quality");
        (double up, double down, double keep) = ResizeProbabilities;
        Check.Weights([up, down, keep], 3, name + ".resize_probabilities");
        Blur.Validate(name + ".blur");
    }
}

/// <summary>How a blur kernel is drawn.</summary>
public sealed record BlurSettings
{
    /// <summary>Side lengths, all alike; odd.</summary>
    public IReadOnlyList<int> KernelSizes { get; init; } = [7, 9, 11, 13, 15, 17, 19, 21];

    /// <summary>
    /// Weights of the kinds: Gaussian isotropic and anisotropic, generalised isotropic and anisotropic, plateau isotropic and
    /// anisotropic.
    /// </summary>
    public IReadOnlyList<double> KindProbabilities { get; init; } = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03];

    /// <summary>Probability of a circular low-pass filter instead of these kinds.</summary>
    public double SincProbability { get; init; } = 0.1;

    /// <summary>Standard deviations in pixels.</summary>
    public Interval Sigma { get; init; } = new(0.2, 1.5);

    /// <summary>Exponents of generalised kernels: half of the draws lie below 1, half above.</summary>
    public Interval GeneralisedBeta { get; init; } = new(0.5, 2);

    /// <summary>Exponents of plateau kernels: half of the draws lie below 1, half above.</summary>
    public Interval PlateauBeta { get; init; } = new(1, 1.5);

    internal void Validate(string name)
    {
        Check.That(KernelSizes.Count > 0 && KernelSizes.All(s => s > 0 && s % 2 == 1), name + ".kernel_sizes are odd");
        Check.Weights(KindProbabilities, 6, name + ".kind_probabilities");
        Check.Probability(SincProbability, name + ".sinc_probability");
        Check.Interval(Sigma, double.Epsilon, double.MaxValue, name + ".sigma");
        foreach ((Interval beta, string which) in new[] { (GeneralisedBeta, "generalised"), (PlateauBeta, "plateau") })
        {
            Check.Interval(beta, double.Epsilon, double.MaxValue, $"{name}.{which}_beta");
            Check.That(beta is { Low: <= 1, High: >= 1 }, $"{name}.{which}_beta has 1 between its bounds");
        }
    }
}

/// <summary>Bounds of a draw; in JSON [low, high].</summary>
[JsonConverter(typeof(IntervalConverter))]
public readonly record struct Interval(double Low, double High);

/// <summary>Weights of enlarging, shrinking and keeping the size; in JSON an object.</summary>
public readonly record struct ResizeOdds(double Up, double Down, double Keep);

internal sealed class IntervalConverter : JsonConverter<Interval>
{
    public override Interval Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        double[]? bounds = JsonSerializer.Deserialize<double[]>(ref reader, options);
        return bounds is [double low, double high]
            ? new(low, high)
            : throw new JsonException("an interval is [low, high]");
    }

    public override void Write(Utf8JsonWriter writer, Interval value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize<double[]>(writer, [value.Low, value.High], options);
}

internal static class Check
{
    public static void That(bool holds, string rule)
    {
        if (!holds)
            throw new ValidationException($"degradation settings: {rule}");
    }

    public static void Probability(double value, string name) => That(value is >= 0 and <= 1, name + " is in 0..1");

    public static void Interval(Interval value, double low, double high, string name) =>
        That(value.Low >= low && value.High <= high && value.Low <= value.High, $"{name} is [low, high] in its range");

    public static void Weights(IReadOnlyList<double> weights, int count, string name) =>
        That(weights.Count == count && weights.All(w => w >= 0) && weights.Sum() > 0, $"{name} are {count} weights");
}
