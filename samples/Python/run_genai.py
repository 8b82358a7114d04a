"""Greedy decoding with onnxruntime-genai: python run_genai.py MODEL_FOLDER IDS COUNT

Prints the COUNT ids that follow IDS (separated by commas). A rewritten model needs libonnxeff_ops*.so in its folder and, in its
genai_config.json, "custom_ops_library": "libonnxeff_ops.so" among the decoder's session_options. The cache is one buffer then.
"""
import sys

import onnxruntime_genai as og

model = og.Model(sys.argv[1])
generator = og.Generator(model, og.GeneratorParams(model))
generator.append_tokens([int(i) for i in sys.argv[2].split(",")])
tokens = []
while len(tokens) < int(sys.argv[3]):
    generator.generate_next_token()
    tokens.append(int(generator.get_next_tokens()[0]))
print(",".join(map(str, tokens)))
