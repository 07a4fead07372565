using System.Globalization;
using Coser.Cli.Upscaling;

namespace Coser.Cli.Reports;

/// <summary>The sentences that the reports for people share.</summary>
internal static class Lines
{
    public static string Done(PlannedPhoto photo, RestoreOutcome outcome, double seconds) =>
        $"{photo.Input.Name} -> {photo.OutputName}  {outcome.Width}x{outcome.Height}  {Seconds(seconds)}";

    public static string Skipped(PlannedPhoto photo) =>
        $"{photo.Input.Name} -> {photo.OutputName}  up to date, skipped";

    public static string Totals(UpscaleTotals totals)
    {
        string[] parts =
        [
            $"{totals.Done} restored",
            .. Part(totals.Skipped, "skipped"),
            .. Part(totals.Failures.Count, "failed"),
            .. Part(totals.NotTried, "not tried"),
        ];
        return (totals.Cancelled ? "cancelled: " : "") + string.Join(", ", parts) + $" in {Seconds(totals.Seconds)}";
    }

    public static string Seconds(double seconds) =>
        seconds < 100
            ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
            : TimeSpan
                .FromSeconds(seconds)
                .ToString(seconds < 3600 ? @"m\:ss" : @"h\:mm\:ss", CultureInfo.InvariantCulture);

    /// <summary>All failures once more: in a long run the first ones have scrolled away.</summary>
    public static void WriteFailures(TextWriter error, UpscaleTotals totals)
    {
        if (totals.Failures.Count == 0)
            return;
        error.WriteLine($"coser: {totals.Failures.Count} of {totals.Count} failed:");
        foreach (PhotoFailure failure in totals.Failures)
            error.WriteLine($"  {failure.Input}: {failure.Reason}");
    }

    private static string[] Part(int count, string what) => count > 0 ? [$"{count} {what}"] : [];
}
