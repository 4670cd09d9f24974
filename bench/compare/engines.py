# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The peers: how each one is made to compute a network, all in float32.

A maker is a generator of (variant, step): step() runs once and gives the outputs (inference) or the loss (training). The worker
calls it with a Job; what makers convert goes to the job's folder, once for all peers.
"""
import dataclasses
import os
import subprocess
import sys

import networks
import numpy
import torch


@dataclasses.dataclass
class Job:
    network: str
    batch: int
    threads: int
    folder: str

    def images(self):
        return networks.images(self.network, self.batch)

    def path(self, suffix, batch=None):
        return os.path.join(self.folder, f'{self.network}_{batch or self.batch}{suffix}')


def converted(command, result):
    """Runs a converter unless its result is there."""
    if not os.path.exists(result):
        done = subprocess.run(command, capture_output=True, text=True, cwd=os.path.dirname(result))
        if done.returncode or not os.path.exists(result):
            raise RuntimeError(f'{command[0]} failed: {(done.stdout + done.stderr)[-1000:]}')
    return result


def onnx_file(job):
    path = job.path('.onnx')
    if not os.path.exists(path):
        torch.onnx.export(networks.make(job.network), (job.images(),), path, dynamo=False, input_names=['x'], output_names=['y'],
                          opset_version=17)
    return path


def infer_torch(job):
    """Both layouts, and the traced module with weights frozen and batchnorm folded."""
    network, x = networks.make(job.network), job.images()

    def eager(module, images):
        def step():
            with torch.inference_mode():
                return module(images).numpy()
        return step
    yield 'nchw', eager(network, x)
    last = networks.make(job.network).to(memory_format=torch.channels_last)
    yield 'channels_last', eager(last, x.contiguous(memory_format=torch.channels_last))
    with torch.no_grad():
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, x)))
    yield 'jit_frozen', eager(frozen, x)


def infer_torch_compile(job):
    import torch._inductor.config
    torch._dynamo.reset()
    torch._inductor.config.freezing = True
    network, x = torch.compile(networks.make(job.network)), job.images()

    def step():
        with torch.no_grad():
            return network(x).numpy()
    yield 'freezing', step


def infer_onnxruntime(job):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    session = onnxruntime.InferenceSession(onnx_file(job), options, providers=['CPUExecutionProvider'])
    feed = {'x': job.images().numpy()}
    yield 'default', lambda: session.run(None, feed)[0]


def infer_openvino(job):
    import openvino
    compiled = openvino.Core().compile_model(onnx_file(job), 'CPU', {
        'INFERENCE_NUM_THREADS': job.threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32',
        'ENABLE_CPU_PINNING': False})
    request, x = compiled.create_infer_request(), job.images().numpy()
    yield 'default', lambda: request.infer([x], share_inputs=True, share_outputs=True)[0]


def infer_ncnn(job):
    """ncnn computes one image after the other. Its 16-bit options are off."""
    import ncnn
    model = job.path('.ncnn.param', batch=1)
    if not os.path.exists(model):
        traced = job.path('.pt', batch=1)
        with torch.no_grad():
            torch.jit.trace(networks.make(job.network), networks.images(job.network, 1)).save(traced)
        extent = ','.join(map(str, (1, *networks.shape(job.network))))
        converted([os.path.join(os.path.dirname(sys.executable), 'pnnx'), traced, 'fp16=0', f'inputshape=[{extent}]'], model)
    x = job.images().numpy()
    images = [ncnn.Mat(image) for image in x]
    for variant, winograd in (('winograd', True), ('direct', False)):
        network = ncnn.Net()
        options = network.opt
        options.num_threads, options.use_winograd_convolution = job.threads, winograd
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = options.use_bf16_storage = False
        network.load_param(model)
        network.load_model(model.replace('.param', '.bin'))

        def step(network=network):
            outputs = []
            for image in images:
                with network.create_extractor() as extractor:
                    extractor.input('in0', image)
                    outputs.append(numpy.array(extractor.extract('out0')[1]))
            return numpy.stack(outputs)
        yield variant, step


def infer_mnn(job):
    import MNN
    # The package's command mnnconvert also installs and uses a client that reports to a server: the converter is called directly.
    converter = [sys.executable, '-c', 'import sys, _tools; _tools.mnnconvert(sys.argv)', '-f', 'ONNX', '--modelFile', onnx_file(job),
                 '--MNNModel', job.path('.mnn'), '--bizCode', 'bench']
    interpreter = MNN.Interpreter(converted(converter, job.path('.mnn')))
    session = interpreter.createSession({'backend': 'CPU', 'numThread': job.threads, 'precision': 'high'})
    x, shape = job.images().numpy(), (job.batch, networks.classes(job.network))
    entry, result = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
    source = MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe)
    target = MNN.Tensor(shape, MNN.Halide_Type_Float, numpy.zeros(shape, numpy.float32), MNN.Tensor_DimensionType_Caffe)

    def step():
        entry.copyFrom(source)
        interpreter.runSession(session)
        result.copyToHostTensor(target)
        return numpy.array(target.getNumpyData())
    yield 'default', step


def training(job, layout, compiled):
    """A step as bench/networks say: forward, cross-entropy, backward, SGD with momentum. Gives the loss before the update."""
    network, x, y = networks.make(job.network).train(), job.images(), networks.labels(job.network, job.batch)
    if layout == 'channels_last':
        network, x = network.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, 0.9)

    def loss_of(images, classes):
        return torch.nn.functional.cross_entropy(network(images), classes)
    run = torch.compile(loss_of) if compiled else loss_of

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(x, y)
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def train_torch(job):
    for layout in ('nchw', 'channels_last'):
        yield layout, training(job, layout, False)


def train_torch_compile(job):
    torch._dynamo.reset()
    yield 'channels_last', training(job, 'channels_last', True)


# Peer: what is imported, the distribution whose version counts, and its makers.
PEERS = {
    'onnxruntime': ('onnxruntime', 'onnxruntime', {'infer': infer_onnxruntime}),
    'openvino': ('openvino', 'openvino', {'infer': infer_openvino}),
    'ncnn': ('ncnn', 'ncnn', {'infer': infer_ncnn}),
    'mnn': ('MNN', 'mnn', {'infer': infer_mnn}),
    'torch': ('torch', 'torch', {'infer': infer_torch, 'train': train_torch}),
    'torch_compile': ('torch', 'torch', {'infer': infer_torch_compile, 'train': train_torch_compile}),
}
