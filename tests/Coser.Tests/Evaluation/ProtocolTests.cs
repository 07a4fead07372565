using Coser.Evaluation;
using static TorchSharp.torch;

namespace Coser.Tests.Evaluation;

public sealed class ProtocolTests
{
    [Fact]
    public void Cosers_resizes_and_stablesrs_only_crops()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        // A ramp from left to right tells where a crop came from.
        foreach ((string name, int h, int w) in new[] { ("lr", 160, 200), ("hr", 640, 800) })
        {
            Directory.CreateDirectory(folder.File(name));
            Tensor ramp = linspace(0, 1, w).view(1, 1, 1, w).expand(1, 3, h, w).contiguous();
            PhotoTensor.Write(Path.Combine(folder.File(name), "ramp.png"), ramp);
        }
        EvaluationImage coser = Collect(EvaluationProtocol.Coser);
        EvaluationImage stable = Collect(EvaluationProtocol.Stablesr);
        Assert.Equal([1, 3, 128, 128], PhotoTensor.Read(coser.Lr).shape);
        Assert.Equal([1, 3, 512, 512], PhotoTensor.Read(coser.Hr!).shape);
        Assert.Equal([1, 3, 128, 128], PhotoTensor.Read(stable.Lr).shape);
        // 200 wide, shrunk to 160 of which 128 are left: 20% of the ramp is gone. Without resizing: 36%.
        Assert.Equal(0.8, Span(coser.Lr), 0.02);
        Assert.Equal(0.8, Span(coser.Hr!), 0.02);
        Assert.Equal(0.64, Span(stable.Lr), 0.02);
        Assert.Equal(0.64, Span(stable.Hr!), 0.02);

        EvaluationImage Collect(EvaluationProtocol protocol) =>
            Protocols
                .Collect(protocol, folder.File("lr"), folder.File("hr"), folder.File(protocol.ToString()))
                .Single();

        double Span(string path)
        {
            Tensor image = PhotoTensor.Read(path);
            return (image.max() - image.min()).item<float>();
        }
    }

    [Fact]
    public void A_prepared_image_is_kept_until_its_photo_is_replaced()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        Write(0.25);
        EvaluationImage first = Collect();
        DateTime made = File.GetLastWriteTimeUtc(first.Lr);
        Assert.Equal(made, File.GetLastWriteTimeUtc(Collect().Lr));
        Write(0.75);
        Assert.Equal(0.75, PhotoTensor.Read(Collect().Lr).mean().item<float>(), 0.01);

        void Write(double level)
        {
            foreach ((string name, int side) in new[] { ("lr", 130), ("hr", 520) })
            {
                Directory.CreateDirectory(folder.File(name));
                Tensor flat = full([1, 3, side, side], level, dtype: float32);
                PhotoTensor.Write(Path.Combine(folder.File(name), "flat.png"), flat);
            }
        }

        EvaluationImage Collect() =>
            Protocols
                .Collect(EvaluationProtocol.Coser, folder.File("lr"), folder.File("hr"), folder.File("work"))
                .Single();
    }

    [Fact]
    public void What_a_protocol_cannot_use_is_refused()
    {
        using var set = new SmallSet();
        string work = set.Folder.File("work");
        string Refused(EvaluationProtocol protocol, string lr, string? hr) =>
            Assert.Throws<InvalidDataException>(() => Protocols.Collect(protocol, lr, hr, work)).Message;
        Assert.Contains("--hr", Refused(EvaluationProtocol.Paired, set.Lr, null), StringComparison.Ordinal);
        Assert.Contains("2000", Refused(EvaluationProtocol.ImagenetTest2000, set.Lr, set.Hr), StringComparison.Ordinal);
        Assert.Contains("too few", Refused(EvaluationProtocol.Stablesr, set.Lr, set.Hr), StringComparison.Ordinal);
        Assert.Contains("no such", Refused(EvaluationProtocol.Paired, work, set.Hr), StringComparison.Ordinal);
        File.Delete(Path.Combine(set.Hr, "image1.png"));
        Assert.Contains("image1", Refused(EvaluationProtocol.Paired, set.Lr, set.Hr), StringComparison.Ordinal);
    }

    [Fact]
    public void Lanczos_keeps_constants_and_passes_through_samples_of_a_line()
    {
        using var scope = NewDisposeScope();
        Assert.True(allclose(Lanczos.Enlarge(full([1, 3, 5, 7], 0.3f), 4), full([1, 3, 20, 28], 0.3f), 1e-6, 1e-6));
        // At the size itself nothing changes.
        Tensor image = Draw.Uniform(1, 1, 3, 9, 11);
        Assert.True(allclose(Lanczos.Resize(image, 9, 11), image, 1e-5, 1e-6));
        Tensor wave = (arange(64, dtype: float32) / 8).sin().view(1, 1, 1, 64).expand(1, 1, 4, 64);
        Tensor fine = Lanczos.Enlarge(wave, 4)[0, 0, 0];
        Tensor expected = ((arange(256, dtype: float32) + 0.5) / 4 - 0.5).div(8).sin();
        double error = (fine - expected).narrow(0, 16, 224).abs().max().item<float>();
        Assert.True(error < 0.02, $"{error}");
    }
}
