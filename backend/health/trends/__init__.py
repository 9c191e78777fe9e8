"""What the past of a host's readings says about what comes: shifts, things that fill, leaks, failures, dates.

Pure: series in, frozen values out; no clock, no store. A trend is told when two signals of different kinds agree, with
the figures behind it and how sure it is; where the past says too little, nothing is told.
"""
