"""`python -m benchmarks`: all tables, in turn."""

from benchmarks import blobs, contribution, forecast, gas, peers, rule, serving, speed

if __name__ == "__main__":
    speed.main()
    peers.main()
    rule.main()
    contribution.main()
    forecast.main()
    gas.main()
    serving.main()
    blobs.main()
