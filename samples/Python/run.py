"""Greedy decoding with onnxruntime: python run.py MODEL IDS COUNT [OPERATOR_LIBRARY]

Prints the COUNT ids that follow IDS (separated by commas). Serves an exported model and its rewritten file alike; the latter only
needs the operator library registered.
"""
import sys

import numpy as np
import onnxruntime as ort

model, prompt, count = sys.argv[1], [int(i) for i in sys.argv[2].split(",")], int(sys.argv[3])
options = ort.SessionOptions()
if len(sys.argv) > 4:
    options.register_custom_ops_library(sys.argv[4])
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

inputs = {i.name: i for i in session.get_inputs()}
outputs = [o.name for o in session.get_outputs()]
cache = {  # An empty past: the axis that holds the past's length is the third, [batch, heads, past, head size].
    name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for name, i in inputs.items() if name.startswith("past_key_values.")
}

tokens, past, chunk = [], 0, prompt
while len(tokens) < count:
    feed = {
        "input_ids": np.array([chunk], np.int64),
        "attention_mask": np.ones((1, past + len(chunk)), np.int64),
        "position_ids": np.arange(past, past + len(chunk), dtype=np.int64)[None],
    }
    results = dict(zip(outputs, session.run(None, {k: v for k, v in {**feed, **cache}.items() if k in inputs})))
    cache = {name: results[name.replace("past_key_values", "present")] for name in cache}
    past += len(chunk)
    chunk = [int(results["logits"][0, -1].argmax())]
    tokens += chunk
print(",".join(str(t) for t in tokens))
