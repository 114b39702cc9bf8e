"""`python -m benchmarks`: all tables, in turn."""

from benchmarks import algorithms, blobs, contribution, forecast, gas, peers, rule, serving, speed

if __name__ == "__main__":
    speed.main()
    peers.main()
    rule.main()
    contribution.main()
    forecast.main()
    algorithms.main()
    gas.main()
    serving.main()
    blobs.main()
