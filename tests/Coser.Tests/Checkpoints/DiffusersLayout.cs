using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>From the original names to diffusers', the other way round than the program goes.</summary>
internal static partial class DiffusersLayout
{
    private static readonly (string From, string To)[] ResBlock =
    [
        ("in_layers.0", "norm1"),
        ("in_layers.2", "conv1"),
        ("emb_layers.1", "time_emb_proj"),
        ("out_layers.0", "norm2"),
        ("out_layers.3", "conv2"),
        ("skip_connection", "conv_shortcut"),
    ];

    private static readonly (string From, string To)[] Outside =
    [
        ("time_embed.0", "time_embedding.linear_1"),
        ("time_embed.2", "time_embedding.linear_2"),
        ("input_blocks.0.0", "conv_in"),
        ("out.0", "conv_norm_out"),
        ("out.2", "conv_out"),
        ("middle_block.0", "mid_block.resnets.0"),
        ("middle_block.1", "mid_block.attentions.0"),
        ("middle_block.2", "mid_block.resnets.1"),
    ];

    /// <summary>Writes the folder.</summary>
    public static string Write(string folder, TinyModel model)
    {
        int resBlocks = model.Unet.Config.ResBlocks;
        Dictionary<string, Tensor> unet = model
            .Unet.state_dict()
            .Where(t => !t.Key.Contains("_lna", StringComparison.Ordinal))
            .ToDictionary(t => Unet(t.Key, resBlocks), t => t.Value, StringComparer.Ordinal);
        TinyModel.Write(Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors"), unet);
        int levels = model.Autoencoder.Config.ChannelMultipliers.Count;
        Dictionary<string, Tensor> vae = model
            .Autoencoder.state_dict()
            .ToDictionary(
                t => Autoencoder(t.Key, levels),
                // Linear layers where the original has 1x1 convolutions.
                t => AttentionKernel().IsMatch(t.Key) ? t.Value.flatten(1) : t.Value,
                StringComparer.Ordinal
            );
        TinyModel.Write(Path.Combine(folder, "vae", "diffusion_pytorch_model.safetensors"), vae);
        TinyModel.Write(
            Path.Combine(folder, "text_encoder", "model.safetensors"),
            model
                .Clip.state_dict()
                .SelectMany(t => Text(t.Key, t.Value, model.Clip.Config.Text.Layers))
                .ToDictionary(StringComparer.Ordinal)
        );
        return folder;
    }

    private static string Unet(string key, int resBlocks)
    {
        Match block = UnetBlock().Match(key);
        if (!block.Success || key.StartsWith("input_blocks.0.", StringComparison.Ordinal))
            return Replace(Replace(key, Outside), ResBlock);
        bool isDown = block.Groups["side"].Value == "input";
        int number = int.Parse(block.Groups["number"].Value, CultureInfo.InvariantCulture) - (isDown ? 1 : 0);
        string level = $"{(isDown ? "down" : "up")}_blocks.{number / (resBlocks + 1)}";
        int inLevel = number % (resBlocks + 1);
        string rest = block.Groups["rest"].Value;
        return (block.Groups["layer"].Value, rest.Split('.')[0]) switch
        {
            (_, "op") => $"{level}.downsamplers.0.conv{rest[2..]}",
            (_, "conv") => $"{level}.upsamplers.0.{rest}",
            ("0", _) => $"{level}.resnets.{inLevel}.{Replace(rest, ResBlock)}",
            _ => $"{level}.attentions.{inLevel}.{rest}",
        };
    }

    private static string Autoencoder(string key, int levels)
    {
        key = Replace(key, [("nin_shortcut", "conv_shortcut"), ("norm_out", "conv_norm_out")]);
        key = Replace(key, [("mid.block_1", "mid_block.resnets.0"), ("mid.block_2", "mid_block.resnets.1")]);
        key = Replace(
            key,
            [
                ("mid.attn_1.norm", "mid_block.attentions.0.group_norm"),
                ("mid.attn_1.q", "mid_block.attentions.0.to_q"),
                ("mid.attn_1.k", "mid_block.attentions.0.to_k"),
                ("mid.attn_1.v", "mid_block.attentions.0.to_v"),
                ("mid.attn_1.proj_out", "mid_block.attentions.0.to_out.0"),
            ]
        );
        key = DownLevel().Replace(key, "down_blocks.${level}.");
        key = UpLevel()
            .Replace(
                key,
                m => $"up_blocks.{levels - 1 - int.Parse(m.Groups["level"].Value, CultureInfo.InvariantCulture)}."
            );
        return key.Replace(".block.", ".resnets.", StringComparison.Ordinal)
            .Replace("downsample.conv", "downsamplers.0.conv", StringComparison.Ordinal)
            .Replace("upsample.conv", "upsamplers.0.conv", StringComparison.Ordinal);
    }

    // Without what diffusers leaves out: image tower, last block, projection.
    private static IEnumerable<KeyValuePair<string, Tensor>> Text(string key, Tensor value, int layers)
    {
        const string Blocks = "transformer.resblocks.";
        if (key is "positional_embedding")
            yield return KeyValuePair.Create("text_model.embeddings.position_embedding.weight", value);
        else if (key is "token_embedding.weight")
            yield return KeyValuePair.Create("text_model.embeddings.token_embedding.weight", value);
        else if (key.StartsWith("ln_final.", StringComparison.Ordinal))
            yield return KeyValuePair.Create("text_model.final_layer_norm" + key[8..], value);
        if (
            !key.StartsWith(Blocks, StringComparison.Ordinal)
            || key.StartsWith($"{Blocks}{layers - 1}.", StringComparison.Ordinal)
        )
            yield break;
        string target = "text_model.encoder.layers." + key[Blocks.Length..];
        if (!target.Contains("in_proj_", StringComparison.Ordinal))
        {
            yield return KeyValuePair.Create(
                Replace(
                    target,
                    [
                        ("ln_1", "layer_norm1"),
                        ("ln_2", "layer_norm2"),
                        ("attn.out_proj", "self_attn.out_proj"),
                        ("mlp.c_fc", "mlp.fc1"),
                        ("mlp.c_proj", "mlp.fc2"),
                    ]
                ),
                value
            );
            yield break;
        }
        foreach ((string name, Tensor part) in new[] { "q_proj", "k_proj", "v_proj" }.Zip(value.chunk(3)))
            yield return KeyValuePair.Create(
                target.Replace("attn.in_proj_", $"self_attn.{name}.", StringComparison.Ordinal),
                part
            );
    }

    private static string Replace(string key, (string From, string To)[] names) =>
        names.Aggregate(
            key,
            (k, n) =>
                Regex.Replace(
                    k,
                    $@"(?<![^.]){Regex.Escape(n.From)}(?=\.)",
                    n.To,
                    RegexOptions.None,
                    TimeSpan.FromSeconds(1)
                )
        );

    [GeneratedRegex(
        @"^(?<side>input|output)_blocks\.(?<number>\d+)\.(?<layer>\d)\.(?<rest>.+)$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex UnetBlock();

    [GeneratedRegex(@"\.attn_1\.(?:q|k|v|proj_out)\.weight$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AttentionKernel();

    [GeneratedRegex(@"\bdown\.(?<level>\d)\.", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DownLevel();

    [GeneratedRegex(@"\bup\.(?<level>\d)\.", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UpLevel();
}
