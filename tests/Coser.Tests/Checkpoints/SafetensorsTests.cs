using System.Buffers.Binary;
using System.Text;
using Coser.Checkpoints;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using TorchSharp;

namespace Coser.Tests.Checkpoints;

public sealed class SafetensorsTests
{
    [Fact]
    public void What_is_written_is_read_back_with_its_metadata()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        string path = folder.File("a.safetensors");
        var tensors = new Dictionary<string, torch.Tensor>
        {
            ["weight"] = Draw.Normal(1, 3, 5).t(), // not contiguous
            ["half"] = Draw.Normal(2, 7).to(torch.float16),
            ["brain"] = Draw.Normal(3, 2, 2).to(torch.bfloat16),
            ["count"] = torch.tensor(7L),
            ["mask"] = torch.tensor(new[] { true, false }),
            ["empty"] = torch.zeros(0, 4),
        };
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["note"] = "é\n" });
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("é\n", file.Metadata["note"]);
        Assert.Equal(tensors.Keys.Order(), file.Entries.Keys.Order());
        foreach ((string name, torch.Tensor expected) in tensors)
        {
            torch.Tensor read = file.Read(name);
            Assert.Equal(expected.dtype, read.dtype);
            Assert.Equal(expected.shape, read.shape);
            Assert.True(expected.Equals(read));
        }
        Assert.Single(Directory.GetFiles(folder.Path)); // no temporary file stays
    }

    [Fact]
    public void Tensors_outlive_the_file_object()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.safetensors");
        using torch.Tensor ones = torch.ones(1000);
        SafetensorsWriter.Write(path, [KeyValuePair.Create("x", ones)]);
        torch.Tensor view;
        using (var file = SafetensorsFile.Open(path))
            view = file.Read("x");
        File.Delete(path);
        Assert.Equal(1000, view.sum().item<float>());
        view.Dispose();
    }

    [Theory]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 15)] // cut short
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 20)] // trailing bytes
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}", 16)] // wrong length
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}", 16)]
    [InlineData("{\"x\":{\"dtype\":\"Q99\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16)]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0)]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8)]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8)]
    [InlineData("{\"x\":3}", 0)]
    [InlineData("[]", 0)]
    [InlineData(
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
        3
    )]
    public void A_damaged_file_is_refused_by_name(string header, int dataBytes)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("bad.safetensors");
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] content = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(content, json.Length);
        json.CopyTo(content, 8);
        File.WriteAllBytes(path, content);
        var refused = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Contains("bad.safetensors", refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void Missing_and_empty_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.File("none")));
        File.WriteAllBytes(folder.File("empty"), []);
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.File("empty")));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.Path));
    }

    [Property(MaxTest = 300)]
    public bool Random_damage_is_refused_or_harmless(NonNegativeInt place, byte value, NonNegativeInt cut)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        string path = folder.File("m.safetensors");
        SafetensorsWriter.Write(
            path,
            [KeyValuePair.Create("a", torch.ones(3, 2)), KeyValuePair.Create("b", torch.ones(5).to(torch.bfloat16))]
        );
        byte[] bytes = File.ReadAllBytes(path);
        bytes[place.Get % bytes.Length] = value;
        int keep = cut.Get % 3 == 0 ? cut.Get % bytes.Length : bytes.Length;
        File.WriteAllBytes(path, bytes[..keep]);
        try
        {
            using var file = SafetensorsFile.Open(path);
            foreach (string name in file.Entries.Keys)
                file.Read(name).sum();
            return true;
        }
        catch (CheckpointException)
        {
            return true;
        }
    }
}
