using System.Diagnostics;
using System.Globalization;
using Coser.Diffusion;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Unet;
using Coser.Training.Autoencoding;
using Coser.Training.Clip;
using Coser.Training.Objectives;
using Coser.Training.Optimisation;
using Coser.Training.Priors;
using Coser.Training.Restorations;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Coser.Training.Optimisation.AdamW;

namespace Coser.Bench;

/// <summary>
/// Forward, backward and update of every trained network at the sizes of a folder of recipes, against the rate of plain
/// matrix products measured in turn with it: <c>training RECIPES [STAGE]</c>.
/// </summary>
internal static class TrainingThroughput
{
    private const int Rounds = 7;

    /// <param name="folder">With autoencoder-sizes.json, clip.json, prior.json, stage2.json.</param>
    /// <param name="stage">The one stage to measure; null: all of them.</param>
    public static int Run(string folder, string? stage = null)
    {
        manual_seed(1);
        Console.WriteLine("| stage | batch | samples/s | GFLOP/s | matrix products, GFLOP/s | share | bare layers |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        if (stage is null or "autoencoder")
            Autoencoder(Recipe<AutoencoderRecipe>("autoencoder-sizes.json"));
        if (stage is null or "clip")
            Clip(Recipe<ClipRecipe>("clip.json"));
        if (stage is null or "prior")
            Prior(Recipe<PriorRecipe>("prior.json"));
        if (stage is null or "stage2")
            Restoration(Recipe<PriorRecipe>("prior.json"), Recipe<RestorationRecipe>("stage2.json"));
        return 0;

        T Recipe<T>(string name)
            where T : TrainingRecipe => TrainingRecipe.Read<T>(Path.Combine(folder, name));
    }

    private static void Autoencoder(AutoencoderRecipe recipe)
    {
        foreach (int side in recipe.OtherPatches.Prepend(recipe.Patch))
        {
            int batch = Math.Max(1, recipe.Training.Batch * recipe.Patch * recipe.Patch / (side * side));
            using var network = new KlAutoencoder(recipe.Network);
            network.to(bfloat16);
            Tensor photo = rand(batch, 3, side, side);
            Measure(
                $"autoencoder, {side} px",
                batch,
                [network],
                () =>
                {
                    using LatentDistribution latents = network.Encode((photo * 2 - 1).to(bfloat16));
                    return nn.functional.l1_loss(network.Decode(latents.Mode()).to(float32), photo);
                }
            );
        }
    }

    private static void Clip(ClipRecipe recipe)
    {
        int batch = recipe.Training.Batch;
        using var network = new ClipModel(recipe.Network);
        network.to(bfloat16);
        int side = recipe.Network.Vision.ImageSize;
        Tensor image = rand(batch, 3, side, side).to(bfloat16);
        Tensor tokens = randint(0, recipe.Network.Text.VocabSize, [batch, recipe.Network.Text.ContextLength]);
        Measure(
            "clip",
            batch,
            [network],
            () => (network.EmbedImage(image) * network.EmbedText(tokens)).to(float32).sum()
        );
    }

    private static void Prior(PriorRecipe recipe)
    {
        int batch = recipe.Training.Batch;
        using var network = new UnetModel(recipe.Network);
        network.to(bfloat16);
        var objective = new DiffusionObjective(recipe.Diffusion, recipe.Objective);
        (Tensor clean, Tensor noise, Tensor steps, Tensor context) = Inputs(recipe.Network, batch);
        Measure(
            "prior, 128 px",
            batch,
            [network],
            () =>
                objective
                    .Compute(network.Predict(objective.Noisy(clean, noise, steps), steps, context), clean, noise, steps)
                    .Loss
        );
    }

    private static void Restoration(PriorRecipe prior, RestorationRecipe recipe)
    {
        int batch = recipe.Training.Batch;
        UnetConfig config = prior.Network with { AllInAttention = true };
        using var unet = new UnetModel(config);
        using var control = new ControlEncoder(ControlConfig.Like(config));
        unet.to(bfloat16);
        control.to(bfloat16);
        var objective = new DiffusionObjective(recipe.Diffusion, recipe.Objective);
        (Tensor clean, Tensor noise, Tensor steps, Tensor context) = Inputs(config, batch);
        Measure(
            "stage 2, 128 px",
            batch,
            [unet, control],
            () =>
            {
                Tensor noisy = objective.Noisy(clean, noise, steps);
                Tensor prediction = RestorationStage.Predict(unet, control, noisy, steps, context, clean, noise);
                return objective.Compute(prediction, clean, noise, steps).Loss;
            }
        );
    }

    private static (Tensor Clean, Tensor Noise, Tensor Steps, Tensor Context) Inputs(EncoderConfig config, int batch)
    {
        const int Side = 16;
        return (
            randn(batch, config.InChannels, Side, Side),
            randn(batch, config.InChannels, Side, Side),
            randint(0, 1000, [batch]),
            randn(batch, 40, config.ContextDim)
        );
    }

    private static void Measure(string name, int batch, IReadOnlyList<nn.Module> networks, Func<Tensor> loss)
    {
        using var layers = new WeightedLayers(networks, loss);
        using var optimiser = new AdamW(
            networks.SelectMany((n, i) => n.named_parameters().Select(p => ($"{i}.{p.name}", (Parameter)p.parameter))),
            weightDecay: 0.01
        );
        var steps = new List<double>();
        var products = new List<double>();
        var bare = new List<double>();
        Tensor left = randn(1024, 1024).to(bfloat16);
        for (int round = -2; round < Rounds; round++)
        {
            double step = Seconds(OneStep);
            double product = Seconds(() =>
            {
                using var scope = NewDisposeScope();
                for (int i = 0; i < 40; i++)
                    matmul(left, left);
            });
            if (round < 0)
                continue;
            steps.Add(step);
            products.Add(40 * 2 * Math.Pow(1024, 3) / product);
            bare.Add(Seconds(layers.RunAlone));
        }
        // The gradients of weights and of inputs cost a forward pass each.
        double operations = 3 * layers.Operations;
        double rate = operations / Median(steps);
        double best = operations / Median(bare);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {batch} | {batch / Median(steps):f1} | {rate / 1e9:f0} | {Median(products) / 1e9:f0} | {rate / Median(products):p0} | {best / Median(products):p0} |"
            )
        );

        void OneStep()
        {
            using var scope = NewDisposeScope();
            loss().backward();
            optimiser.GradientNorm();
            optimiser.Update(1e-5);
            optimiser.ZeroGradients();
        }
    }

    private static double Seconds(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
