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
        using var folder = new TempFolder();
        File.WriteAllText(folder["m.onnx"], "mine");
        Assert.Throws<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"]));
        Assert.Equal("mine", File.ReadAllText(folder["m.onnx"]));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_target_that_exists_is_replaced_when_allowed()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["m.onnx"], "mine");
        File.WriteAllText(folder["m.onnx.data"], "mine");
        OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"], new SaveOptions { Overwrite = true });
        ModelEquality.AssertSame(OnnxReader.Load(Source), OnnxReader.Load(folder["m.onnx"]));
        Assert.Equal(["m.onnx", "m.onnx.data"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void The_new_graph_replaces_the_old_one_and_its_data_at_once()
    {
        using var folder = new TempFolder();
        var options = new SaveOptions { Overwrite = true, ExternalData = ExternalData.Always };
        OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"], options);
        Assert.Equal(["m.onnx", "m.onnx.data"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
        // Data under the name that the old graph reads would be seen with the old graph until the new one has its name.
        OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"], options);
        Assert.Equal(["m.onnx", "m.onnx.1.data"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
        ModelEquality.AssertSame(OnnxReader.Load(Source), OnnxReader.Load(folder["m.onnx"]));
        OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"], options);
        Assert.Equal(["m.onnx", "m.onnx.data"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("symbolic.onnx")]
    [InlineData("hard.onnx")]
    public void An_input_is_never_replaced(string target)
    {
        using var folder = Copy();
        File.CreateSymbolicLink(folder["symbolic.onnx"], folder["model.onnx"]);
        if (target == "hard.onnx")
            Process.Start("ln", [folder["model.onnx"], folder["hard.onnx"]]).WaitForExit();
        var before = File.ReadAllBytes(folder["model.onnx"]);
        var model = OnnxReader.Load(folder["model.onnx"]);
        Assert.Throws<IOException>(() => OnnxWriter.Save(model, folder[target], new SaveOptions { Overwrite = true }));
        Assert.Equal(before, File.ReadAllBytes(folder["model.onnx"]));
    }

    [Fact]
    public void Data_that_the_model_is_read_from_is_not_replaced()
    {
        using var folder = Copy();
        File.Move(folder["model.onnx"], folder["in.onnx"]);
        var before = File.ReadAllBytes(folder["model.onnx.data"]);
        OnnxWriter.Save(OnnxReader.Load(folder["in.onnx"]), folder["model.onnx"], new SaveOptions { Overwrite = true });
        Assert.Equal(before, File.ReadAllBytes(folder["model.onnx.data"]));
        ModelEquality.AssertSame(OnnxReader.Load(folder["in.onnx"]), OnnxReader.Load(folder["model.onnx"]));
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
        using var folder = new TempFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.ThrowsAny<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"]));
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_full_disk_is_an_IO_error_and_leaves_nothing()
    {
        using var folder = new TempFolder();
        using var mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path])
        { RedirectStandardError = true });
        mount!.WaitForExit();
        if (mount.ExitCode != 0)
            Assert.Skip("A small file system cannot be mounted here.");
        try
        {
            Assert.Throws<IOException>(() => OnnxWriter.Save(OnnxReader.Load(Source), folder["m.onnx"]));
            Assert.Empty(Directory.GetFiles(folder.Path));
        }
        finally
        {
            Process.Start("umount", [folder.Path]).WaitForExit();
        }
    }

    [Fact]
    public void A_missing_folder_is_an_IO_error() =>
        Assert.Throws<DirectoryNotFoundException>(() => OnnxWriter.Save(OnnxReader.Load(Source), Fixtures.Of("no-such-folder", "m.onnx")));

    [Fact]
    public void A_graph_that_cannot_be_written_leaves_nothing()
    {
        using var folder = new TempFolder();
        var model = OnnxReader.Load(Source);
        model.Graph.Outputs.Add(new Graph().AddInput("of another graph"));
        Assert.Throws<InvalidGraphException>(() => OnnxWriter.Save(model, folder["m.onnx"]));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    static TempFolder Copy()
    {
        var folder = new TempFolder();
        foreach (var name in new[] { "model.onnx", "model.onnx.data" })
            File.Copy(Path.Combine(Path.GetDirectoryName(Source)!, name), folder[name]);
        return folder;
    }
}
