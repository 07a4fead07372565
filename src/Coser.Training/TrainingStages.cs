using Coser.Training.Autoencoding;
using Coser.Training.Clip;
using Coser.Training.Cognitive;
using Coser.Training.Features;
using Coser.Training.PreSr;
using Coser.Training.Priors;
using Coser.Training.Restorations;
using Coser.Training.Runs;
using Coser.Training.Wrapping;

namespace Coser.Training;

/// <summary>All stages that can be trained.</summary>
public static class TrainingStages
{
    /// <summary>In the order in which a model is trained.</summary>
    public static IReadOnlyList<IStageKind> All { get; } =
    [
        new StageKind<PreSrRecipe>(
            PreSrStage.StageName,
            "Trains the pre-SR network.",
            (r, d, c) => new PreSrStage(r, d, c)
        ),
        new StageKind<FeatureRecipe>(
            FeatureStage.StageName,
            "Trains a feature network (a classifier of the photos' labels) for perceptual losses or for evaluation.",
            (r, d, c) => new FeatureStage(r, d, c)
        ),
        new StageKind<AutoencoderRecipe>(
            AutoencoderStage.StageName,
            "Trains the autoencoder, whose latents the diffusion models paint.",
            (r, d, c) => new AutoencoderStage(r, d, c)
        ),
        new StageKind<ClipRecipe>(
            ClipStage.StageName,
            "Trains CLIP's image and text tower on photos and their captions, for cognition and prompts.",
            (r, d, c) => new ClipStage(r, d, c)
        ),
        new StageKind<CognitionRecipe>(
            CognitionStage.StageName,
            "Trains the cognitive adapter, and pre-SR with it, to say what the captions of degraded photos say.",
            (r, d, c) => new CognitionStage(r, d, c)
        ),
        new StageKind<PriorRecipe>(
            PriorStage.StageName,
            "Trains the text-to-image UNet that paints references, on latents of 'coser dataset latents'.",
            (r, d, c) => new PriorStage(r, d, c)
        ),
        new StageKind<RestorationRecipe>(
            RestorationStage.StageName,
            "Trains the control encoder and All-in-Attention to restore photos with references in view.",
            (r, d, c) => new RestorationStage(r, d, c)
        ),
        new StageKind<WrappingRecipe>(
            WrappingStage.StageName,
            "Trains controllable feature wrapping: the decoder takes details from the LR photo.",
            (r, d, c) => new WrappingStage(r, d, c)
        ),
    ];

    /// <summary>The stage of that name.</summary>
    /// <exception cref="InvalidDataException">There is none; the message lists them.</exception>
    public static IStageKind Find(string name) =>
        All.FirstOrDefault(s => s.Name == name)
        ?? throw new InvalidDataException(
            $"no training stage '{name}'; there are {string.Join(", ", All.Select(s => s.Name))}."
        );
}
