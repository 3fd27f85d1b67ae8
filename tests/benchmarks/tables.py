"""Rounds in which every contender is measured once, next to the others, and tables of their ratios."""
import statistics


def measure(rounds, contenders):
    """Runs every contender once a round; which one is first changes, as each leaves the disk something to do.

    contenders: a function without arguments for each name; what it returns is a dictionary of figures.
    Returns the list of each contender's figures by name, in the order of the rounds.
    """
    results = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(contenders[name]())
    return results


def ratios(results, name, basis, figure):
    """A figure of one contender as parts of another's, a value for each round; None where it has none."""
    pairs = zip(results[name], results[basis])
    values = [one.get(figure) / other[figure] for one, other in pairs if one.get(figure) and other.get(figure)]
    return values or None


def spread(values):
    """The median, and the range of the rounds."""
    if not values:
        return ""
    return "%.2f (%.2f to %.2f)" % (statistics.median(values), min(values), max(values))


def table(head, rows):
    """Lines of a Markdown table."""
    lines = ["| %s |" % " | ".join(head), "|%s" % ("---|" * len(head))]
    lines += ["| %s |" % " | ".join(str(cell) for cell in row) for row in rows]
    return "\n".join(lines)
