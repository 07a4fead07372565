using System.Text.Json;
using Coser.Diffusion;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using Coser.Training.Cognitive;
using Coser.Training.Latents;
using Coser.Training.Objectives;
using Coser.Training.Restorations;
using TorchSharp;
using AdamW = Coser.Training.Optimisation.AdamW;
using Parameter = TorchSharp.Modules.Parameter;

namespace Coser.Tests.Fixtures;

internal static class TrainingFixtures
{
    [FixtureKind("train_stage1")]
    public static void Adapter_steps(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        CognitiveAdapterConfig config = CognitionFixtures.AdapterConfig(c) with
        {
            HiddenDropout = 0,
            AttentionDropout = 0,
        };
        using var grad = torch.enable_grad();
        using var adapter = new CognitiveAdapter(config);
        fixture.FillWeights(adapter, CognitiveAdapter.CheckpointPrefix);
        using var optimiser = new AdamW(
            StageInputs.Named(adapter, ""),
            c.GetProperty("betas")[0].GetDouble(),
            c.GetProperty("betas")[1].GetDouble(),
            c.GetProperty("eps").GetDouble(),
            c.GetProperty("weight_decay").GetDouble()
        );
        int batch = c.GetProperty("batch").GetInt32();
        int steps = c.GetProperty("steps").GetInt32();
        for (int step = 0; step < steps; step++)
        {
            torch.Tensor Rows(string name) => fixture.Input(name).narrow(0, step * batch, batch);
            torch.Tensor embedding = adapter.call(Rows("image_features"));
            torch.Tensor supervision = CognitiveSupervision.Select(Rows("text"), Rows("tokens"), config.Queries);
            torch.Tensor loss = CognitiveSupervision.Loss(embedding, supervision);
            loss.backward();
            fixture.AssertOutput($"loss{step}", loss);
            fixture.AssertOutput($"gradnorm{step}", torch.tensor((float)optimiser.GradientNorm()));
            optimiser.Update(c.GetProperty("lr").GetDouble());
            optimiser.ZeroGradients();
        }
        foreach ((string name, torch.Tensor parameter) in adapter.named_parameters())
        {
            // Mathematically their gradient is zero: rounding decides which way a step of the full learning rate goes.
            double tolerance = name.EndsWith(".key.bias", StringComparison.Ordinal) ? 2e-4 : 2e-6;
            fixture.AssertOutput($"after{steps}.{CognitiveAdapter.CheckpointPrefix}{name}", parameter, tolerance);
        }
    }

    [FixtureKind("train_stage1_full")]
    public static void Cognition(FixtureCase fixture)
    {
        JsonElement q = fixture.Config.GetProperty("qformer");
        JsonElement r = fixture.Config.GetProperty("srresnet");
        using var grad = torch.enable_grad();
        using var clip = new ClipModel(CognitionFixtures.ClipConfig(fixture.Config.GetProperty("clip")));
        using var adapter = new CognitiveAdapter(CognitionFixtures.AdapterConfig(q));
        using var preSr = new MsrResNet(
            new MsrResNetConfig
            {
                Features = r.GetProperty("num_feat").GetInt32(),
                Blocks = r.GetProperty("num_block").GetInt32(),
            }
        );
        fixture.FillWeights(clip, "cond_stage_model.model.");
        fixture.FillWeights(adapter, CognitiveAdapter.CheckpointPrefix);
        fixture.FillWeights(preSr, "pre_sr_model.");
        StageInputs.Freeze(clip);
        adapter.eval(); // no dropout
        (torch.Tensor loss, torch.Tensor picture) = CognitionStage.CognitiveLoss(
            preSr,
            clip,
            adapter,
            fixture.Input("lq"),
            fixture.Input("tokens")
        );
        loss.backward();
        fixture.AssertOutput("loss", loss);
        fixture.AssertOutput("pre_sr_image", picture);
        fixture.AssertOutput("unused_pre_sr_l1", torch.nn.functional.l1_loss(picture, fixture.Input("gt")));
        fixture.AssertOutput("gradnorm_pre_sr", Norm(preSr.named_parameters().Select(p => p.parameter)));
        fixture.AssertOutput("gradnorm_global_adapter", Norm(adapter.named_parameters().Select(p => p.parameter)));
        fixture.AssertOutput("grad_query_tokens", adapter.get_parameter("query_tokens")!.grad!);
        fixture.AssertOutput("grad_pre_sr_conv_last", preSr.get_parameter("conv_last.weight")!.grad!);
        Assert.All(clip.parameters(), p => Assert.Null(p.grad));
    }

    [FixtureKind("train_stage2")]
    public static void Restoration(FixtureCase fixture)
    {
        using var grad = torch.enable_grad();
        using var unet = new UnetModel(Reference.UnetConfig(fixture.Config.GetProperty("unet")));
        using var control = new ControlEncoder(Reference.ControlConfig(fixture.Config.GetProperty("control")));
        fixture.FillWeights(unet, Reference.UnetPrefix);
        fixture.FillWeights(control, Reference.ControlPrefix);
        IReadOnlyList<(string Name, Parameter Parameter)> trained = StageInputs.Choose(
            StageInputs.Named(unet, "unet.").Concat(StageInputs.Named(control, "control.")),
            new RestorationRecipe { Model = "" }.Trainable
        );
        Assert.Equal(
            fixture.Description.GetProperty("trainable").Deserialize<string[]>()!.Order(StringComparer.Ordinal),
            trained.Select(p => Key(p.Name)).Order(StringComparer.Ordinal)
        );
        var objective = new DiffusionObjective(new DiffusionConfig(), new ObjectiveSettings());
        torch.Tensor clean = fixture.Input("x_start");
        torch.Tensor noise = fixture.Input("noise");
        torch.Tensor t = fixture.Input("t");
        torch.Tensor prediction = RestorationStage.Predict(
            unet,
            control,
            objective.Noisy(clean, noise, t),
            t,
            torch.cat([fixture.Input("prompt_emb"), fixture.Input("lr_prompt_emb")], dim: 1),
            fixture.Input("lr_latent"),
            fixture.Input("reference_latent")
        );
        (torch.Tensor loss, torch.Tensor errors) = objective.Compute(prediction, clean, noise, t);
        loss.backward();
        fixture.AssertOutput("loss", loss);
        fixture.AssertOutput("val_loss_simple", errors.mean());
        fixture.AssertOutput("val_loss", errors.mean());
        Assert.Equal(
            fixture
                .Description.GetProperty("trainable_without_grad")
                .Deserialize<string[]>()!
                .Order(StringComparer.Ordinal),
            trained.Where(p => p.Parameter.grad is null).Select(p => Key(p.Name)).Order(StringComparer.Ordinal)
        );
        foreach (string output in fixture.OutputNames.Where(o => o.StartsWith("gradnorm_", StringComparison.Ordinal)))
        {
            string group = output["gradnorm_".Length..];
            fixture.AssertOutput(output, Norm(trained.Where(p => Belongs(p.Name, group)).Select(p => p.Parameter)));
        }
        foreach (string output in fixture.OutputNames.Where(o => o.StartsWith("grad.", StringComparison.Ordinal)))
            fixture.AssertOutput(output, trained.Single(p => Key(p.Name) == output["grad.".Length..]).Parameter.grad!);
    }

    private static bool Belongs(string name, string group)
    {
        const string controlGroup = "structcond";
        if (group == "unet_lna")
            return name.StartsWith("unet.", StringComparison.Ordinal);
        if (group == controlGroup)
            return name.StartsWith("control.", StringComparison.Ordinal);
        return group.StartsWith(controlGroup + "_", StringComparison.Ordinal)
            ? name.StartsWith($"control.{group[(controlGroup.Length + 1)..]}.", StringComparison.Ordinal)
            : name.StartsWith("unet.", StringComparison.Ordinal)
                && name.Contains($".{group}.", StringComparison.Ordinal);
    }

    private static string Key(string name) =>
        name.StartsWith("unet.", StringComparison.Ordinal)
            ? Reference.UnetPrefix + name["unet.".Length..]
            : Reference.ControlPrefix + name["control.".Length..];

    private static torch.Tensor Norm(IEnumerable<torch.Tensor> parameters) =>
        torch
            .stack([.. parameters.Select(p => p.grad).OfType<torch.Tensor>().Select(g => g.square().sum())])
            .sum()
            .sqrt();
}
