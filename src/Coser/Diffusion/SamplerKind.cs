namespace Coser.Diffusion;

/// <summary>The samplers by name.</summary>
public enum SamplerKind
{
    /// <summary><see cref="DdpmSampler"/>.</summary>
    Ddpm,

    /// <summary><see cref="DdimSampler"/>, deterministic.</summary>
    Ddim,

    /// <summary><see cref="DpmSolverSampler"/>, deterministic.</summary>
    Dpm,

    /// <summary><see cref="DpmSolverSampler"/> for the SDE.</summary>
    DpmSde,
}

/// <summary>Makes samplers by name.</summary>
public static class Samplers
{
    /// <summary>The sampler of that name.</summary>
    public static ISampler Create(SamplerKind kind) =>
        kind switch
        {
            SamplerKind.Ddpm => new DdpmSampler(),
            SamplerKind.Ddim => new DdimSampler(),
            SamplerKind.Dpm => new DpmSolverSampler(),
            SamplerKind.DpmSde => new DpmSolverSampler(eta: 1),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
}
