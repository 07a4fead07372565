using System.Text.Json;
using Coser.Checkpoints;
using Coser.Restoration;
using Coser.Tests.Fixtures;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Restorations;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class LatentSetTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public void A_record_is_the_latent_of_the_view_it_stands_for()
    {
        _small.WriteLatents("latents");
        using LatentSet set = LatentSet.Open(_small.File("latents"));
        Assert.Equal(12, set.Count);
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using var networks = new FrozenNetworks(model, SmallTraining.Compute);
        var views = new ViewReader(set.Manifest, _small.Data);
        using var scope = NewDisposeScope();
        for (int view = 0; view < 2; view++)
        {
            long record = set.RecordOf("3.png", view);
            PhotoView pictures = views.Read(record);
            Assert.Equal([1, 3, 32, 32], pictures.Sharp.shape);
            Assert.Equal([1, 3, 8, 8], pictures.Lr!.shape);
            AssertNear(networks.Encode(pictures.Sharp), set.Read(LatentSet.Clean, record));
            AssertNear(networks.EncodeLr(pictures.Lr, 4), set.Read(LatentSet.Lr, record));
            AssertNear(networks.Understand(pictures.Lr), set.Read(LatentSet.Embedding, record));
            Assert.Equal(pictures.Mirrored ? 1f : 0f, set.Read(LatentSet.Mirrored, record).item<float>());
        }
        Tensor first = set.Read(LatentSet.Clean, set.RecordOf("3.png", 0));
        Assert.False(first.allclose(set.Read(LatentSet.Clean, set.RecordOf("3.png", 1))));
        Assert.Equal(-1, set.RecordOf("none.png", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Read(LatentSet.Clean, 12));
    }

    [Fact]
    public void Degraded_views_are_enlarged_as_the_model_does_it()
    {
        ModelManifest manifest = _small.Manifest();
        manifest = manifest with { Restoration = manifest.Restoration! with { Enlargement = EnlargementKind.PreSr } };
        File.WriteAllText(
            Path.Combine(_small.Model, "model.json"),
            JsonSerializer.Serialize(manifest, CoserJson.Strict)
        );
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using var networks = new FrozenNetworks(model, SmallTraining.Compute);
        using var preSr = model.LoadPreSr();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor lr = Draw.Uniform(5, 2, 3, 8, 8);
        Tensor clean = networks.Encode(preSr.call(lr).clamp(0, 1));
        AssertNear(clean, networks.EncodeLr(lr, 4));
        Assert.False(clean.allclose(networks.Encode(Enlargement.Bicubic(lr, 4)), 1e-2, 1e-2));
        Assert.Throws<ArgumentException>(() => networks.EncodeLr(lr, 2));

        // A set of the other kind does not fit the model.
        _small.WriteLatents("interpolated");
        string refused = Assert
            .Throws<InvalidDataException>(() =>
                new RestorationStage(
                    new RestorationRecipe
                    {
                        Model = _small.Model,
                        Latents = _small.File("interpolated"),
                        Training = SmallTraining.Settings,
                    },
                    _small.Data,
                    SmallTraining.Compute
                )
            )
            .Message;
        Assert.Contains("enlarged in another way", refused);
    }

    [Fact]
    public void A_set_of_some_training_photos_keeps_all_others()
    {
        LatentSetWriter all = _small.WriteLatents("latents");
        var some = new LatentSetWriter(
            _small.File("some"),
            all.Manifest.Settings with
            {
                TrainingPhotos = 2,
            },
            _small.Data,
            all.Manifest.Models["views"]
        );
        string[] others = [.. _small.Data.Entries.Where(e => e.Split != "train").Select(e => e.File)];
        Assert.Equal(2 + others.Length, some.Manifest.Photos.Count);
        Assert.Empty(others.Except(some.Manifest.Photos));
        Assert.Throws<InvalidDataException>(() => (some.Manifest.Settings with { TrainingPhotos = 0 }).Validate(8));
    }

    [Fact]
    public void A_set_that_was_stopped_goes_on_and_ends_in_the_same_bytes()
    {
        LatentSetWriter writer = _small.WriteLatents("whole");
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using var networks = new FrozenNetworks(model, SmallTraining.Compute);
        var broken = new LatentSetWriter(_small.File("broken"), writer.Manifest.Settings, _small.Data, model.Hash);
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => broken.WriteViews(_small.Data, networks, null, cancel.Token));
        Assert.Throws<InvalidDataException>(() => LatentSet.Open(_small.File("broken")));
        Assert.Equal(12, broken.WriteViews(_small.Data, networks, null, CancellationToken.None));
        Assert.Equal(0, broken.WriteViews(_small.Data, networks, null, CancellationToken.None));
        foreach (string file in new[] { "latents.json", "views-000000.safetensors" })
        {
            Assert.Equal(
                File.ReadAllBytes(_small.File("whole/" + file)),
                File.ReadAllBytes(_small.File("broken/" + file))
            );
        }
    }

    [Fact]
    public void A_part_of_another_model_is_made_anew()
    {
        LatentSetWriter writer = _small.WriteLatents("latents");
        Assert.Throws<InvalidDataException>(() => Require(LatentSet.Sampled));
        Assert.Equal(12, Write(LatentSet.Sampled, "one", 1));
        Assert.Equal(0, Write(LatentSet.Sampled, "one", 2));
        Assert.Equal(1, Value());
        Assert.Equal(12, Write(LatentSet.Sampled, "two", 3));
        Assert.Equal(3, Value());
        Assert.Throws<ArgumentException>(() => Write(LatentSet.Lr, "one", 1));

        long Write(string column, string model, double value) =>
            writer.WritePart(
                column,
                model,
                records => new Dictionary<string, Tensor>(StringComparer.Ordinal)
                {
                    [column] = full([records.Count, 4, 4, 4], value),
                },
                null,
                CancellationToken.None
            );

        float Value()
        {
            using LatentSet set = LatentSet.Open(_small.File("latents"));
            using Tensor read = set.Read(LatentSet.Sampled, 11);
            return read.max().item<float>();
        }

        void Require(string column)
        {
            using LatentSet set = LatentSet.Open(_small.File("latents"));
            set.Require(column);
        }
    }

    [Fact]
    public void A_whole_model_adds_references_and_restored_latents()
    {
        LatentSetWriter writer = _small.WriteLatents("latents");
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using LatentSet set = LatentSet.Open(_small.File("latents"));
        using var painter = new LatentPainter(set, model, Preset.Fast, SmallTraining.Compute);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor alone = painter.Restored([7])[LatentSet.Sampled]; // no references yet: grey
        Assert.Equal(12, writer.WritePart(LatentSet.Reference, "m", painter.Reference, null, CancellationToken.None));
        Assert.Equal(12, writer.WritePart(LatentSet.Sampled, "m", painter.Restored, null, CancellationToken.None));
        using LatentSet painted = LatentSet.Open(_small.File("latents"));
        painted.Require(LatentSet.Reference, LatentSet.Sampled);
        Tensor reference = painted.Read(LatentSet.Reference, 7);
        Tensor restored = painted.Read(LatentSet.Sampled, 7);
        Assert.Equal([1, 4, 4, 4], restored.shape);
        Assert.True(restored.isfinite().all().item<bool>() && reference.isfinite().all().item<bool>());
        Assert.False(restored.allclose(reference, 1e-2, 1e-2));
        Assert.False(restored.allclose(painted.Read(LatentSet.Sampled, 6), 1e-2, 1e-2));
        // With references it is another picture; and the same one when it is made again.
        using var second = new LatentPainter(painted, model, Preset.Fast, SmallTraining.Compute);
        Tensor again = second.Restored([7])[LatentSet.Sampled];
        Assert.False(again.allclose(alone, 1e-4, 1e-4));
        Assert.True(again.equal(second.Restored([7])[LatentSet.Sampled]).all().item<bool>());
    }

    [Fact]
    public void Another_set_in_the_folder_and_photos_that_are_too_small_are_refused()
    {
        LatentSetWriter writer = _small.WriteLatents("latents");
        LatentSetSettings settings = writer.Manifest.Settings;
        Assert.Contains("other views", Refused("latents", settings with { Seed = 9 }));
        Assert.Contains("72 pixels", Refused("large", settings with { Size = 72 }));
        Assert.Throws<InvalidDataException>(() => (settings with { Size = 36 }).Validate(8));
        Assert.Throws<InvalidDataException>(() => (settings with { Views = 0 }).Validate(8));
        settings.Validate(8);

        string Refused(string folder, LatentSetSettings wanted) =>
            Assert
                .Throws<InvalidDataException>(() =>
                    new LatentSetWriter(_small.File(folder), wanted, _small.Data, writer.Manifest.Models["views"])
                )
                .Message;
    }

    [Fact]
    public void Views_lie_in_the_photo_at_all_sizes()
    {
        using var scope = NewDisposeScope();
        // Brightness tells the column: 0 at the left edge, 1 at the right.
        Tensor ramp = linspace(0, 255, 64).to(uint8).reshape(1, 1, 64).expand(3, 48, 64);
        var maker = new ViewMaker(16, null);
        var widths = new List<float>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            using var draws = new SeededDraws(seed);
            PhotoView view = maker.Make(ramp, draws);
            Assert.Null(view.Lr);
            float left = view.Sharp[0, 0, 8, 0].item<float>();
            float right = view.Sharp[0, 0, 8, 15].item<float>();
            Assert.Equal(view.Mirrored, right < left);
            widths.Add(Math.Abs(right - left));
        }
        Assert.InRange(widths.Min(), 0.2f, 0.3f); // 16 of 64 columns
        Assert.InRange(widths.Max(), 0.6f, 0.76f); // up to 48
    }

    private static void AssertNear(Tensor expected, Tensor actual) =>
        Assert.True((expected - actual).abs().max().item<float>() < 5e-3 * expected.abs().max().item<float>());
}
