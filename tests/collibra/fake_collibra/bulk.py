# SPDX-License-Identifier: Apache-2.0
"""Bulk calls: all or nothing, answers in the order of the items; switches for what nobody promises."""
import random


def each(request, items, apply):
    """Rows that apply(item) made."""
    if request.switches.bulk == "partial":
        done = []
        for item in items:
            with request.catalogue.transaction():  # what stands before a bad one stays
                done.append(apply(item))
    else:
        with request.catalogue.transaction():
            done = [apply(item) for item in items]
    if request.switches.bulk_order == "shuffled":
        random.Random(len(done)).shuffle(done)
    return done
