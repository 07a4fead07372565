namespace Coser.Checkpoints.Renaming;

/// <summary>All layouts this program converts.</summary>
public static class RenamingTables
{
    private const string UnetMark = "model.diffusion_model.input_blocks.0.0.weight";
    private const string ControlMark = "structcond_stage_model.hint_zero_conv.weight";
    private const string StableSrMark = "structcond_stage_model.fea_tran.0.in_layers.0.weight";
    private const string AdapterMark = "global_adapter.query_tokens";
    private const string WrappingMark = "decoder.fusion_layer_1.encode_enc_2.0.rdb1.conv1.weight";

    private static readonly IgnorableKeys Schedule = new(
        "schedule buffers",
        [
            "betas",
            "alphas_cumprod",
            "alphas_cumprod_prev",
            "sqrt_alphas_cumprod",
            "sqrt_one_minus_alphas_cumprod",
            "log_one_minus_alphas_cumprod",
            "sqrt_recip_alphas_cumprod",
            "sqrt_recipm1_alphas_cumprod",
            "posterior_variance",
            "posterior_log_variance_clipped",
            "posterior_mean_coef1",
            "posterior_mean_coef2",
            "lvlb_weights",
            "logvar",
            "scale_factor",
        ],
        "computed from the schedule's settings"
    );

    private static readonly IgnorableKeys Averages = new(
        "averages",
        ["model_ema."],
        "a second copy of the UNet, for training"
    );

    private static readonly IgnorableKeys Mask = new(
        "attention masks",
        ["attn_mask", "cond_stage_model.model.attn_mask"],
        "computed from the context length"
    );

    private static readonly IgnorableKeys Losses = new(
        "loss networks",
        ["loss.", "first_stage_model.loss."],
        "perceptual net and discriminator of training"
    );

    private static readonly IgnorableKeys Positions = new(
        "position numbers",
        ["text_model.embeddings.position_ids"],
        "0, 1, 2, ..."
    );

    private static readonly (string Prefix, string Component)[] FullPrefixes =
    [
        ("pre_sr_model.", ComponentNames.PreSr),
        ("cond_stage_model.model.", ComponentNames.Clip),
        ("global_adapter.", ComponentNames.Adapter),
        ("model.diffusion_model.", ComponentNames.Unet),
        ("structcond_stage_model.", ComponentNames.Control),
        ("first_stage_model.", ComponentNames.Autoencoder),
    ];

    private static readonly IgnorableKeys[] FullIgnorable = [Schedule, Averages, Mask, Losses];

    /// <summary>CoSeR's whole checkpoint, in the reproduction's layout.</summary>
    public static RenamingTable CoserFull { get; } = new("CoSeR", [UnetMark, ControlMark], [], FullIgnorable, Prefixed);

    /// <summary>CoSeR's first stage: pre-SR, CLIP and cognitive adapter.</summary>
    public static RenamingTable CoserStage1 { get; } =
        new("CoSeR stage 1", [AdapterMark], [UnetMark], FullIgnorable, Prefixed);

    /// <summary>Stable Diffusion 2.1-base, original layout.</summary>
    public static RenamingTable StableDiffusion { get; } =
        new("Stable Diffusion 2.1 (original)", [UnetMark], [ControlMark, StableSrMark], FullIgnorable, Prefixed);

    /// <summary>open_clip ViT-H-14.</summary>
    public static RenamingTable OpenClip { get; } =
        new(
            "open_clip",
            ["visual.conv1.weight", "transformer.resblocks.0.attn.in_proj_weight"],
            [],
            [Mask],
            Whole(
                ComponentNames.Clip,
                "visual.",
                "transformer.",
                "ln_final.",
                "token_embedding.",
                "positional_embedding",
                "text_projection",
                "logit_scale"
            )
        );

    /// <summary>StableSR's autoencoder with controllable feature wrapping.</summary>
    public static RenamingTable Cfw { get; } =
        new(
            "StableSR CFW autoencoder",
            [WrappingMark],
            [],
            [Losses],
            Whole(ComponentNames.Cfw, "encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
        );

    /// <summary>A KL autoencoder alone, original layout.</summary>
    public static RenamingTable Autoencoder { get; } =
        new(
            "KL autoencoder (original)",
            ["encoder.down.0.block.0.conv1.weight", "decoder.up.0.block.0.conv1.weight"],
            [WrappingMark],
            [Losses],
            Whole(ComponentNames.Autoencoder, "encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
        );

    /// <summary>BasicSR's MSRResNet.</summary>
    public static RenamingTable MsrResNet { get; } =
        new(
            "MSRResNet",
            ["conv_first.weight", "upconv1.weight", "body.0.conv1.weight"],
            [],
            [],
            Whole(ComponentNames.PreSr, "conv_first.", "body.", "upconv1.", "upconv2.", "conv_hr.", "conv_last.")
        );

    /// <summary>RRDBNet with BasicSR's names: Real-ESRGAN+.</summary>
    public static RenamingTable RrdbNet { get; } =
        new(
            "RRDBNet (BasicSR)",
            ["conv_first.weight", "conv_body.weight", "body.0.rdb1.conv1.weight"],
            [],
            [],
            Whole(
                ComponentNames.PreSr,
                "conv_first.",
                "body.",
                "conv_body.",
                "conv_up1.",
                "conv_up2.",
                "conv_hr.",
                "conv_last."
            )
        );

    /// <summary>RRDBNet with its first names: ESRGAN, RealSR, BSRGAN.</summary>
    public static RenamingTable OldRrdbNet { get; } =
        new(
            "RRDBNet (ESRGAN)",
            ["conv_first.weight", "trunk_conv.weight", "RRDB_trunk.0.RDB1.conv1.weight"],
            [],
            [],
            (key, _) => OldRrdbName(key) is { } name ? new RenamingTarget(ComponentNames.PreSr, name) : null
        );

    /// <summary>Real-ESRGAN's compact network.</summary>
    public static RenamingTable SrVggNet { get; } =
        new(
            "SRVGGNetCompact",
            ["body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias"],
            ["conv_first.weight"],
            [],
            Whole(ComponentNames.PreSr, "body.")
        );

    /// <summary>Layouts of networks that enlarge by themselves: no part of CoSeR.</summary>
    internal static IReadOnlyList<RenamingTable> Baselines { get; } = [RrdbNet, OldRrdbNet, SrVggNet];

    /// <summary>diffusers: UNet of SD 2.1-base.</summary>
    public static RenamingTable DiffusersUnet { get; } =
        new("diffusers UNet", ["down_blocks.0.resnets.0.conv1.weight", "conv_in.weight"], [], [], DiffusersNames.Unet);

    /// <summary>diffusers: autoencoder of SD 2.1-base.</summary>
    public static RenamingTable DiffusersAutoencoder { get; } =
        new(
            "diffusers autoencoder",
            ["encoder.down_blocks.0.resnets.0.conv1.weight"],
            [],
            [Losses],
            DiffusersNames.Autoencoder
        );

    /// <summary>diffusers: text encoder of SD 2.1-base, which lacks open_clip's last block.</summary>
    public static RenamingTable DiffusersTextEncoder { get; } =
        new(
            "diffusers text encoder",
            ["text_model.embeddings.token_embedding.weight"],
            ["vision_model.embeddings.class_embedding"],
            [Positions],
            DiffusersNames.TextEncoder
        );

    /// <summary>Every table; at most one fits a file.</summary>
    public static IReadOnlyList<RenamingTable> All { get; } =
    [
        CoserFull,
        CoserStage1,
        StableDiffusion,
        OpenClip,
        Cfw,
        Autoencoder,
        MsrResNet,
        .. Baselines,
        DiffusersUnet,
        DiffusersAutoencoder,
        DiffusersTextEncoder,
    ];

    // Files that people have beside the right ones, or in their place.
    private static readonly (Func<string, bool> IsMark, string Verdict)[] Foreign =
    [
        (
            k => k == StableSrMark || k.Contains(".spade.", StringComparison.Ordinal),
            "it is StableSR's checkpoint, whose UNet and control are not CoSeR's"
        ),
        (
            k =>
                k.StartsWith("lora_", StringComparison.Ordinal)
                || k.Contains(".lora_", StringComparison.Ordinal)
                || k.Contains(".lora.", StringComparison.Ordinal),
            "it is a LoRA, not a model; merge it into its base model first"
        ),
        (
            k =>
                k.StartsWith("conditioner.embedders.", StringComparison.Ordinal)
                || k.StartsWith("add_embedding.", StringComparison.Ordinal)
                || k.StartsWith("model.diffusion_model.label_emb.", StringComparison.Ordinal),
            "it is Stable Diffusion XL; CoSeR is built on Stable Diffusion 2.1-base"
        ),
        (
            k => k.StartsWith("cond_stage_model.transformer.text_model.", StringComparison.Ordinal),
            "it is Stable Diffusion 1; CoSeR is built on Stable Diffusion 2.1-base"
        ),
        (
            k => k.StartsWith("control_model.", StringComparison.Ordinal),
            "it is a ControlNet, whose control is not CoSeR's"
        ),
    ];

    /// <summary>What a file is that is known, but no part of CoSeR, in a clause ("it is ..."); null: nothing of the sort.</summary>
    public static string? ForeignVerdict(ICheckpoint file) =>
        Array.Find(Foreign, f => file.Entries.Keys.Any(f.IsMark)).Verdict;

    /// <summary>The table for a file's layout; null: it is unknown or foreign.</summary>
    public static RenamingTable? Find(ICheckpoint file) =>
        ForeignVerdict(file) is null ? All.FirstOrDefault(t => t.Fits(file.Entries)) : null;

    /// <summary>The table for a file's layout.</summary>
    /// <exception cref="CheckpointException">It is unknown or foreign; the message says which are known.</exception>
    public static RenamingTable For(ICheckpoint file) =>
        Find(file)
        ?? throw new CheckpointException(
            file.Path,
            ForeignVerdict(file)
                ?? $"its {file.Entries.Count} tensors have the layout of no known model; known are: "
                    + string.Join(", ", All.Select(t => t.Layout))
        );

    private static string? OldRrdbName(string key)
    {
        string[] parts = key.Split('.');
        return parts switch
        {
            ["RRDB_trunk", var block, var dense, .. var rest] when dense.StartsWith("RDB", StringComparison.Ordinal) =>
                $"body.{block}.rdb{dense[3..]}.{string.Join('.', rest)}",
            ["conv_first" or "conv_last", _] => key,
            ["trunk_conv", var last] => "conv_body." + last,
            ["upconv1", var last] => "conv_up1." + last,
            ["upconv2", var last] => "conv_up2." + last,
            ["HRconv", var last] => "conv_hr." + last,
            _ => null,
        };
    }

    private static RenamingTarget? Prefixed(string key, IReadOnlySet<string> keys)
    {
        (string? prefix, string? component) = Array.Find(
            FullPrefixes,
            p => key.StartsWith(p.Prefix, StringComparison.Ordinal)
        );
        return prefix is null ? null : new RenamingTarget(component, key[prefix.Length..]);
    }

    private static Func<string, IReadOnlySet<string>, RenamingTarget?> Whole(
        string component,
        params string[] starts
    ) =>
        (key, _) =>
            Array.Exists(starts, s => s.EndsWith('.') ? key.StartsWith(s, StringComparison.Ordinal) : key == s)
                ? new RenamingTarget(component, key)
                : null;
}
