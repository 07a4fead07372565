using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;
using Coser.Metrics.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>Networks born without values, over the mapped file.</summary>
[Collection(ProcessWide.Name)]
public sealed class MappedLoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _tiny = new();
    private readonly string _model;

    public MappedLoadingTests()
    {
        string coser = TinyModel.Write(_folder.File("coser.safetensors"), _tiny.Coser());
        string cfw = TinyModel.Write(_folder.File("cfw.safetensors"), _tiny.Cfw.state_dict());
        var request = new ConversionRequest
        {
            Coser = [coser],
            Cfw = cfw,
            Output = _folder.File("model"),
        };
        _model = ModelConverter.Convert(request).Folder;
    }

    public void Dispose()
    {
        _tiny.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void No_network_is_born_with_values()
    {
        using ModelDirectory model = ModelDirectory.Open(_model);
        foreach (ModelComponent component in model.Components)
        {
            using nn.Module network = model.Build(component.Role, Kind(component));
            Assert.All(network.state_dict(), t => Assert.Equal(DeviceType.META, t.Value.device_type));
            Assert.Equal(
                network.state_dict().Count,
                network.named_parameters().Count() + network.named_buffers().Count()
            );
        }
        using var features = new FeatureNetwork(new FeatureNetworkConfig { Classes = ["cat"] }, META);
        Assert.All(features.state_dict(), t => Assert.Equal(DeviceType.META, t.Value.device_type));
    }

    [Fact]
    public void A_network_of_the_files_type_copies_nothing_and_lets_go_of_the_file()
    {
        using (ModelDirectory model = ModelDirectory.Open(_model))
        {
            foreach (ModelComponent component in model.Components)
            {
                using nn.Module network = Load(model, component);
                (long begin, long end) = Range(component.File)!.Value;
                foreach ((string name, Tensor value) in network.state_dict())
                {
                    Assert.False(value.requires_grad);
                    bool isMapped = Address(value) >= begin && Address(value) < end;
                    // Small odd sizes may start within a cache line, and are copied.
                    Assert.True(
                        isMapped || value.numel() * value.element_size() % 64 != 0,
                        $"{component.Role}: {name}"
                    );
                }
            }
        }
        Assert.All(Directory.EnumerateFiles(_model), f => Assert.Null(Range(f)));
    }

    [Fact]
    public void Loading_leaves_no_tensor_that_building_does_not()
    {
        using ModelDirectory model = ModelDirectory.Open(_model);
        foreach (ModelComponent component in model.Components)
        {
            // TorchSharp counts one tensor too many for every parameter it makes.
            long built = Left(() => model.Build(component.Role, Kind(component)));
            Assert.Equal(built, Left(() => Load(model, component)));
            Assert.Equal(built, Left(() => Load(model, component, ScalarType.BFloat16)));
        }

        static long Left(Func<nn.Module> make)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            long before = Tensor.TotalCount;
            make().Dispose();
            return Tensor.TotalCount - before;
        }
    }

    [Fact]
    public void A_network_outlives_its_directory_and_computes_with_the_files_values()
    {
        string file;
        nn.Module network;
        using (ModelDirectory model = ModelDirectory.Open(_model))
        {
            ModelComponent unet = model.Components.Single(c => c.Role == ComponentNames.Unet);
            (network, file) = (Load(model, unet), unet.File);
        }
        Assert.NotNull(Range(file));
        using (network)
        {
            using Tensor truth = TinyModel.Output(_tiny.Unet);
            using Tensor output = TinyModel.Output(network);
            Assert.True(truth.Equals(output));
            Tensor kept = network.state_dict()["out.2.bias"];
            Assert.True(kept.Equals(_tiny.Unet.state_dict()["out.2.bias"]));
        }
        Assert.Null(Range(file));
    }

    [Fact]
    public void Another_type_is_a_copy_of_its_own_now_or_later()
    {
        using ModelDirectory model = ModelDirectory.Open(_model);
        foreach (ModelComponent component in model.Components)
        {
            using nn.Module now = Load(model, component, ScalarType.BFloat16);
            using nn.Module later = Load(model, component);
            later.to(ScalarType.BFloat16);
            foreach ((string name, Tensor value) in later.state_dict())
            {
                Assert.True(value.Equals(now.state_dict()[name]), name);
                Assert.True(value.Equals(_tiny.Networks[component.Role].state_dict()[name].to(value.dtype)), name);
            }
        }
        foreach (ModelComponent component in model.Components)
            Assert.Equal(1, Maps(component.File)); // the directory's own
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using ModelDirectory model = ModelDirectory.Open(_model);
        using (var wrong = new Networks.PreSr.MsrResNet(new() { Features = 4 }, META))
        {
            string message = Assert
                .Throws<CheckpointException>(() => WeightLoader.Attach(wrong, model.Weights(ComponentNames.PreSr), "f"))
                .Message;
            Assert.Contains("conv_first.weight [8,3,3,3] instead of [4,3,3,3]", message, StringComparison.Ordinal);
            Assert.Contains("body.15.conv1.weight", message, StringComparison.Ordinal);
        }
        Assert.Throws<CheckpointException>(() => model.Load(ComponentNames.Unet, NetworkKinds.Control));
    }

    [Fact]
    public void Forgotten_pages_come_back()
    {
        using ModelDirectory model = ModelDirectory.Open(_model);
        SafetensorsFile file = model.Weights(ComponentNames.Unet);
        foreach (string name in file.Entries.Keys)
        {
            using Tensor value = file.Read(name);
            using Tensor copy = value.clone();
            file.Forget(name);
            Assert.True(value.Equals(copy));
        }
    }

    private static NetworkKind Kind(ModelComponent component) => NetworkKinds.All.Single(k => k.Name == component.Kind);

    private static nn.Module Load(ModelDirectory model, ModelComponent component, ScalarType? dtype = null) =>
        model.Load(component.Role, Kind(component), dtype: dtype);

    private static unsafe long Address(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor first = tensor.detach().flatten().narrow(0, 0, 1);
        fixed (byte* start = first.bytes)
            return (long)start;
    }

    private static int Maps(string file) =>
        File.ReadLines("/proc/self/maps").Count(l => l.EndsWith(file, StringComparison.Ordinal));

    private static (long Begin, long End)? Range(string file) =>
        File.ReadLines("/proc/self/maps")
            .Where(l => l.EndsWith(file, StringComparison.Ordinal))
            .Select(l => l.Split(' ')[0].Split('-').Select(a => Convert.ToInt64(a, 16)).ToArray())
            .Select(a => ((long, long)?)(a[0], a[1]))
            .FirstOrDefault();
}
