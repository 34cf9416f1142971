"use strict";
// Networks computed in the browser: `readNetworks` makes layers of what explore_networks.py packs, `compute` applies
// them. A value is {data: Float32Array, height, width}, channels last: features are maps of one pixel.

function readNetworks(networks, content) {
  const products = Object.values(networks).flat().filter(layer => layer.kind === "product");
  const weightCount = products.reduce((sum, layer) => sum + layer.kernel ** 2 * layer.inputs * layer.outputs, 0);
  const numbers = new Float32Array(content.buffer, 0, (content.length - weightCount) / 4);
  const weights = new Int8Array(content.buffer, numbers.byteLength);
  let number = 0, weight = 0;
  const take = n => numbers.subarray(number, number += n);
  for (const layer of Object.values(networks).flat()) {
    const n = layer.outputs ?? layer.channels;
    if (n) { layer.scale = take(n); layer.shift = take(n); }
    if (layer.kind === "product") layer.weights = weights.subarray(weight, weight += layer.kernel ** 2 * layer.inputs * n);
  }
  return networks;
}

const LAYERS = {
  product,
  maps: (layer, x) => ({...x, height: layer.height, width: layer.width}),
  affine: (layer, x) => each(x, (value, i) => value * layer.scale[i % layer.channels] + layer.shift[i % layer.channels]),
  leaky: (layer, x) => each(x, value => value < 0 ? layer.slope * value : value),
  tanh: (layer, x) => each(x, Math.tanh),
  sigmoid: (layer, x) => each(x, value => 1 / (1 + Math.exp(-value))),
};
const each = (x, change) => ({...x, data: x.data.map(change)});
const compute = (layers, x) => layers.reduce((value, layer) => LAYERS[layer.kind](layer, value), x);

// A convolution or a transposed one. Tap k of row r reads row r * stride + k - pad of the input, or, transposed, the row
// from which tap k writes to r. A kernel of even width has one column more on the right and below.
function product(layer, x) {
  const {kernel, stride, transposed, inputs, outputs, weights, scale, shift} = layer;
  const pad = (kernel - 1) >> 1, size = side => transposed ? side * stride : side / stride;
  const height = size(x.height), width = size(x.width), data = new Float32Array(height * width * outputs);
  const sum = new Float32Array(outputs);
  const source = (at, tap, side) => {
    const from = transposed ? (at + pad - tap) / stride : at * stride + tap - pad;
    return Number.isInteger(from) && from < side ? from : -1;
  };
  for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) {
    sum.fill(0);
    for (let tap = 0; tap < kernel * kernel; tap++) {
      const y = source(row, Math.floor(tap / kernel), x.height), z = source(column, tap % kernel, x.width);
      if (y >= 0 && z >= 0) addTo(sum, x.data, (y * x.width + z) * inputs, inputs, weights, tap * inputs * outputs, outputs);
    }
    const to = (row * width + column) * outputs;
    for (let o = 0; o < outputs; o++) data[to + o] = sum[o] * scale[o] + shift[o];
  }
  return {data, height, width};
}

// What takes the time. Half of a ReLU's outputs and most pixels of a digit are 0.
function addTo(sum, values, from, inputs, weights, at, outputs) {
  for (let i = 0; i < inputs; i++, at += outputs) {
    const value = values[from + i];
    if (value !== 0) for (let o = 0; o < outputs; o++) sum[o] += weights[at + o] * value;
  }
}
