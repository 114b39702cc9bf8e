"""`python -m benchmarks`: all tables, in turn."""

from benchmarks import blobs, gas, rule, serving, speed

if __name__ == "__main__":
    speed.main()
    rule.main()
    gas.main()
    serving.main()
    blobs.main()
