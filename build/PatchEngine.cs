// Compiled twice: by MSBuild as the task PatchEngine (C# 7.3), by the tests as a plain class.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Coser.Build
{
    /// <summary>
    /// Marks one version requirement of a 64-bit little-endian ELF library as weak (VER_FLG_WEAK), so that a loader whose
    /// library lacks that version warns instead of refusing. libLibTorchSharp.so asks for GLIBCXX_3.4.32, newer than
    /// Debian 12's libstdc++, for a symbol that nothing in it refers to.
    /// </summary>
    public static class ElfVersionNeeds
    {
        private const uint GnuVerneed = 0x6ffffffe; // SHT_GNU_verneed
        private const ushort Weak = 0x2; // VER_FLG_WEAK

        /// <summary>Patches the file in place. Returns how many entries were changed: 0 when nothing needs it.</summary>
        /// <exception cref="InvalidDataException">The file is not a 64-bit little-endian ELF file or is cut short.</exception>
        public static int MakeWeak(string path, string version)
        {
            byte[] elf = File.ReadAllBytes(path);
            IList<int> offsets = FindFlags(elf, version);
            int changed = 0;
            foreach (int offset in offsets)
            {
                ushort flags = BitConverter.ToUInt16(elf, offset);
                if ((flags & Weak) != 0)
                    continue;
                elf[offset] = (byte)(elf[offset] | Weak);
                changed++;
            }
            if (changed == 0)
                return 0;
            // A new file in place of the old one: a hard link to the original would otherwise be changed through it.
            string temporary = path + ".patching";
            File.WriteAllBytes(temporary, elf);
            File.Delete(path);
            File.Move(temporary, path);
            return changed;
        }

        /// <summary>File offsets of the vna_flags field of every requirement of <paramref name="version"/>.</summary>
        public static IList<int> FindFlags(byte[] elf, string version)
        {
            if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F')
                throw new InvalidDataException("not an ELF file");
            if (elf[4] != 2 || elf[5] != 1)
                throw new InvalidDataException("not a 64-bit little-endian ELF file");
            long sections = Long(elf, 40);
            int entrySize = Short(elf, 58);
            int count = Short(elf, 60);
            var found = new List<int>();
            for (int i = 0; i < count; i++)
            {
                long header = sections + (long)i * entrySize;
                if (Int(elf, header + 4) != GnuVerneed)
                    continue;
                long need = Long(elf, header + 24);
                long strings = Long(elf, sections + (long)Int(elf, header + 40) * entrySize + 24);
                Walk(elf, need, (int)Int(elf, header + 44), strings, version, found);
            }
            return found;
        }

        private static void Walk(byte[] elf, long need, int needs, long strings, string version, List<int> found)
        {
            for (int n = 0; n < needs; n++)
            {
                long aux = need + Int(elf, need + 8);
                int auxCount = Short(elf, need + 2);
                for (int a = 0; a < auxCount; a++)
                {
                    if (Name(elf, strings + Int(elf, aux + 8)) == version)
                        found.Add(checked((int)(aux + 4)));
                    long next = Int(elf, aux + 12);
                    if (next == 0)
                        break;
                    aux += next;
                }
                long following = Int(elf, need + 12);
                if (following == 0)
                    break;
                need += following;
            }
        }

        private static string Name(byte[] elf, long offset)
        {
            long end = offset;
            while (Byte(elf, end) != 0)
                end++;
            return Encoding.ASCII.GetString(elf, (int)offset, (int)(end - offset));
        }

        private static byte Byte(byte[] elf, long offset)
        {
            if (offset < 0 || offset >= elf.Length)
                throw new InvalidDataException("the ELF file is cut short");
            return elf[offset];
        }

        private static int Short(byte[] elf, long offset)
        {
            return Byte(elf, offset) | (Byte(elf, offset + 1) << 8);
        }

        private static uint Int(byte[] elf, long offset)
        {
            return (uint)Short(elf, offset) | ((uint)Short(elf, offset + 2) << 16);
        }

        private static long Long(byte[] elf, long offset)
        {
            return (long)Int(elf, offset) | ((long)Int(elf, offset + 4) << 32);
        }
    }
}

#if !COSER_TESTS
/// <summary>MSBuild task: File is a library that nothing else links to, Version the requirement to weaken.</summary>
public class PatchEngine : Microsoft.Build.Utilities.Task
{
    [Microsoft.Build.Framework.Required]
    public string File { get; set; }

    [Microsoft.Build.Framework.Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        int changed = Coser.Build.ElfVersionNeeds.MakeWeak(File, Version);
        Log.LogMessage(
            Microsoft.Build.Framework.MessageImportance.High,
            "{0}: {1} requirement(s) of {2} made weak",
            Path.GetFileName(File),
            changed,
            Version
        );
        return true;
    }
}
#endif
