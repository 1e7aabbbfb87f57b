#!/usr/bin/env python3
"""Write the made-up run folders beside this file: original/, polling/ and scaling/.

They look like real ones, are the same at each call, and exist so that charts and tables can be
tested without a measurement. The numbers in them were never measured.
"""
import csv
import os
import random

COLUMNS = """producers consumers items_per_producer capacity total_duration_s ops_per_second
avg_latency_ms schema_version suite scenario point_id repetition run_id order_index started_at_utc
status status_reason audit engine transport storage exit_mode poll_interval_ns payload_bytes seed
warmup_items items operations put_mean_ns put_p50_ns put_p90_ns put_p99_ns put_p99_9_ns put_max_ns
get_mean_ns get_p50_ns get_p90_ns get_p99_ns get_p99_9_ns get_max_ns histogram_overflow
server_cpu_ns workers_cpu_ns server_messages messages_per_operation start_skew_ns lost_items
doubled_items out_of_order_items""".split()

QUANTILES = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)]


def bucket(value_ns):
    """The bucket of a value, as in perf/histogram.h: 64 to a power of two."""
    width = 1 if value_ns < 128 else 1 << (value_ns.bit_length() - 7)
    low = value_ns // width * width
    return low, low + width


def push_latency(dice, workers):
    """One round trip and a queue of the others; now and then the scheduler is late."""
    value = 45e3 + dice.expovariate(1 / 12e3) + dice.random() * 62e3 * (workers - 1)
    if dice.random() < 0.012:
        value += dice.expovariate(1 / 900e3)
    return int(value)


def poll_latency(dice, workers, interval):
    """Some at once, the others only when a later poll finds the monitor free: a comb."""
    polls = 0
    while dice.random() < 0.30 + 0.04 * workers and polls < 40:
        polls += 1
    return int(polls * interval + 160e3 + dice.expovariate(1 / 45e3) + polls * dice.random() * 9e4)


def quantile_cells(operation, samples):
    samples = sorted(samples)
    cells = {f"{operation}_mean_ns": sum(samples) // len(samples),
             f"{operation}_max_ns": samples[-1]}
    for name, q in QUANTILES:
        if len(samples) * (1 - q) >= 10 - 1e-9:
            cells[f"{operation}_{name}_ns"] = samples[int(q * len(samples))]
    return cells


class Suite:
    def __init__(self, name):
        self.name, self.dice, self.rows, self.buckets = name, random.Random(name), [], []
        self.points = 0

    def run(self, scenario, point_id, repetition, p, c, items, capacity, interval, rate):
        dice, total = self.dice, p * items
        latency = ((lambda: poll_latency(dice, p + c, interval)) if interval
                   else (lambda: push_latency(dice, p + c)))
        puts, gets = ([latency() for _ in range(total)] for _ in range(2))
        speed = rate * dice.uniform(0.92, 1.08)
        run_id = f"{self.name}-{len(self.rows) + 1:04d}"
        row = dict(producers=p, consumers=c, items_per_producer=items, capacity=capacity,
                   total_duration_s=f"{2 * total / speed:.6g}", ops_per_second=f"{speed:.6g}",
                   avg_latency_ms=f"{(sum(puts) + sum(gets)) / len(puts + gets) / 1e6:.6g}",
                   schema_version=1, suite=self.name, scenario=scenario, point_id=point_id,
                   repetition=repetition, run_id=run_id, order_index=len(self.rows) + 1,
                   started_at_utc=f"2026-01-05T10:{len(self.rows) // 60:02d}:"
                                  f"{len(self.rows) % 60:02d}Z",
                   status="ok", audit="ok", engine="monitor-poll" if interval else "monitor",
                   transport="tcp", storage="shm", exit_mode="confirmed" if interval else "async",
                   poll_interval_ns=interval or "", payload_bytes=8, seed=repetition,
                   warmup_items=0, items=total, operations=2 * total, histogram_overflow=0,
                   server_cpu_ns=int(2 * total * 21e3), workers_cpu_ns=int(2 * total * 60e3),
                   start_skew_ns=dice.randrange(9000, 60000), lost_items=0, doubled_items=0,
                   out_of_order_items=0)
        messages = 2 * total * ((5.1 + 2e6 / interval) if interval else 3.2) * dice.uniform(0.97, 1.03)
        row["server_messages"] = int(messages)
        row["messages_per_operation"] = f"{messages / (2 * total):.4g}"
        row.update(quantile_cells("put", puts))
        row.update(quantile_cells("get", gets))
        self.rows.append(row)
        for operation, samples in (("put", puts), ("get", gets)):
            counts = {}
            for value in samples:
                counts[bucket(value)] = counts.get(bucket(value), 0) + 1
            self.buckets += [(run_id, scenario, operation, low, high, n)
                             for (low, high), n in sorted(counts.items())]
        return row

    def point(self, scenario, p, c, items, capacity, interval=0, rate=13000, repetitions=6):
        self.points += 1
        for repetition in range(1, repetitions + 1):
            self.run(scenario, f"{self.name[:2]}{self.points:02d}", repetition, p, c, items,
                     capacity, interval, rate)

    def save(self, histograms=True):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), self.name)
        os.makedirs(folder, exist_ok=True)
        style = dict(quoting=csv.QUOTE_ALL, lineterminator="\n")
        with open(f"{folder}/performance_results_distributed.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", **style)
            writer.writeheader()
            writer.writerows(self.rows)
        if not histograms:
            return
        with open(f"{folder}/histograms.csv", "w", newline="") as file:
            writer = csv.writer(file, **style)
            writer.writerow(["run_id", "scenario", "operation", "low_ns", "high_ns", "count"])
            writer.writerows(self.buckets)


def original():
    suite = Suite("original")
    for name, p, c, items, capacity, rate in [
            ("1x1", 1, 1, 100, 10, 10400), ("2x2", 2, 2, 100, 10, 13100),
            ("4x4", 4, 4, 100, 10, 15200), ("2x2-many-items", 2, 2, 500, 10, 13700),
            ("2x2-small-buffer", 2, 2, 100, 5, 12300), ("8x8-large-buffer", 8, 8, 50, 20, 14900)]:
        suite.point(name, p, c, items, capacity, rate=rate)
    lost = suite.run("4x4", "or03", 7, 4, 4, 100, 10, 0, 40000)
    lost.update(status="failed", status_reason="audit: 1 item lost", audit="violated",
                lost_items=1)
    late = suite.run("8x8-large-buffer", "or06", 7, 8, 8, 50, 20, 0, 300)
    late.update(status="timeout", status_reason="not done after 60 s", audit="unchecked")
    suite.save()


def polling():
    suite = Suite("polling")
    for p in (1, 4):
        for interval, rate in ((100_000_000, 12.9), (10_000_000, 118), (1_000_000, 930)):
            suite.point(f"poll-{p}x{p}", p, p, 160 // p, 10, interval, rate * (1 + p / 20))
        suite.point(f"push-{p}x{p}", p, p, 160 // p, 10, 0, 11000 + 900 * p)
    suite.save()


def scaling():
    suite = Suite("scaling")
    for p in (1, 2, 4, 8, 16):
        suite.point("capacity-10", p, p, 64 // p, 10, rate=10400 + 5200 * (1 - 1 / p))
        suite.point("capacity-1", p, p, 64 // p, 1, rate=8200 + 900 * (1 - 1 / p))
    suite.save(histograms=False)


if __name__ == "__main__":
    original()
    polling()
    scaling()
