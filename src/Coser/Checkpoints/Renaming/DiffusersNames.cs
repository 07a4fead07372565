using System.Globalization;

namespace Coser.Checkpoints.Renaming;

/// <summary>From diffusers' names to the original ones of latent diffusion and open_clip.</summary>
internal static class DiffusersNames
{
    private static readonly Dictionary<string, string> UnetOutside = new(StringComparer.Ordinal)
    {
        ["time_embedding.linear_1"] = "time_embed.0",
        ["time_embedding.linear_2"] = "time_embed.2",
        ["conv_in"] = "input_blocks.0.0",
        ["conv_norm_out"] = "out.0",
        ["conv_out"] = "out.2",
    };

    private static readonly Dictionary<string, string> UnetResBlock = new(StringComparer.Ordinal)
    {
        ["norm1"] = "in_layers.0",
        ["conv1"] = "in_layers.2",
        ["time_emb_proj"] = "emb_layers.1",
        ["norm2"] = "out_layers.0",
        ["conv2"] = "out_layers.3",
        ["conv_shortcut"] = "skip_connection",
    };

    // The second name of each projection is that of releases before 0.14.
    private static readonly Dictionary<string, string> AutoencoderAttention = new(StringComparer.Ordinal)
    {
        ["group_norm"] = "norm",
        ["to_q"] = "q",
        ["query"] = "q",
        ["to_k"] = "k",
        ["key"] = "k",
        ["to_v"] = "v",
        ["value"] = "v",
        ["to_out.0"] = "proj_out",
        ["proj_attn"] = "proj_out",
    };

    private static readonly Dictionary<string, string> TextOutside = new(StringComparer.Ordinal)
    {
        ["embeddings.position_embedding.weight"] = "positional_embedding",
        ["embeddings.token_embedding.weight"] = "token_embedding.weight",
        ["final_layer_norm.weight"] = "ln_final.weight",
        ["final_layer_norm.bias"] = "ln_final.bias",
    };

    private static readonly Dictionary<string, string> TextBlock = new(StringComparer.Ordinal)
    {
        ["layer_norm1"] = "ln_1",
        ["layer_norm2"] = "ln_2",
        ["self_attn.out_proj"] = "attn.out_proj",
        ["mlp.fc1"] = "mlp.c_fc",
        ["mlp.fc2"] = "mlp.c_proj",
    };

    private static readonly string[] TextProjections = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    public static RenamingTarget? Unet(string key, IReadOnlySet<string> keys)
    {
        if (Split(key) is not (string name, string last))
            return null;
        string? renamed = UnetOutside.TryGetValue(name, out string? outside) ? outside : UnetBlock(name, keys);
        return renamed is null ? null : new RenamingTarget(ComponentNames.Unet, $"{renamed}.{last}");
    }

    public static RenamingTarget? Autoencoder(string key, IReadOnlySet<string> keys)
    {
        if (Split(key) is not (string name, string last))
            return null;
        if (name is "quant_conv" or "post_quant_conv")
            return new RenamingTarget(ComponentNames.Autoencoder, key);
        string[] parts = name.Split('.');
        if (parts is not ["encoder" or "decoder", ..])
            return null;
        string rest = string.Join('.', parts[1..]);
        string? renamed = parts[1..] switch
        {
            ["conv_in"] or ["conv_out"] => rest,
            ["conv_norm_out"] => "norm_out",
            ["mid_block", "resnets", var j, var layer] when Number(j) is { } n =>
                $"mid.block_{n + 1}.{Shortcut(layer)}",
            ["mid_block", "attentions", "0", .. var layer]
                when AutoencoderAttention.TryGetValue(string.Join('.', layer), out var to) => $"mid.attn_1.{to}",
            ["down_blocks", var i, "resnets", var j, var layer] => $"down.{i}.block.{j}.{Shortcut(layer)}",
            ["down_blocks", var i, "downsamplers", "0", "conv"] => $"down.{i}.downsample.conv",
            // The original counts the decoder's levels from the image, diffusers from the latent.
            ["up_blocks", var i, "resnets", var j, var layer] when Number(i) is { } n =>
                $"up.{Count(keys, "decoder.up_blocks.") - 1 - n}.block.{j}.{Shortcut(layer)}",
            ["up_blocks", var i, "upsamplers", "0", "conv"] when Number(i) is { } n =>
                $"up.{Count(keys, "decoder.up_blocks.") - 1 - n}.upsample.conv",
            _ => null,
        };
        if (renamed is null)
            return null;
        // diffusers has linear layers where the original has 1x1 convolutions.
        bool isProjection =
            renamed.StartsWith("mid.attn_1.", StringComparison.Ordinal) && last == "weight" && renamed[11..] != "norm";
        return new RenamingTarget(
            ComponentNames.Autoencoder,
            $"{parts[0]}.{renamed}.{last}",
            Rank: isProjection ? 4 : 0
        );
    }

    public static RenamingTarget? TextEncoder(string key, IReadOnlySet<string> keys)
    {
        const string Root = "text_model.";
        const string Layers = "encoder.layers.";
        if (!key.StartsWith(Root, StringComparison.Ordinal))
            return null;
        string inner = key[Root.Length..];
        if (TextOutside.TryGetValue(inner, out string? outside))
            return new RenamingTarget(ComponentNames.Clip, outside);
        if (
            !inner.StartsWith(Layers, StringComparison.Ordinal)
            || Split(inner[Layers.Length..]) is not (string name, string last)
        )
            return null;
        int dot = name.IndexOf('.');
        if (dot < 0 || Number(name[..dot]) is not { } block)
            return null;
        string layer = name[(dot + 1)..];
        string target = $"transformer.resblocks.{block}.";
        int projection = Array.IndexOf(TextProjections, layer);
        if (projection >= 0)
            return new RenamingTarget(
                ComponentNames.Clip,
                $"{target}attn.in_proj_{last}",
                projection,
                TextProjections.Length
            );
        return TextBlock.TryGetValue(layer, out string? to)
            ? new RenamingTarget(ComponentNames.Clip, $"{target}{to}.{last}")
            : null;
    }

    private static string? UnetBlock(string name, IReadOnlySet<string> keys)
    {
        int resBlocks = Count(keys, "down_blocks.0.resnets.");
        return name.Split('.') switch
        {
            ["mid_block", "resnets", var j, var layer]
                when Number(j) is { } n && UnetResBlock.TryGetValue(layer, out var to) => $"middle_block.{2 * n}.{to}",
            ["mid_block", "attentions", "0", .. var rest] => $"middle_block.1.{string.Join('.', rest)}",
            [("down_blocks" or "up_blocks") and var side, var i, var what, var j, .. var rest]
                when Number(i) is { } level && Number(j) is { } n => UnetLevel(
                side == "up_blocks",
                level,
                what,
                n,
                rest,
                resBlocks,
                keys
            ),
            _ => null,
        };
    }

    // The original numbers all blocks of a side in one row: on the way down a first convolution, then per level the residual
    // blocks and a downsampling; on the way up per level one residual block more, the upsampling inside the last of them.
    private static string? UnetLevel(
        bool isUp,
        int level,
        string what,
        int number,
        string[] rest,
        int resBlocks,
        IReadOnlySet<string> keys
    )
    {
        int first = (resBlocks + 1) * level;
        string block = isUp ? $"output_blocks.{first + number}" : $"input_blocks.{1 + first + number}";
        string layer = string.Join('.', rest);
        bool hasAttention = keys.Contains($"up_blocks.{level}.attentions.0.norm.weight");
        return what switch
        {
            "resnets" when UnetResBlock.TryGetValue(layer, out string? to) => $"{block}.0.{to}",
            "attentions" => $"{block}.1.{layer}",
            "downsamplers" when !isUp && layer == "conv" => $"input_blocks.{first + resBlocks + 1}.0.op",
            "upsamplers" when isUp && layer == "conv" =>
                $"output_blocks.{first + resBlocks}.{(hasAttention ? 2 : 1)}.conv",
            _ => null,
        };
    }

    private static string Shortcut(string layer) => layer == "conv_shortcut" ? "nin_shortcut" : layer;

    private static (string Name, string Last)? Split(string key)
    {
        int dot = key.LastIndexOf('.');
        return dot > 0 && key[(dot + 1)..] is "weight" or "bias" ? (key[..dot], key[(dot + 1)..]) : null;
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < 1000
            ? number
            : null;

    // How many numbers follow the prefix: 0, 1, ... without a gap.
    private static int Count(IReadOnlySet<string> keys, string prefix)
    {
        int count = 0;
        while (
            keys.Contains($"{prefix}{count}.conv1.weight") || keys.Contains($"{prefix}{count}.resnets.0.conv1.weight")
        )
            count++;
        return count;
    }
}
