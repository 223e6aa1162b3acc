"""A search policy: the best structure so far, with a few of its genes drawn anew.

Set `search: {strategy: policy, policy: {file: policies/climb.py}}`; docs/policies.md says what a
policy is given. It may import the standard library and nothing else.
"""

import random

CHANGED = 3

best = None


def ask(state):
    """Returns the structures of the next generation, each a list of codes."""
    draw = random.Random(state["seed"])
    choices = state["choices"]
    if best is None:
        return [[draw.choice(codes) for codes in choices] for _ in range(state["population"])]
    structures = []
    for _ in range(state["population"]):
        child = list(best["structure"])
        for gene in draw.sample(range(len(child)), min(CHANGED, len(child))):
            child[gene] = draw.choice(choices[gene])
        structures.append(child)
    return structures


def tell(results):
    """Keeps the best structure that was evaluated to its end."""
    global best
    for result in results:
        if result["complete"] and (best is None or result["accuracy"] > best["accuracy"]):
            best = result
