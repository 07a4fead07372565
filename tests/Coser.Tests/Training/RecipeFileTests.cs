using System.Text.Json;
using Coser.Training;
using Coser.Training.Cognitive;
using Coser.Training.Degradation;
using Coser.Training.Plans;
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
                    && name is not ("model.json" or "begin.json" or "degradation.json" or "plan.json")
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
            .Find(name is "perceptual" or "evaluation" ? "features" : name)
            .ReadRecipe(Path.Combine(Folder, file));
        Assert.True(recipe.Training.Steps > 0);
    }

    [Fact]
    public void The_plans_recipes_are_sound_and_what_they_name_is_made_before()
    {
        string folder = Path.Combine(Folder, "coser-mini");
        TrainingPlan plan = TrainingPlan.Read(Path.Combine(folder, "plan.json"));
        // By the first name of its path: what a step's arguments, recipe or export leave in the work folder.
        var made = new HashSet<string>([plan.Model], StringComparer.Ordinal);
        foreach (PlanStep step in plan.Steps)
        {
            if (step.Stage is not null)
            {
                string path = Path.Combine(folder, step.Recipe!);
                string resolved = plan.Resolve(path, "/work-folder");
                string own = Path.GetTempFileName();
                File.WriteAllText(own, resolved);
                Assert.True(TrainingStages.Find(step.Stage).ReadRecipe(own).Training.Steps > 0);
                File.Delete(own);
                foreach (string name in plan.Names.Values.Where(n => resolved.Contains($"\"/work-folder/{n}\"")))
                    Assert.True(made.Contains(name), $"{step.Name} needs {name}");
                made.Add(step.Into ?? plan.Model);
            }
            foreach (string argument in step.Command ?? [])
            {
                if (argument.StartsWith("{work}/", StringComparison.Ordinal))
                    made.Add(argument["{work}/".Length..]);
            }
        }
        DegradationSettings degradation = DegradationSettings.Read(Path.Combine(folder, "degradation.json"));
        Assert.Equal((DegradationSettings.Reference with { SharpenGt = false }).ToJson(), degradation.ToJson());
        using JsonDocument begin = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "begin.json")));
        Assert.Equal(plan.Model, begin.RootElement.GetProperty("name").GetString());
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
