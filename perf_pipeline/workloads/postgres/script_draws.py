"""pgbench's random functions: whole numbers between two bounds, both of them included.

Source: https://www.postgresql.org/docs/current/pgbench.html (random functions).
Add here: another distribution. Keep out: what is not random (script_functions.py).
"""

import math
import random


def uniform(source: random.Random, low: int, high: int) -> int:
    """Draw from both bounds and between."""
    if low > high:
        raise ValueError(f"the lower bound {low} of random is above the upper one, {high}")
    return source.randint(low, high)


def exponential(source: random.Random, low: int, high: int, parameter: float) -> int:
    """Draw so that the lower bound is the most frequent (a truncated exponential distribution)."""
    _require(low, high, parameter > 0, "random_exponential must be greater than zero", parameter)
    cut = math.exp(-parameter)
    drawn = -math.log(cut + (1 - cut) * (1 - source.random())) / parameter
    return low + int((high - low + 1) * drawn)


def gaussian(source: random.Random, low: int, high: int, parameter: float) -> int:
    """Draw around the middle of the bounds, which are that many standard deviations off it."""
    _require(low, high, parameter >= 2, "random_gaussian must be at least 2", parameter)
    deviation = parameter
    while not -parameter <= deviation < parameter:
        deviation = source.gauss(0, 1)
    drawn = (deviation + parameter) / (parameter * 2)
    return low + int((high - low + 1) * drawn)


def zipfian(source: random.Random, low: int, high: int, parameter: float) -> int:
    """Draw so that the n-th value comes as often as 1 / n**parameter.

    Source: Luc Devroye, Non-Uniform Random Variate Generation (1986), p. 550-551, as in pgbench.
    """
    in_range = 1.001 <= parameter <= 1000
    _require(low, high, in_range, "random_zipfian must be from 1.001 to 1000", parameter)
    count, base = high - low + 1, math.pow(2, parameter - 1)
    if count <= 1:
        return low
    while True:
        first, second = 1 - source.random(), source.random()
        power = math.pow(first, -1 / (parameter - 1))
        if power >= count + 1:
            continue
        found = math.floor(power)
        bound = math.pow(1 + 1 / found, parameter - 1)
        if second * found * (bound - 1) / (base - 1) <= bound / base:
            return low - 1 + found


def _require(low: int, high: int, fits: bool, rule: str, parameter: float) -> None:
    if low > high:
        raise ValueError(f"the lower bound {low} of random is above the upper one, {high}")
    if not fits:
        raise ValueError(f"the parameter of {rule}, and it is {parameter:g}")
