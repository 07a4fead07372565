// Compiled by MSBuild as the task PatchTorchSharp (C# 7.3).
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Coser.Build
{
    /// <summary>
    /// Gives TorchSharp's Scalar a period of grace: its finaliser frees the native number only when the object has lived
    /// through two more collections. TorchSharp 0.107 passes the bare address of temporary scalars (every a + b and x * 2
    /// makes one) to native code without keeping the object alive, so a collection on another thread can free a number
    /// that is still being read: wrong results or an exception, once in a thousand training steps on a busy machine.
    /// </summary>
    public sealed class PatchTorchSharp : Task
    {
        [Required]
        public string Source { get; set; }

        [Required]
        public string Destination { get; set; }

        public override bool Execute()
        {
            string temporary = Destination + ".patching";
            Directory.CreateDirectory(Path.GetDirectoryName(Destination));
            using (AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(Source))
            {
                TypeDefinition scalar = assembly.MainModule.GetType("TorchSharp.Scalar");
                MethodDefinition finaliser = scalar?.Methods.SingleOrDefault(m => m.Name == "Finalize");
                if (finaliser == null)
                {
                    Log.LogError(
                        "TorchSharp.Scalar in {0} has no finaliser; build/PatchTorchSharp.cs knows 0.107.0.",
                        Source
                    );
                    return false;
                }
                Delay(assembly.MainModule, scalar, finaliser);
                assembly.Write(temporary);
            }
            File.Delete(Destination);
            File.Move(temporary, Destination);
            return true;
        }

        // if (_graces < 2) { _graces++; GC.ReRegisterForFinalize(this); return; }
        private static void Delay(ModuleDefinition module, TypeDefinition scalar, MethodDefinition finaliser)
        {
            var graces = new FieldDefinition("_graces", FieldAttributes.Private, module.TypeSystem.Int32);
            scalar.Fields.Add(graces);
            var gc = new TypeReference("System", "GC", module, module.TypeSystem.CoreLibrary);
            var again = new MethodReference("ReRegisterForFinalize", module.TypeSystem.Void, gc);
            again.Parameters.Add(new ParameterDefinition(module.TypeSystem.Object));
            ILProcessor il = finaliser.Body.GetILProcessor();
            Instruction first = finaliser.Body.Instructions[0];
            foreach (
                Instruction instruction in new[]
                {
                    il.Create(OpCodes.Ldarg_0),
                    il.Create(OpCodes.Ldfld, graces),
                    il.Create(OpCodes.Ldc_I4_2),
                    il.Create(OpCodes.Bge, first),
                    il.Create(OpCodes.Ldarg_0),
                    il.Create(OpCodes.Ldarg_0),
                    il.Create(OpCodes.Ldfld, graces),
                    il.Create(OpCodes.Ldc_I4_1),
                    il.Create(OpCodes.Add),
                    il.Create(OpCodes.Stfld, graces),
                    il.Create(OpCodes.Ldarg_0),
                    il.Create(OpCodes.Call, module.ImportReference(again)),
                    il.Create(OpCodes.Ret),
                }
            )
                il.InsertBefore(first, instruction);
        }
    }
}
