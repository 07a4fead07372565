using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>How far each network of a model is from its float32 self in bfloat16: <c>precision MODEL</c>.</summary>
internal static class PrecisionDifference
{
    private static readonly ScalarType[] Types = [float32, bfloat16];

    public static int Run(string folder)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        using var inference = inference_mode();
        manual_seed(1);
        Console.WriteLine("| network | relative RMS difference |\n| --- | --- |");
        Tensor lr = rand(1, 3, 64, 64);
        Row<MsrResNet>(model, ComponentNames.PreSr, NetworkKinds.MsrResNet, (n, _) => n.call(lr));
        Tensor? tokens = null;
        Row<ClipModel>(
            model,
            ComponentNames.Clip,
            NetworkKinds.Clip,
            (n, type) =>
            {
                Tensor seen = n.ImageTokens(ClipPreprocessing.Stretch(lr, n.Config).to(type));
                tokens ??= seen.to(float32).DetachFromDisposeScope();
                return seen;
            }
        );
        Row<CognitiveAdapter>(
            model,
            ComponentNames.Adapter,
            NetworkKinds.Adapter,
            (n, type) => n.call(tokens!.to(type))
        );
        Tensor noise = randn(1, 4, 64, 64);
        Tensor t = tensor(new[] { 500L });
        Tensor? context = null;
        Row<ControlEncoder>(
            model,
            ComponentNames.Control,
            NetworkKinds.Control,
            (n, _) =>
            {
                context ??= randn(1, 127, n.Config.ContextDim).DetachFromDisposeScope();
                return n.Encode(noise, noise * 0.5, t, context).Maps[^1];
            }
        );
        Row<UnetModel>(model, ComponentNames.Unet, NetworkKinds.Unet, (n, _) => n.Predict(noise, t, context!));
        Row<KlAutoencoder>(
            model,
            ComponentNames.Autoencoder,
            NetworkKinds.Autoencoder,
            (n, type) => n.Decode(noise.narrow(2, 0, 32).narrow(3, 0, 32).to(type))
        );
        return 0;
    }

    private static void Row<T>(
        ModelDirectory model,
        string role,
        NetworkKind<T> kind,
        Func<T, ScalarType, Tensor> output
    )
        where T : nn.Module
    {
        using var scope = NewDisposeScope();
        Tensor[] results =
        [
            .. Types.Select(type =>
            {
                using T network = model.Load(role, kind, dtype: type);
                return output(network, type).to(float64);
            }),
        ];
        double difference = (results[1] - results[0]).square().mean().sqrt().item<double>();
        double size = results[0].square().mean().sqrt().item<double>();
        Console.WriteLine(FormattableString.Invariant($"| {role} | {difference / size:g2} |"));
    }
}
