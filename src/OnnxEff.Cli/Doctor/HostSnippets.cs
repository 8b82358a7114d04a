namespace OnnxEff.Cli.Doctor;

/// <summary>How each kind of application loads the operator library.</summary>
static class HostSnippets
{
    /// <summary>The lines to paste, with the library's path filled in.</summary>
    public static string Text(string library) => $"""

        C#      (Microsoft.ML.OnnxRuntime)
          var options = new SessionOptions();
          options.RegisterCustomOpLibraryV2(@"{library}", out _);
          using var session = new InferenceSession("out.onnx", options);

        Python  (onnxruntime)
          options = onnxruntime.SessionOptions()
          options.register_custom_ops_library(r"{library}")
          session = onnxruntime.InferenceSession("out.onnx", options)

        C++     (onnxruntime_cxx_api.h)
          Ort::SessionOptions options;
          options.RegisterCustomOpsLibrary(ORT_TSTR("{library.Replace(@"\", @"\\", StringComparison.Ordinal)}"));
          Ort::Session session(env, ORT_TSTR("out.onnx"), options);

        Node    (onnxruntime-node has no call for operator libraries; the target that needs none)
          onnxeff optimize in.onnx out.onnx --target ort
          const session = await ort.InferenceSession.create("out.onnx");

        genai   (copy {Path.GetFileNameWithoutExtension(library)}*{Path.GetExtension(library)} into the model's folder; genai_config.json, in model.decoder.session_options)
          "custom_ops_library": "{Path.GetFileName(library)}"

        """.ReplaceLineEndings(Environment.NewLine);
}
