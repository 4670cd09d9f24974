# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks as .cnn text with one measure to vary: the side of the image, or the depth."""


def image_network(side):
    """Eight residual units at a quarter of the image's resolution, as in ResNets; work grows with the image's area."""
    return f"""import blocks

network image_{side}(image: [3, {side}, {side}], classes = 10) {{
    image -> conv_norm(32, stride: 2) -> stage(residual, 32, 2, stride: 2) -> stage(residual, 64, 2, stride: 2)
          -> global_avgpool -> flatten -> dense(classes)
}}
"""


def depth_network(depth):
    """A ResNet for small pictures of about `depth` convolutions: three stages of equally many units of two."""
    units = max(1, round((depth - 2) / 6))
    return f"""import blocks

network depth_{depth}(image: [3, 32, 32], classes = 10) {{
    image -> conv_norm(16)
          -> stage(residual, 16, {units}) -> stage(residual, 32, {units}, stride: 2) -> stage(residual, 64, {units}, stride: 2)
          -> global_avgpool -> flatten -> dense(classes)
}}

train depth_{depth} {{
    data      = cifar("cifar-10-batches-bin")
    batch     = 32
}}
"""
