using System.Text.Json;
using Coser.Diffusion;
using Coser.Networks.Unet;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class DiffusionFixtures
{
    [FixtureKind("schedule")]
    public static void Schedule(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        NoiseSchedule schedule = NoiseSchedule.Create(
            new DiffusionConfig
            {
                Timesteps = c.GetProperty("timesteps").GetInt32(),
                LinearStart = c.GetProperty("linear_start").GetDouble(),
                LinearEnd = c.GetProperty("linear_end").GetDouble(),
            }
        );
        AssertTables(fixture, "base", schedule.Tables);
        foreach (int steps in c.GetProperty("steps").Deserialize<int[]>()!)
        {
            IReadOnlyList<int> timesteps = Timesteps.Choose(steps, schedule.Count - 1);
            NoiseSchedule respaced = schedule.Respace(timesteps);
            Assert.Equal(fixture.Expected($"respaced{steps}.timesteps").data<long>(), timesteps.Select(t => (long)t));
            Assert.Equal(timesteps, respaced.Timesteps);
            AssertTables(fixture, $"respaced{steps}", respaced.Tables);
        }
        torch.Tensor clean = fixture.Input("x_start");
        foreach (string name in fixture.OutputNames.Where(n => n.StartsWith("q_sample_t", StringComparison.Ordinal)))
        {
            torch.Tensor t = torch.full([clean.shape[0]], int.Parse(name[10..]), dtype: torch.int64);
            fixture.AssertOutput(name, schedule.AddNoise(clean, fixture.Input("noise"), t));
        }
    }

    [FixtureKind("sampler")]
    public static void Trajectories(FixtureCase fixture)
    {
        using var unet = new UnetModel(Reference.UnetConfig(fixture.Config.GetProperty("unet")));
        using var control = new ControlEncoder(Reference.ControlConfig(fixture.Config.GetProperty("control")));
        fixture.FillWeights(unet, fixture.Prefix + Reference.UnetPrefix);
        fixture.FillWeights(control, fixture.Prefix + Reference.ControlPrefix);
        NoiseSchedule schedule = Respaced(fixture);
        torch.Tensor positive = torch.cat([fixture.Input("prompt_emb"), fixture.Input("lr_prompt_emb")], dim: 1);
        torch.Tensor negative = fixture.Input("neg_emb");
        int drawn = 0;
        foreach (double scale in fixture.Config.GetProperty("cfg").Deserialize<double[]>()!)
        {
            string suffix = FormattableString.Invariant($"_cfg{scale:0.0}_");
            Trajectory("gen" + suffix, (z, t) => Guided(z, t, memory: null));
            Trajectory(
                "sr" + suffix,
                (z, t) =>
                {
                    using ControlFeatures lr = control.Encode(z, fixture.Input("lr"), t, positive);
                    using ControlFeatures reference = control.Encode(z, fixture.Input("reference"), t, positive);
                    using ControlMemory memory = unet.Remember(lr, reference);
                    return Guided(z, t, memory);
                }
            );

            torch.Tensor Guided(torch.Tensor z, torch.Tensor t, ControlMemory? memory) =>
                Guidance.Combine(
                    scale,
                    () => unet.Predict(z, t, positive, memory),
                    () => unet.Predict(z, t, negative, memory)
                );
        }

        void Trajectory(string prefix, Func<torch.Tensor, torch.Tensor, torch.Tensor> predict)
        {
            IDenoiser denoiser = Denoiser.Create(
                PredictionKind.Epsilon,
                (z, t) => predict(z, torch.tensor(new[] { (long)t }))
            );
            var state = new SamplerState(fixture.Input("x_T"), schedule.Count - 1);
            for (int step = 0; !state.IsFinished; step++, drawn++)
            {
                int noise = drawn;
                state = new DdpmSampler().Advance(denoiser, schedule, state, _ => fixture.Input($"noise{noise:00}"));
                fixture.AssertOutput($"{prefix}step{step}", state.Latent);
            }
            fixture.AssertOutput(prefix + "final", state.Latent);
        }
    }

    [FixtureKind("tile_gaussian_weights")]
    public static void Tile_weights(FixtureCase fixture)
    {
        foreach (string name in fixture.OutputNames)
        {
            int[] sides = [.. name[2..].Split('x').Select(int.Parse)];
            fixture.AssertOutput(name, LatentTiling.GaussianWeights(sides[0], sides[1]));
        }
    }

    [FixtureKind("tile_sampler")]
    public static void Tiled_trajectory(FixtureCase fixture)
    {
        using var unet = new UnetModel(Reference.UnetConfig(fixture.Config.GetProperty("unet")));
        using var control = new ControlEncoder(Reference.ControlConfig(fixture.Config.GetProperty("control")));
        fixture.FillWeights(unet, fixture.Prefix + Reference.UnetPrefix);
        fixture.FillWeights(control, fixture.Prefix + Reference.ControlPrefix);
        var tiling = new LatentTiling(
            fixture.Config.GetProperty("tile_size").GetInt32(),
            fixture.Config.GetProperty("tile_overlap").GetInt32()
        );
        double scale = fixture.Config.GetProperty("cfg").GetDouble();
        torch.Tensor positive = torch.cat([fixture.Input("prompt_emb"), fixture.Input("lr_prompt_emb")], dim: 1);
        torch.Tensor negative = fixture.Input("neg_emb");
        IDenoiser denoiser = Denoiser.Create(
            PredictionKind.Epsilon,
            (canvas, timestep) => tiling.Blend(canvas, (z, tiles) => Predict(z, tiles[0], timestep))
        );
        NoiseSchedule schedule = Respaced(fixture);
        var state = new SamplerState(fixture.Input("x_T"), schedule.Count - 1);
        for (int step = 0; !state.IsFinished; step++)
        {
            string noise = $"noise{step:00}";
            state = new DdpmSampler().Advance(denoiser, schedule, state, _ => fixture.Input(noise));
            fixture.AssertOutput($"step{step}", state.Latent);
        }
        fixture.AssertOutput("final", state.Latent);

        torch.Tensor Predict(torch.Tensor z, LatentTile tile, int timestep)
        {
            torch.Tensor t = torch.tensor(new[] { (long)timestep });
            using ControlFeatures lr = control.Encode(z, tile.Of(fixture.Input("lr")), t, positive);
            using ControlFeatures reference = control.Encode(z, tile.Of(fixture.Input("reference")), t, positive);
            using ControlMemory memory = unet.Remember(lr, reference);
            return Guidance.Combine(
                scale,
                () => unet.Predict(z, t, positive, memory),
                () => unet.Predict(z, t, negative, memory)
            );
        }
    }

    /// <summary>The default process at the timesteps of a case.</summary>
    internal static NoiseSchedule Respaced(FixtureCase fixture) =>
        NoiseSchedule
            .Create(new DiffusionConfig())
            .Respace(fixture.Config.GetProperty("timesteps").Deserialize<int[]>()!);

    private static void AssertTables(FixtureCase fixture, string prefix, ScheduleTables tables)
    {
        foreach (System.Reflection.PropertyInfo table in typeof(ScheduleTables).GetProperties())
        {
            string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(table.Name);
            fixture.AssertOutput($"{prefix}.{name}", torch.tensor((float[])table.GetValue(tables)!));
        }
    }
}
