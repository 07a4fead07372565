using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using TorchSharp;

namespace Coser.Tests.Fixtures;

/// <summary>Weights from a formula ("hash-fill-v1", described in the fixtures' hash_fill.json), so that no file is needed.</summary>
internal static class HashFill
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    public static void Fill(torch.nn.Module module, JsonElement weights, string prefix)
    {
        ulong seed = weights.GetProperty("seed").GetUInt64();
        double gain = weights.GetProperty("gain").GetDouble();
        (Regex Key, string Action)[] overrides =
        [
            .. weights
                .GetProperty("overrides")
                .EnumerateArray()
                .Select(o =>
                    (new Regex(o[0].GetString()!, RegexOptions.None, TimeSpan.FromSeconds(5)), o[1].GetString()!)
                ),
        ];
        using var noGrad = torch.no_grad();
        foreach ((string name, torch.Tensor target) in module.state_dict())
        {
            string key = prefix + name;
            string[] actions = [.. overrides.Where(o => o.Key.IsMatch(key)).Select(o => o.Action)];
            if (!target.is_floating_point() || actions.Contains("keep"))
                continue;
            float[] values = Values(key, target.shape, seed, gain, actions);
            using torch.Tensor filled = torch.tensor(values).reshape(target.shape);
            target.copy_(filled);
        }
    }

    public static float[] Values(string key, long[] shape, ulong seed, double gain, params string[] actions)
    {
        ulong start = Mix(Fnv1A(key) + seed);
        long count = shape.Aggregate(1L, (a, b) => a * b);
        string last = key[(key.LastIndexOf('.') + 1)..];
        double scale = shape.Length >= 2 ? gain * Math.Sqrt(3.0 / (count / (double)shape[0])) : 0;
        var values = new float[count];
        for (long j = 0; j < count; j++)
        {
            double u = (Mix(start + (ulong)(j + 1) * Golden) >> 40) * Math.Pow(2, -24);
            double s = 2 * u - 1;
            double value =
                shape.Length >= 2 ? s * scale
                : last is "weight" or "running_var" ? 1 + 0.25 * s
                : 0.1 * s;
            values[j] = (float)actions.Aggregate(value, Apply);
        }
        return values;
    }

    private static double Apply(double value, string action) =>
        action switch
        {
            "abs" => Math.Abs(value),
            _ when action.StartsWith("scale:", StringComparison.Ordinal) => value
                * double.Parse(action[6..], CultureInfo.InvariantCulture),
            _ => throw new NotSupportedException($"unknown override '{action}'"),
        };

    public static ulong Fnv1A(string key)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * 0x100000001B3;
        return hash;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
