using System.Text.Json;
using Coser.Networks.PreSr;

namespace Coser.Tests.Fixtures;

internal static class PreSrFixtures
{
    [FixtureKind("msrresnet")]
    public static void Pre_sr(FixtureCase fixture)
    {
        using var network = new MsrResNet(fixture.Config.Deserialize<MsrResNetConfig>()!);
        fixture.FillWeights(network);
        fixture.AssertOutput("y", network.call(fixture.Input("x")));
    }
}
