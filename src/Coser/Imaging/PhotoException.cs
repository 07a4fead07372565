namespace Coser.Imaging;
/// <summary>Temp.</summary>
public sealed class PhotoException : Exception { }
