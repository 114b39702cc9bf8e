"""Loan applications that nobody ever made: drawn from a seeded generator, in the shape of a bank's.

Six branches with customers of their own kind; about one loan in sixteen is not paid back; some
incomes and years of employment were never asked for.
"""

import math
import random

APPLICATIONS = 9_000
BRANCHES = {
    # (share of all applications, mean yearly income in thousands, added to the log-odds of default)
    "harbour": (0.30, 32, 0.4),
    "market": (0.25, 41, 0.0),
    "station": (0.18, 36, 0.2),
    "university": (0.12, 24, 0.1),
    "hills": (0.10, 68, -0.3),
    "villages": (0.05, 38, -0.1),
}
PURPOSES = {"car": -0.3, "home": -0.4, "appliances": 0.0, "business": 0.6, "debts": 0.9}
HOUSING = {"owner": -0.4, "tenant": 0.1, "family": 0.2}
BASE = -4.5
"""The log-odds of default of an application in which all else is usual."""


def rows():
    """Yield one application after the other, as columns by their names."""
    generator = random.Random(2024)
    names, shares = list(BRANCHES), [share for share, _, _ in BRANCHES.values()]
    for _ in range(APPLICATIONS):
        yield apply_for_loan(generator, generator.choices(names, shares)[0])


def apply_for_loan(generator, branch):
    _, mean_income, risk = BRANCHES[branch]
    age = min(80, 20 + generator.gammavariate(3, 7))
    income = mean_income * generator.lognormvariate(0, 0.35)
    employed = generator.uniform(0, max(0.5, age - 20) * 0.6)
    amount = income * generator.lognormvariate(-1.2, 0.6)
    months = generator.choice([12, 24, 36, 48, 60, 84])
    purpose = generator.choices(list(PURPOSES), [30, 15, 25, 15, 15])[0]
    housing = generator.choices(list(HOUSING), [40, 45, 15])[0]
    late = generator.choices([0, 1, 2, 3], [78, 13, 6, 3])[0]
    burden = 12 * amount / months / income
    odds = BASE + risk + PURPOSES[purpose] + HOUSING[housing] + 1.1 * late + 4 * burden
    odds += 0.9 * math.exp(-employed / 2) - 0.015 * (age - 40)
    is_default = generator.random() < 1 / (1 + math.exp(-odds))
    return {
        "branch": branch,
        "age": round(age),
        "income": None if generator.random() < 0.07 else round(income, 1),
        "employed_years": None if generator.random() < 0.05 else round(employed, 1),
        "amount": round(amount, 1),
        "months": months,
        "burden": round(burden, 3),
        "late_payments": late,
        "purpose": purpose,
        "housing": housing,
        "outcome": "default" if is_default else "paid",
    }
