"""A convolutional network for digits, and how it is trained; nothing in it knows of Holdfast."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_data(partition, partitions):
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(42))
    mine = order[partition::partitions]
    images = torch.from_numpy(x / 16).float().reshape(-1, 1, 8, 8)[mine]
    labels = torch.from_numpy(y)[mine]
    cut = len(mine) * 4 // 5
    train = TensorDataset(images[:cut], labels[:cut])
    test = TensorDataset(images[cut:], labels[cut:])
    return DataLoader(train, batch_size=32, shuffle=True), DataLoader(test, batch_size=256)


def build_network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def make(context):
    config = context.node_config
    train, test = load_data(config["partition-id"], config["num-partitions"])
    return {
        "model": build_network(),
        "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9),
        "loss": nn.functional.cross_entropy,
        "train": train,
        "test": test,
        "epochs": context.run_config.get("epochs", 1),
    }
