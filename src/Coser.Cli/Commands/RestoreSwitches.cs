using System.CommandLine;
using Coser.Engine;
using Coser.Imaging;

namespace Coser.Cli.Commands;

/// <summary>Options that every command that restores photos, now or later, has in the same words.</summary>
internal static class RestoreSwitches
{
    public static Option<string> Format()
    {
        var option = new Option<string>("--format")
        {
            Description = "Format of the results: jpeg, png, webp, tiff or avif.",
            HelpName = "format",
        };
        option.CompletionSources.Add("jpeg", "png", "webp", "tiff", "avif");
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !PhotoFormats.TryParse(result.Tokens[0].Value, out PhotoFormat _))
                result.AddError($"--format {result.Tokens[0].Value} is unknown: use jpeg, png, webp, tiff or avif.");
        });
        return option;
    }

    public static Option<int?> Quality()
    {
        Option<int?> option = Choice.Number<int>(
            "--quality",
            "Quality of JPEG, WebP and AVIF files, 1 to 100.",
            q => q is >= 1 and <= 100,
            "be from 1 to 100"
        );
        option.HelpName = "1-100";
        return option;
    }

    public static Option<double?> Scale()
    {
        Option<double?> option = Choice.Number<double>(
            "--scale",
            "Enlargement, above 0 and at most 4. Less than the model's own is shrunk from that.",
            s => s is > 0 and <= 4,
            "be a number above 0 and at most 4"
        );
        option.HelpName = "factor";
        return option;
    }

    public static Option<Precision> Precision() =>
        Choice.Of<Precision>(
            "--precision",
            "Number format of the networks; auto takes bf16 where the hardware multiplies it."
        );

    public static Option<int?> Tile()
    {
        Option<int?> option = Choice.Number<int>(
            "--tile",
            "Side of the tiles a photo is worked in, in input pixels. Smaller tiles need less memory; 0 chooses by itself.",
            t => t >= 0,
            "be 0 or more"
        );
        option.HelpName = "pixels";
        return option;
    }

    public static Option<int?> Threads()
    {
        Option<int?> option = Choice.Number<int>("--threads", "CPU threads to use.", t => t >= 1, "be at least 1");
        option.HelpName = "count";
        return option;
    }
}
