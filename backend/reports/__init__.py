"""Reports: what is known of a host, as Markdown, HTML that stands alone, and JSON.

`model` holds what a report is made of, `sections` say it in blocks, `markdown` and `html` draw the blocks.
"""
