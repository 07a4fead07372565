using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli;
using Coser.Networks.Clip;
using Coser.Tests.Cli;
using Coser.Training.Data;
using Coser.Training.Runs;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

/// <summary>A data set of three labels, one of them too small, and a CLIP of random weights.</summary>
[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class ReferenceTests : IDisposable
{
    private static readonly ClipConfig Config = new()
    {
        EmbedDim = 8,
        Vision = new()
        {
            ImageSize = 16,
            PatchSize = 8,
            Layers = 1,
            Width = 16,
            HeadWidth = 8,
        },
        Text = new()
        {
            ContextLength = 8,
            VocabSize = 520,
            Width = 16,
            Heads = 2,
            Layers = 2,
        },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly ClipModel _clip;

    public ReferenceTests()
    {
        manual_seed(11);
        _clip = new ClipModel(Config);
        string photos = Directory.CreateDirectory(_folder.File("data/photos")).FullName;
        var lines = new List<string>();
        for (int i = 0; i < 16; i++)
        {
            using Image noise = Image.Gaussnoise(40, 40, sigma: 10 + 8 * i, mean: 60 + 9 * i, seed: i);
            using Image rgb = noise.Gaussblur(1).Bandjoin(noise, 255 - noise).Cast(Enums.BandFormat.Uchar);
            rgb.Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(Path.Combine(photos, $"{i}.png"));
            string label =
                i < 8 ? "fog"
                : i < 14 ? "mist"
                : i == 14 ? "rare"
                : "";
            string split = i % 8 == 7 ? "validation" : "train";
            lines.Add($$"""{"file":"{{i}}.png","label":"{{label}}","source":"test","split":"{{split}}"}""");
        }
        File.WriteAllLines(_folder.File("data/index.jsonl"), lines);
    }

    public void Dispose()
    {
        _clip.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Each_photo_gets_the_most_similar_ones_of_its_label_or_of_all()
    {
        PhotoIndex data = PhotoIndex.Open(_folder.File("data"));
        string file = _folder.File("references.jsonl");
        (int photos, int borrowed) = Search().Write(data, file, null, CancellationToken.None);
        Assert.Equal((16, 2), (photos, borrowed)); // "rare" and no label
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.embeddings"));
        ReferenceIndex references = ReferenceIndex.Open(file, data);
        Tensor similarity = Similarities(data);
        foreach ((int i, PhotoEntry photo) in data.Entries.Index())
        {
            bool all = photo.Label is "rare" or "";
            (string File, float Similarity)[] expected =
            [
                .. data
                    .Entries.Index()
                    .Where(c => c.Index != i && c.Item.Split == "train" && (all || c.Item.Label == photo.Label))
                    .Select(c => (c.Item.File, similarity[i, c.Index].item<float>()))
                    .OrderByDescending(c => c.Item2)
                    .Take(4),
            ];
            Assert.Equal(expected.Select(e => e.File), references[photo.File].Select(r => r.File));
            foreach (
                (float want, float got) in expected
                    .Select(e => e.Similarity)
                    .Zip(references[photo.File].Select(r => r.Similarity))
            )
                Assert.Equal(want, got, 1e-4f);
        }
        Assert.Empty(references["none.png"]);
    }

    [Fact]
    public void A_stopped_search_goes_on_to_the_same_file_and_another_model_begins_anew()
    {
        PhotoIndex data = PhotoIndex.Open(_folder.File("data"));
        Search().Write(data, _folder.File("whole.jsonl"), null, CancellationToken.None);
        string embeddings = _folder.File("broken.jsonl.embeddings");
        int embedded = 0;
        using (var file = new EmbeddingFile(embeddings, Identity("tiny"), 8))
            file.Append(Embeddings(data).narrow(0, 0, 5).contiguous());
        using (FileStream cut = File.OpenWrite(embeddings))
            cut.SetLength(cut.Length - 3); // the fifth row as a kill leaves it
        Search().Write(data, _folder.File("broken.jsonl"), done => embedded = done, CancellationToken.None);
        Assert.Equal(16, embedded);
        Assert.Equal(File.ReadAllText(_folder.File("whole.jsonl")), File.ReadAllText(_folder.File("broken.jsonl")));

        using (var file = new EmbeddingFile(embeddings, Identity("tiny"), 8))
            file.Append(zeros(3, 8));
        using (var same = new EmbeddingFile(embeddings, Identity("tiny"), 8))
            Assert.Equal(3, same.Rows);
        using (var other = new EmbeddingFile(embeddings, Identity("other"), 8))
            Assert.Equal(0, other.Rows);

        string Identity(string model) => $"{model}\n{float32}\n" + string.Join('\n', data.Entries.Select(e => e.File));
    }

    [Fact]
    public void References_of_another_data_set_are_refused_with_their_line()
    {
        PhotoIndex data = PhotoIndex.Open(_folder.File("data"));
        string path = _folder.File("references.jsonl");
        string Refused(params string[] lines)
        {
            File.WriteAllLines(path, lines);
            return Assert.Throws<InvalidDataException>(() => ReferenceIndex.Open(path, data)).Message;
        }
        const string Good = """{"file":"0.png","references":[{"file":"1.png","similarity":0.5}]}""";
        Assert.Contains(
            "line 2",
            Refused(Good, """{"file":"1.png","references":[{"file":"99.png","similarity":1}]}""")
        );
        Assert.Contains("line 2", Refused(Good, Good[..30]));
        Assert.Contains("empty", Refused());
        Assert.Throws<InvalidDataException>(() => ReferenceIndex.Open(_folder.File("none"), data));
    }

    [Fact]
    public void The_command_takes_a_models_clip_and_shards_alike()
    {
        using var cli = new CliHarness();
        ModelExport.Write(
            [TrainedComponent.Create("clip", ClipConfig.Kind, Config, _clip.state_dict())],
            cli.Full("model"),
            JsonSerializer.SerializeToElement(new { steps = 0 })
        );
        string data = _folder.File("data");
        Assert.Equal(ExitCode.Success, cli.Run("dataset", "shard", data, "-o", cli.Full("shards"), "--size", "20KB"));
        Assert.InRange(Directory.GetFiles(cli.Full("shards"), "*.tar").Length, 2, 16);
        foreach (string set in new[] { data, cli.Full("shards") })
        {
            string[] find = ["dataset", "references", "--data", set, "--model", cli.Full("model"), "--count", "3"];
            string output = cli.Full(Path.GetFileName(set) + ".jsonl");
            Assert.Equal(ExitCode.Success, cli.Run([.. find, "-o", output, "--precision", "fp32"]));
            Assert.Contains("references of 16 photos; 2 take", cli.Out, StringComparison.Ordinal);
        }
        Assert.Equal(File.ReadAllText(cli.Full("data.jsonl")), File.ReadAllText(cli.Full("shards.jsonl")));
        Assert.Equal(ExitCode.Usage, cli.Run("dataset", "shard", data, "-o", cli.Full("x"), "--size", "many"));
        Assert.Contains("256MB", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_builds_a_data_set_and_says_what_it_left_out()
    {
        using var cli = new CliHarness();
        File.WriteAllText(_folder.File("data/photos/broken.png"), "no photo");
        string[] build = ["dataset", "build", _folder.File("data/photos"), "-o", cli.Full("set"), "--min-side", "32"];
        Assert.Equal(ExitCode.Success, cli.Run([.. build, "--max-distance", "-1", "--min-sharpness", "0"]));
        Assert.Contains("16 kept, 1 unreadable", cli.Out, StringComparison.Ordinal);
        Assert.Contains("photos/broken.png", cli.Error, StringComparison.Ordinal);
        Assert.Equal(16, PhotoIndex.Open(cli.Full("set")).Entries.Count);
        Assert.Equal(ExitCode.Failed, cli.Run(build)); // other settings
        Assert.Equal(ExitCode.Usage, cli.Run([.. build, "--quality", "0"]));
        Directory.CreateDirectory(cli.Full("empty"));
        Assert.Equal(ExitCode.Usage, cli.Run("dataset", "build", cli.Full("empty"), "-o", cli.Full("y")));
    }

    private ReferenceSearch Search() => new(_clip, "tiny", CPU) { Count = 4 };

    private Tensor Embeddings(PhotoIndex data)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] photos =
        [
            .. data.Entries.Select(e =>
                ClipPreprocessing.CentreCrop(TrainingPhoto.LoadForDegradation(data, e, 1), Config)
            ),
        ];
        return _clip.EmbedImage(cat(photos)).MoveToOuterDisposeScope();
    }

    private Tensor Similarities(PhotoIndex data)
    {
        Tensor rows = Embeddings(data);
        return rows.mm(rows.transpose(0, 1));
    }
}
