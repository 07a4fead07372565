using Coser.Training;
using Coser.Training.Cognitive;
using Coser.Training.Degradation;
using Coser.Training.Restorations;
using Coser.Training.Runs;

namespace Coser.Tests.Training;

/// <summary>The recipes that come with the project.</summary>
public sealed class RecipeFileTests
{
    private static string Folder => Path.Combine(Repository.Root, "recipes");

    public static TheoryData<string> Files() =>
        [
            .. Directory
                .EnumerateFiles(Folder, "*.json", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Folder, f))
                .Where(f =>
                    Path.GetFileName(f) is var name
                    && name != "model.json"
                    && !name.StartsWith("ablation", StringComparison.Ordinal)
                )
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_recipe_is_read_by_its_stage(string file)
    {
        string name = Path.GetFileNameWithoutExtension(file).Split('-')[0];
        TrainingRecipe recipe = TrainingStages
            .Find(name == "perceptual" ? "features" : name)
            .ReadRecipe(Path.Combine(Folder, file));
        Assert.True(recipe.Training.Steps > 0);
    }

    [Fact]
    public void The_full_size_recipes_are_the_reference_training()
    {
        var one = TrainingRecipe.Read<CognitionRecipe>(Path.Combine(Folder, "coser-sd21", "stage1.json"));
        var two = TrainingRecipe.Read<RestorationRecipe>(Path.Combine(Folder, "coser-sd21", "stage2.json"));
        foreach (
            (TrainingSettings training, DegradationSettings degradation, int size) in new[]
            {
                (one.Training, one.Degradation, one.Size),
                (two.Training, two.Degradation, two.Size),
            }
        )
        {
            Assert.Equal(192, training.Batch * training.Accumulate);
            Assert.Equal(20_000, training.Steps);
            Assert.Equal(5e-5, training.LearningRate.At(19_999, 20_000));
            Assert.Equal(512, size);
            Assert.Equal(DegradationSettings.Reference.ToJson(), degradation.ToJson());
        }
        Assert.Equal(0.5, two.TextDrop);
        Assert.Equal(3, two.Sampling.Guidance);
    }
}
