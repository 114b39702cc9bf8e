"""`python -m benchmarks`: all tables, in turn."""

from benchmarks import gas, rule, serving, speed

if __name__ == "__main__":
    speed.main()
    rule.main()
    gas.main()
    serving.main()
