using Coser.Networks.Autoencoder;
using Coser.Training.Adversarial;
using Coser.Training.Losses;
using Coser.Training.Runs;

namespace Coser.Training.Autoencoding;

/// <summary>Settings of an autoencoder's training.</summary>
public sealed record AutoencoderRecipe : TrainingRecipe
{
    /// <summary>The network.</summary>
    public AutoencoderConfig Network { get; init; } = new();

    /// <summary>Side of the square crops, pixels: a multiple of the network's reduction.</summary>
    public int Patch { get; init; } = 64;

    /// <summary>
    /// Other sides, each as often as <see cref="Patch"/>, for a whole batch; of larger crops a batch has fewer, as many pixels.
    /// A network with GroupNorm that only ever sees one size relies on the statistics of that size, and fails on whole photos.
    /// </summary>
    public IReadOnlyList<int> OtherPatches { get; init; } = [];

    /// <summary>How the decoded picture is judged.</summary>
    public ImageLossSettings Loss { get; init; } = new();

    /// <summary>Weight of the mean KL divergence of a latent's element from a standard normal.</summary>
    public double Kl { get; init; } = 1e-5;

    /// <summary>
    /// Share of the steps in which the latent is halved and has to decode to the halved picture: latents without fine
    /// noise of their own, which are easier to generate (Kouzelis et al., 2025, EQ-VAE).
    /// </summary>
    public double Equivariance { get; init; }

    /// <summary>The discriminator; null: none.</summary>
    public AdversarySettings? Adversary { get; init; }

    /// <summary>Photos of the validation split that are judged at each validation, evenly spread.</summary>
    public int ValidationPhotos { get; init; } = 48;

    /// <summary>Training photos from which the mean and deviation of every latent channel are taken at export.</summary>
    public int StatisticsPhotos { get; init; } = 512;
}
