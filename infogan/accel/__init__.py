"""What makes the training step fast; the plain float32 step needs none of it.

- activations and gradients in bfloat16, as under autocast, from copies of the weights that are renewed once per update
  (autocast casts at each use);
- Adam on the float32 weights from the copies' gradients, for large weights in one pass over memory;
- weight gradients of convolutions by matrix products, those of large layers as the product that oneDNN is quickest at;
- freed memory kept by the process; on a GPU, the whole step as one CUDA graph.
"""
