using OnnxEff.Tests.Testing;
using Xunit;
using OperatorLibrary = OnnxEff.Cli.OperatorLibrary;

namespace OnnxEff.Tests.Hosts;

public sealed class PackageTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void An_application_finds_the_library_that_the_package_carries()
    {
        if (OperatorLibrary.Find(out var reason) is null) Assert.Skip(reason);
        Succeed("pack", Path.Combine(Fixtures.Root, "custom-ops", "package"), "-c", "Release", "-o", folder["feed"], "-v", "quiet");
        var version = Path.GetFileNameWithoutExtension(Directory.GetFiles(folder["feed"], "*.nupkg").Single())["OnnxEff.Ops.Native.".Length..];
        WriteApplication(version);

        Succeed("build", folder["app"], "-c", "Release", "-o", folder["out"], "-v", "quiet", $"-p:RestorePackagesPath={folder["packages"]}");
        var library = Succeed(Path.Combine(folder["out"], "app.dll")).Output.Trim();

        Assert.StartsWith(folder["out"], library, StringComparison.Ordinal);
        foreach (var level in OperatorLibrary.Levels)
            Assert.True(File.Exists(new OperatorLibrary(library, "package").Sibling(level)), $"level {level} is not beside {library}");
    }

    public void Dispose() => folder.Dispose();

    void WriteApplication(string version)
    {
        Directory.CreateDirectory(folder["app"]);
        File.WriteAllText(Path.Combine(folder["app"], "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="OnnxEff.Ops.Native" Version="{version}" /></ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder["app"], "Program.cs"), "System.Console.WriteLine(OnnxEff.Ops.Native.OnnxEffLibrary.Path);");
        File.WriteAllText(Path.Combine(folder["app"], "nuget.config"), $"""
            <configuration><packageSources><clear /><add key="local" value="{folder["feed"]}" /></packageSources></configuration>
            """);
    }

    static ToolResult Succeed(params string[] arguments)
    {
        var result = Tool.Run("dotnet", arguments);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return result;
    }
}
