using System.Text.Json;
using Coser.Networks.Baselines;

namespace Coser.Tests.Fixtures;

internal static class BaselineFixtures
{
    [FixtureKind("rrdbnet")]
    public static void Rrdb(FixtureCase fixture)
    {
        using var network = new RrdbNet(fixture.Config.Deserialize<RrdbNetConfig>()!);
        WeightFile.Fill(fixture, network);
        fixture.AssertOutput("y", network.call(fixture.Input("x")));
    }

    [FixtureKind("srvgg")]
    public static void Compact(FixtureCase fixture)
    {
        using var network = new SrVggNet(fixture.Config.Deserialize<SrVggNetConfig>()!);
        WeightFile.Fill(fixture, network);
        fixture.AssertOutput("y", network.call(fixture.Input("x")));
    }
}
