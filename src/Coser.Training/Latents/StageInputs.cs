using System.Text.RegularExpressions;
using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Unet;
using Coser.Tokenization;
using Coser.Training.Data;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>Finds what a recipe names, and says what does not fit.</summary>
internal sealed class StageInputs(PhotoIndex data)
{
    /// <summary>A recipe's path: absolute, or from the data set's folder.</summary>
    public string PathOf(string path) => Path.GetFullPath(path, Path.GetFullPath(data.Folder));

    /// <summary>Folder of a model given by path or by name.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public string ModelOf(string model)
    {
        string folder = PathOf(model);
        return Directory.Exists(folder) ? folder : ModelDirectory.Find(model);
    }

    /// <summary>The model's tokenizer.</summary>
    /// <exception cref="CheckpointException">It has none.</exception>
    public static ClipTokenizer TokenizerOf(ModelDirectory model) =>
        model.OpenTokenizer()
        ?? throw new CheckpointException(
            model.Folder,
            "it has no tokenizer/. A CLIP that 'coser train export' writes brings one along"
        );

    /// <summary>Photos of a split that a set of latents has, at most so many, evenly spread.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public IReadOnlyList<PhotoEntry> Known(LatentSet set, string split, int most = int.MaxValue)
    {
        PhotoEntry[] known = [.. data.Split(split).Where(e => set.RecordOf(e.File, 0) >= 0)];
        return known.Length > 0
            ? PhotoIndex.Evenly(known, most)
            : throw new InvalidDataException($"{data.Folder}: the set of latents has no photo of the split '{split}'.");
    }

    /// <summary>A network's parameters with a prefix, which makes them unique in a stage of several networks.</summary>
    public static IEnumerable<(string Name, Parameter Parameter)> Named(nn.Module network, string prefix) =>
        network.named_parameters().Select(p => (prefix + p.name, (Parameter)p.parameter));

    /// <summary>Lets a network's parameters have no gradients, and the network no dropout.</summary>
    public static void Freeze(nn.Module network)
    {
        network.eval();
        foreach (Parameter parameter in network.parameters())
            parameter.requires_grad_(false);
    }

    /// <summary>The parameters that regular expressions choose by name; all others are frozen.</summary>
    /// <exception cref="InvalidDataException">An expression is none, or nothing is left to train.</exception>
    public static IReadOnlyList<(string Name, Parameter Parameter)> Choose(
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        IReadOnlyList<string> expressions
    )
    {
        Regex[] chosen;
        try
        {
            chosen = [.. expressions.Select(e => new Regex(e, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))];
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"recipe: trainable: {e.Message}", e);
        }
        var trained = new List<(string, Parameter)>();
        foreach ((string name, Parameter parameter) in parameters)
        {
            bool trains = chosen.Any(c => c.IsMatch(name));
            parameter.requires_grad_(trains);
            if (trains)
                trained.Add((name, parameter));
        }
        Require(trained.Count > 0, "trainable names no parameter");
        return trained;
    }

    /// <summary>Fills a network from the model's component where name and shape agree; others keep their start.</summary>
    /// <returns>Tensors taken; 0: the model has no such component.</returns>
    public static int Take(nn.Module network, ModelDirectory model, string role)
    {
        if (!model.Manifest.Components.ContainsKey(role))
            return 0;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        SafetensorsFile file = model.Weights(role);
        int taken = 0;
        foreach ((string name, Tensor target) in network.state_dict())
        {
            if (!file.Entries.TryGetValue(name, out CheckpointEntry? entry) || !entry.Shape.SequenceEqual(target.shape))
                continue;
            target.copy_(file.Read(name));
            taken++;
        }
        return taken;
    }

    /// <summary>All tensors of a network under its own names: the given weights, its own where there is none.</summary>
    public static IReadOnlyDictionary<string, Tensor> WithBuffers(
        nn.Module network,
        IReadOnlyDictionary<string, Tensor> weights,
        string prefix
    ) =>
        network
            .state_dict()
            .ToDictionary(
                p => p.Key,
                p => weights.TryGetValue(prefix + p.Key, out Tensor? w) ? w : p.Value,
                StringComparer.Ordinal
            );

    /// <summary>Refuses a UNet or control encoder that does not fit the frozen networks.</summary>
    public static void CheckUnet(EncoderConfig network, FrozenNetworks frozen)
    {
        Require(
            network.InChannels == frozen.Latents.EmbedDim,
            $"in_channels is {network.InChannels}, but the model's latents have {frozen.Latents.EmbedDim} channels"
        );
        if (frozen.Clip is { } clip)
        {
            Require(
                network.ContextDim == clip.Text.Width,
                $"context_dim is {network.ContextDim}, but the model's CLIP has a text width of {clip.Text.Width}"
            );
        }
    }

    /// <exception cref="InvalidDataException">The condition does not hold.</exception>
    public static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidDataException($"recipe: {message}.");
    }
}
