"""What makes the training step fast; the plain float32 step needs none of it.

- `products`: activations and gradients in bfloat16, as under autocast, from copies of the weights that are renewed once
  per update (autocast casts at each use); weight gradients of convolutions by matrix products, those of large layers as
  the product that oneDNN is quickest at;
- `adam`: Adam on the float32 weights from the copies' gradients, for large weights in one pass over memory;
- `cuda_graph`: on a GPU, the whole step as one CUDA graph;
- `cpu`: the cores that runs share, and freed memory kept by the process.
"""
