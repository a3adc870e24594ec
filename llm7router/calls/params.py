def check(p): pass
def prepare(p, d, n): return {**p, "max_tokens": n}
