"""Pages for a browser: the report of an evaluation, and a stream as it runs.

They need bokeh: ``pip install "tsrnn[report]"``. Nothing here is imported before one is asked for.
Figures are built in Python (`figures`); `page` puts them, the script of BokehJS and the numbers
into one HTML file that loads nothing from outside; a small script (``report.js``, ``live.js``) then
puts the numbers that are asked for into the figures.
"""
