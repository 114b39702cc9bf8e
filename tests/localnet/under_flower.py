"""A program for a Python with flwr[simulation]: runs the example's client under Flower, as it is,
and scores Flower's final model and another by one function.

Arguments: the folder of the client, rounds, clients, an .npz with the other model's arrays. Prints
a line of JSON: how many clients each round had, and both accuracies.
"""

import json
import sys
import tempfile

import numpy as np

sys.path.insert(0, sys.argv[1])
import client
from flwr.common import Context, RecordDict, parameters_to_ndarrays
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation


class Remembering(FedAvg):
    """Flower's averaging, which keeps what it made last."""

    def __init__(self, clients):
        super().__init__(
            min_fit_clients=clients, min_evaluate_clients=clients, min_available_clients=clients
        )
        self.found = []
        self.parameters = None

    def aggregate_fit(self, server_round, results, failures):
        parameters, metrics = super().aggregate_fit(server_round, results, failures)
        self.found.append(len(results))
        self.parameters = parameters
        return parameters, metrics


def run_under_flower(rounds, clients):
    strategy = Remembering(clients)

    def server_fn(context):
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=rounds))

    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        backend = {
            "init_args": {
                "num_cpus": 2,
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": folder,
            },
            "client_resources": {"num_cpus": 1.0},
        }
        run_simulation(
            server_app=ServerApp(server_fn=server_fn),
            client_app=client.app,
            num_supernodes=clients,
            backend_config=backend,
        )
    return strategy.found, parameters_to_ndarrays(strategy.parameters)


def score(arrays, clients):
    """Return the accuracy on all that the clients hold out, by their own `evaluate`."""
    judged = []
    for partition in range(clients):
        config = {"partition-id": partition, "num-partitions": clients}
        context = Context(
            run_id=1, node_id=partition, node_config=config, state=RecordDict(), run_config={}
        )
        judged.append(client.client_fn(context).numpy_client.evaluate(arrays, {}))
    right = sum(samples * metrics["accuracy"] for _, samples, metrics in judged)
    return right / sum(samples for _, samples, _ in judged)


if __name__ == "__main__":
    rounds, clients = int(sys.argv[2]), int(sys.argv[3])
    found, flowers = run_under_flower(rounds, clients)
    with np.load(sys.argv[4]) as file:
        ours = [file[name] for name in file.files if name != "holdfast"]
    told = {"found": found, "flower": score(flowers, clients), "ours": score(ours, clients)}
    sys.stdout.write(json.dumps(told) + "\n")
