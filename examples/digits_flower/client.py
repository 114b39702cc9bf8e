"""A client for handwritten digits, written for Flower: nothing in it knows of Holdfast."""

import numpy as np
from flwr.client import ClientApp, NumPyClient
from flwr.common import Context
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split


def load_data(partition_id, num_partitions):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(42).permutation(len(y))
    mine = order[partition_id::num_partitions]
    return train_test_split(x[mine] / 16, y[mine], test_size=0.2, random_state=42)


class FlowerClient(NumPyClient):
    def __init__(self, model, data):
        self.model = model
        self.x_train, self.x_test, self.y_train, self.y_test = data

    def get_parameters(self, config):
        return [self.model.coef_, self.model.intercept_]

    def fit(self, parameters, config):
        self.model.coef_, self.model.intercept_ = parameters
        self.model.fit(self.x_train, self.y_train)
        return self.get_parameters(config), len(self.x_train), {}

    def evaluate(self, parameters, config):
        self.model.coef_, self.model.intercept_ = parameters
        loss = log_loss(self.y_test, self.model.predict_proba(self.x_test), labels=np.arange(10))
        return loss, len(self.x_test), {"accuracy": self.model.score(self.x_test, self.y_test)}


def client_fn(context: Context):
    data = load_data(context.node_config["partition-id"], context.node_config["num-partitions"])
    steps = context.run_config.get("local-steps", 5)
    model = LogisticRegression(max_iter=steps, warm_start=True)
    model.classes_ = np.arange(10)
    model.coef_ = np.zeros((10, 64))
    model.intercept_ = np.zeros(10)
    return FlowerClient(model, data).to_client()


app = ClientApp(client_fn=client_fn)
