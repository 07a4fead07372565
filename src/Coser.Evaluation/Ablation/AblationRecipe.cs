using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Evaluation.Ablation;

/// <summary>Rows that belong together, as in the paper's Table 2: the same metrics, one thing changed.</summary>
public sealed record AblationGroup
{
    /// <summary>What is changed.</summary>
    public string Title { get; init; } = "";

    /// <summary>Keys of the metrics that are its columns.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];

    /// <summary>In the order of the table.</summary>
    public IReadOnlyList<AblationRow> Rows { get; init; } = [];
}

/// <summary>What <c>coser eval ablation</c> compares. Rows of different groups may stand for one configuration.</summary>
public sealed record AblationRecipe
{
    /// <summary>Settings of all rows that do not say otherwise.</summary>
    public AblationRow Common { get; init; } = new();

    /// <summary>In the order of the table.</summary>
    public IReadOnlyList<AblationGroup> Groups { get; init; } = [];

    /// <summary>Reads a recipe; relative paths in it are meant from its own folder.</summary>
    /// <param name="metrics">Keys that a column may have.</param>
    /// <exception cref="InvalidDataException">It is not JSON, or says what cannot be; the message names it.</exception>
    public static AblationRecipe Load(string path, IReadOnlyCollection<string> metrics)
    {
        AblationRecipe recipe;
        try
        {
            recipe =
                JsonSerializer.Deserialize<AblationRecipe>(File.ReadAllText(path), CoserJson.Strict)
                ?? throw new InvalidDataException($"{path}: it is empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        recipe = recipe with
        {
            Common = new(),
            Groups =
            [
                .. recipe.Groups.Select(g =>
                    g with
                    {
                        Rows = [.. g.Rows.Select(r => Located(r.Over(recipe.Common), folder))],
                    }
                ),
            ],
        };
        recipe.Check(path, metrics);
        return recipe;
    }

    /// <summary>Every configuration once, under the name of the first row that has it.</summary>
    public IReadOnlyList<AblationRow> Configurations() => [.. Groups.SelectMany(g => g.Rows).DistinctBy(Nameless)];

    /// <summary>The name of a row's configuration: that of the method that was run for it.</summary>
    public string MethodOf(AblationRow row) => Configurations().First(c => Nameless(c) == Nameless(row)).Name!;

    private static AblationRow Nameless(AblationRow row) => row with { Name = null };

    private void Check(string path, IReadOnlyCollection<string> metrics)
    {
        Refuse(Groups.Count == 0, "it has no groups");
        foreach (AblationGroup group in Groups)
        {
            string of = $"group '{group.Title}'";
            Refuse(group.Rows.Count == 0, $"{of} has no rows");
            Refuse(group.Metrics.Count == 0, $"{of} has no metrics");
            foreach (string key in group.Metrics)
                Refuse(
                    !metrics.Contains(key),
                    $"{of}: there is no metric '{key}'; there are {string.Join(", ", metrics)}"
                );
            foreach (AblationRow row in group.Rows)
            {
                Refuse(string.IsNullOrWhiteSpace(row.Name), $"a row of {of} has no name");
                Refuse(string.IsNullOrWhiteSpace(row.Model), $"row '{row.Name}' has no model");
            }
        }
        string? twice = Configurations().GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1)?.Key;
        Refuse(twice is not null, $"'{twice}' names two different configurations");

        void Refuse(bool wrong, string why)
        {
            if (wrong)
                throw new InvalidDataException($"{path}: {why}.");
        }
    }

    // A model may be a name, too: only what lies there is a path.
    private static AblationRow Located(AblationRow row, string folder)
    {
        return row with
        {
            Model = row.Model is null ? null : There(row.Model) ?? row.Model,
            Reference = row.Reference is null or "auto" or "tile" or "none"
                ? row.Reference
                : There(row.Reference)
                    ?? throw new InvalidDataException(
                        $"{Path.Combine(folder, row.Reference)}: there is no such reference."
                    ),
        };

        string? There(string name)
        {
            string full = Path.GetFullPath(Path.Combine(folder, name));
            return File.Exists(full) || Directory.Exists(full) ? full : null;
        }
    }
}
