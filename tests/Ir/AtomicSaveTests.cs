using System.Diagnostics;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Ir;

public class AtomicSaveTests
{
    static readonly string Source = Fixtures.Of("llama--optimum-ext", "model.onnx");

    [Fact]
    public void A_target_that_exists_stays_as_it_is()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.onnx"), "mine");
        Assert.Throws<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder.File("m.onnx")));
        Assert.Equal("mine", File.ReadAllText(folder.File("m.onnx")));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_target_that_exists_is_replaced_when_allowed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.onnx"), "mine");
        File.WriteAllText(folder.File("m.onnx.data"), "mine");
        OnnxWriter.Save(OnnxReader.Load(Source), folder.File("m.onnx"), new SaveOptions { Overwrite = true });
        ModelEquality.AssertSame(OnnxReader.Load(Source), OnnxReader.Load(folder.File("m.onnx")));
        Assert.Equal(["m.onnx", "m.onnx.data"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("symbolic.onnx")]
    [InlineData("hard.onnx")]
    public void An_input_is_never_replaced(string target)
    {
        using var folder = Copy();
        File.CreateSymbolicLink(folder.File("symbolic.onnx"), folder.File("model.onnx"));
        if (target == "hard.onnx")
            Process.Start("ln", [folder.File("model.onnx"), folder.File("hard.onnx")]).WaitForExit();
        var before = File.ReadAllBytes(folder.File("model.onnx"));
        var model = OnnxReader.Load(folder.File("model.onnx"));
        Assert.Throws<IOException>(() => OnnxWriter.Save(model, folder.File(target), new SaveOptions { Overwrite = true }));
        Assert.Equal(before, File.ReadAllBytes(folder.File("model.onnx")));
    }

    [Fact]
    public void Data_that_the_model_is_read_from_is_not_replaced()
    {
        using var folder = Copy();
        File.Move(folder.File("model.onnx"), folder.File("in.onnx"));
        var before = File.ReadAllBytes(folder.File("model.onnx.data"));
        OnnxWriter.Save(OnnxReader.Load(folder.File("in.onnx")), folder.File("model.onnx"), new SaveOptions { Overwrite = true });
        Assert.Equal(before, File.ReadAllBytes(folder.File("model.onnx.data")));
        ModelEquality.AssertSame(OnnxReader.Load(folder.File("in.onnx")), OnnxReader.Load(folder.File("model.onnx")));
    }

    [Fact]
    public void A_read_only_folder_is_an_IO_error_and_stays_empty()
    {
        if (Environment.IsPrivilegedProcess)
            Assert.Skip("A privileged process may write everywhere.");
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Folders have no permissions of this kind here.");
            return;
        }
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.ThrowsAny<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder.File("m.onnx")));
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_full_disk_is_an_IO_error_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using var mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path])
        { RedirectStandardError = true });
        mount!.WaitForExit();
        if (mount.ExitCode != 0)
            Assert.Skip("A small file system cannot be mounted here.");
        try
        {
            Assert.Throws<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder.File("m.onnx")));
            Assert.Empty(Directory.GetFiles(folder.Path));
        }
        finally
        {
            Process.Start("umount", [folder.Path]).WaitForExit();
        }
    }

    [Fact]
    public void A_missing_folder_is_an_IO_error() =>
        Assert.Throws<DirectoryNotFoundException>(() => OnnxWriter.Save(OnnxReader.Load(Source), "/tmp/no-such-folder/m.onnx"));

    [Fact]
    public void A_graph_that_cannot_be_written_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        var model = OnnxReader.Load(Source);
        model.Graph.Outputs.Add(new Graph().AddInput("of another graph"));
        Assert.Throws<InvalidGraphException>(() => OnnxWriter.Save(model, folder.File("m.onnx")));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    static TemporaryFolder Copy()
    {
        var folder = new TemporaryFolder();
        foreach (var name in new[] { "model.onnx", "model.onnx.data" })
            File.Copy(Path.Combine(Path.GetDirectoryName(Source)!, name), folder.File(name));
        return folder;
    }
}
